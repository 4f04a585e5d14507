"""What the program answers, written down so that two versions can be compared."""
