"""A comparison of selectors drawn and put in words."""
