"""What the compute process answers at once, while it computes."""
