"""Sandwiches drawn and put in words."""
