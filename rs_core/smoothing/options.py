"""The settings that certificates share, with their bounds."""

from dataclasses import dataclass
from typing import Any, Literal

from rs_core.errors import ParameterError
from rs_core.fields import check_params, param
from rs_core.results import Noise, Norm
from rs_core.statistics import smallest_n

Bound = Literal["clopper-pearson", "two-sided"]
SIGMA_MAX = 10.0
_LEAST_LEVEL = 1e-300  # below about 1e-308 floats lose their digits, and then become 0


RIGOROUS: Any = param(False, help="float64 noise on a grid, exact sums; needs 8-bit pixels, slower")


def noise_kind(rigorous: bool) -> Noise:
    """The noise kind of the sampling loop."""
    return "gaussian-grid" if rigorous else "gaussian"


@dataclass(frozen=True, kw_only=True)
class DrawOptions:
    """What every certificate needs besides sigma."""

    n0: int = param(100, help="noisy copies that choose the class", low=1, high=1e7)
    n: int = param(10_000, help="fresh noisy copies that certify it", low=1, high=1e8)
    alpha: float = param(
        1e-3,
        help="probability that the statement is false",
        low=0,
        high=0.5,
        low_open=True,
    )
    rigorous: bool = RIGOROUS

    def __post_init__(self) -> None:
        check_params(self)

    @property
    def noise(self) -> Noise:
        """The noise kind of the sampling loop."""
        return noise_kind(self.rigorous)

    @property
    def norm(self) -> Norm:
        """The norm of radii under this noise."""
        return "l1" if self.noise == "uniform" else "l2"


@dataclass(frozen=True, kw_only=True)
class CertifyOptions(DrawOptions):
    """What a certificate from a number of draws fixed beforehand needs besides sigma."""

    bound: Bound = param(
        "clopper-pearson",
        help="clopper-pearson (Cohen et al. 2019) or two-sided (also bounds every other class)",
        choices=("clopper-pearson", "two-sided"),
    )

    def check_n(self, alpha: float) -> None:
        """Refuse an n that cannot certify anything at this level, however the votes fall.

        Raises:
            ParameterError: names the smallest n that could; or the level, shared out among noise
                levels or sides, is too small for floating point.
        """
        level = bound_level(self.bound, alpha)
        if level < _LEAST_LEVEL:
            raise ParameterError(
                f"alpha={self.alpha:g} is too small: shared out it leaves {level:g} for one "
                f"bound, the limit is {_LEAST_LEVEL:g}; give a larger alpha."
            )
        least = smallest_n(level)
        if self.n < least:
            raise ParameterError(
                f"n={self.n} can never certify at alpha={alpha:.3g} with the {self.bound} bound: "
                f"give n of at least {least}."
            )


def bound_level(bound: str, alpha: float) -> float:
    """The level of each confidence bound of a statement at alpha.

    The two-sided bound pays half below, and half above for each other class (docs/minimum.md).
    """
    return alpha / 2 if bound == "two-sided" else alpha
