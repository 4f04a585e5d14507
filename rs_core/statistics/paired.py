"""How far two ways differ on the same images, and how sure that is."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

_ERRORS = 2.0  # standard errors on either side
_LEVEL = 0.975  # the quantile that they stand for, where the seeds are few


@dataclass(frozen=True)
class PairedDifference:
    """The mean difference over images and seeds, with its standard errors.

    Fields:
        mean: first minus second.
        image_error: standard error over images, of differences averaged over the seeds; NaN for
            one image.
        seed_error: standard error over seeds, of differences averaged over the images; NaN for
            one seed.
        images, seeds: counts.
    """

    mean: float
    image_error: float
    seed_error: float
    images: int
    seeds: int

    @property
    def margin(self) -> float:
        """sqrt((2 image_error)^2 + (t seed_error)^2), t Student's 97.5 % quantile for the seeds.

        With one seed the second term is left out: the margin then speaks of these networks alone.
        NaN for one image.
        """
        if self.seeds < 2:
            return _ERRORS * self.image_error
        quantile = float(stdtrit(self.seeds - 1, _LEVEL))
        return math.hypot(_ERRORS * self.image_error, quantile * self.seed_error)


def paired_difference(first: np.ndarray, second: np.ndarray) -> PairedDifference:
    """The difference of two ways that were measured on the same images.

    Args:
        first, second: float (S, N), a row a seed, columns of the same images; one row counts for
            every seed of the other.
    """
    apart = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    seeds, images = apart.shape
    return PairedDifference(
        float(apart.mean()), _error(apart.mean(axis=0)), _error(apart.mean(axis=1)), images, seeds
    )


def _error(values: np.ndarray) -> float:
    """Standard error of a mean; NaN for one value."""
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.nan
