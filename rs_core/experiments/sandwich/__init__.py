"""A certificate below and an attack above, of one and the same smoothed classifier."""

from rs_core.experiments.sandwich.make import MakeSandwiches
from rs_core.experiments.sandwich.options import SandwichOptions
from rs_core.experiments.sandwich.progress import SandwichStep

__all__ = ["MakeSandwiches", "SandwichOptions", "SandwichStep"]
