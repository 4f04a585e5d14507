"""The radius curve of one image."""
