"""Figures that take minutes or hours: how good, not how fast."""
