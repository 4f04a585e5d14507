"""Studies of many images drawn and put in words."""
