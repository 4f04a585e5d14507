"""Selectors side by side."""
