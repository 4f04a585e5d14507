"""The attack lab: one image under attack."""
