"""Start: one image, one certificate."""
