"""Both ends of a radius, per image."""
