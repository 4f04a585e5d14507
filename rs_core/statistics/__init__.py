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
from rs_core.statistics.cascade import MAJORITY, cascade_terms
from rs_core.statistics.moving_sigma import (
    moving_sigma_radius,
    sigma_ratio_bounds,
    worst_runner_up,
)
from rs_core.statistics.order import (
    MedianIndices,
    empirical_median_percentiles,
    median_indices,
    shifted_percentiles,
)
from rs_core.statistics.paired import PairedDifference, paired_difference
from rs_core.statistics.radius import (
    add_risks,
    ceil_digits,
    floor_decimals,
    l1_radius,
    l2_radius,
    l2_radius_two_sided,
    radius_ceiling,
    smallest_n,
)
from rs_core.statistics.repicked_sigma import (
    Counterexample,
    answer_at,
    answers,
    picked_at,
    repicked_sigma,
)

__all__ = [
    "MAJORITY",
    "Counterexample",
    "MedianIndices",
    "Outcome",
    "PairedDifference",
    "add_risks",
    "answer_at",
    "answers",
    "anytime_lower_bound",
    "anytime_upper_bound",
    "cascade_terms",
    "ceil_digits",
    "empirical_median_percentiles",
    "floor_decimals",
    "l1_radius",
    "l2_radius",
    "l2_radius_two_sided",
    "log_e_value",
    "log_e_value_below",
    "lower_confidence_bound",
    "median_indices",
    "moving_sigma_radius",
    "paired_difference",
    "picked_at",
    "radius_ceiling",
    "repicked_sigma",
    "sequential_test",
    "shifted_percentiles",
    "sigma_ratio_bounds",
    "smallest_n",
    "top_two_p_value",
    "two_sided_bounds",
    "upper_confidence_bound",
    "worst_runner_up",
]
