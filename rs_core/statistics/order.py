"""Order statistics that bound a median under noise, after Chiang et al. (2020)."""

import math
from typing import NamedTuple

from scipy.special import ndtr, ndtri

from rs_core.errors import ParameterError
from rs_core.statistics.checks import as_count, as_positive, as_probability
from rs_core.statistics.radius import ceil_digits


class MedianIndices(NamedTuple):
    """1-based positions in an ascending sample; None where the sample is too small to bound."""

    lower: int | None
    upper: int | None


def shifted_percentiles(
    distance: float, sigma: float, around: tuple[float, float] = (0.5, 0.5)
) -> tuple[float, float]:
    """(p_lower, p_upper): what is deployed anywhere within `distance` lies between them here.

    Args:
        distance: l2 distance D, at least 0, pixels of [0,1].
        sigma: of the noise whose percentiles are meant, same unit.
        around: the deployed percentiles, (.5, .5) for the population median; wider for an
            empirical median (`empirical_median_percentiles`).

    Raises:
        ParameterError: a value out of range.

    Chiang et al. (2020), Lemma 1: PhiInv of a percentile moves by at most D/sigma.
    """
    noise = float(as_positive("sigma", sigma))
    if not distance >= 0 or not 0 < around[0] <= around[1] < 1:
        raise ParameterError(
            f"distance={distance:g} must be at least 0 and the percentiles {around} lie in "
            "ascending order between 0 and 1."
        )
    shift = distance / noise
    return float(ndtr(ndtri(around[0]) - shift)), float(ndtr(ndtri(around[1]) + shift))


def median_indices(n: int, p_lower: float, p_upper: float, alpha: float) -> MedianIndices:
    """Positions whose sample values bound the percentiles p_lower and p_upper.

    The value at `lower` is at most the p_lower quantile, and the value at `upper` at least the
    p_upper quantile, each with probability at least 1 - alpha (the budget is 2 alpha).

    Args:
        n: size of the sample, at least 1.
        p_lower, p_upper: in (0, 1).
        alpha: error per side.
    """
    from scipy.stats import binom  # 0.4 s: not for whoever asks no median

    count = int(as_count("n", n))
    level = float(as_probability("alpha", alpha))
    upper = int(binom.isf(level, count, p_upper)) + 1
    lower = count - int(binom.isf(level, count, 1.0 - p_lower))
    return MedianIndices(lower if lower >= 1 else None, upper if upper <= count else None)


def empirical_median_percentiles(n: int, beta: float) -> tuple[float, float]:
    """Percentiles that the empirical median of n draws leaves with probability at most beta.

    .5 -+ sqrt(ln(2/beta) / 2n): Dvoretzky-Kiefer-Wolfowitz with Massart's constant.

    Raises:
        ParameterError: n is too small: the percentiles would leave (0, 1).
    """
    width = math.sqrt(math.log(2 / float(as_probability("beta", beta))) / (2 * int(n)))
    if not width < 0.5:
        least = math.ceil(2 * math.log(2 / beta)) + 1
        raise ParameterError(
            f"n={n} draws cannot place a median at beta={ceil_digits(beta, 6)}: give at least "
            f"{least}."
        )
    return 0.5 - width, 0.5 + width
