"""Balls and regions drawn and put in words."""
