"""Several images looked at together: selectors side by side, and what a rule leaves of points."""

from rs_core.comparing.arranging import arrange
from rs_core.comparing.compare import MAX_METHODS, Compare
from rs_core.comparing.course import CompareStep
from rs_core.comparing.freezing import FreezeRegions
from rs_core.comparing.mapping import MapPoints
from rs_core.comparing.noting import notes_of_selector
from rs_core.comparing.pairs import Pair

__all__ = [
    "MAX_METHODS",
    "Compare",
    "CompareStep",
    "FreezeRegions",
    "MapPoints",
    "Pair",
    "arrange",
    "notes_of_selector",
]
