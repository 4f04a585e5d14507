"""A certificate below and an attack above, of one and the same smoothed classifier."""

from rs_core.sandwiching.making import MakeSandwiches
from rs_core.sandwiching.options import SandwichOptions
from rs_core.sandwiching.progress import SandwichStep

__all__ = ["MakeSandwiches", "SandwichOptions", "SandwichStep"]
