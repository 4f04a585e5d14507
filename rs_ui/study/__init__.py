"""Studies of many images under attack."""
