"""Several images looked at together: maps of certified points, and what a rule leaves of them."""

from rs_core.comparing.arranging import arrange
from rs_core.comparing.freezing import FreezeRegions
from rs_core.comparing.mapping import MapPoints

__all__ = ["FreezeRegions", "MapPoints", "arrange"]
