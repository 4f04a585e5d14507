"""From votes to bounds to radii, exactly; numpy and scipy only."""

from rs_core.statistics.anytime import (
    Outcome,
    anytime_lower_bound,
    anytime_upper_bound,
    log_e_value,
    log_e_value_below,
    sequential_test,
)
from rs_core.statistics.bounds import (
    lower_confidence_bound,
    top_two_p_value,
    two_sided_bounds,
    upper_confidence_bound,
)
from rs_core.statistics.radius import (
    ceil_digits,
    floor_decimals,
    l2_radius,
    l2_radius_two_sided,
    radius_ceiling,
    smallest_n,
)

__all__ = [
    "Outcome",
    "anytime_lower_bound",
    "anytime_upper_bound",
    "ceil_digits",
    "floor_decimals",
    "l2_radius",
    "l2_radius_two_sided",
    "log_e_value",
    "log_e_value_below",
    "lower_confidence_bound",
    "radius_ceiling",
    "sequential_test",
    "smallest_n",
    "top_two_p_value",
    "two_sided_bounds",
    "upper_confidence_bound",
]
