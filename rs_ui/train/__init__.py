"""A training, watched and taken along."""
