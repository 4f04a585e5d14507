"""The page of balls: points, their order, what a rule leaves, frozen regions."""
