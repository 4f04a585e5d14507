"""A training drawn, epoch by epoch."""
