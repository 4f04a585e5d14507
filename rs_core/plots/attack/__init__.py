"""An attack drawn and put in words."""
