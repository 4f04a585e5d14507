"""The settings that certificates share, with their bounds."""

from dataclasses import dataclass
from typing import Any, Literal

from rs_core.errors import ParameterError
from rs_core.fields import check_params, param
from rs_core.results import Noise, Norm
from rs_core.statistics import ceil_digits, smallest_n

Bound = Literal["clopper-pearson", "two-sided"]
Arithmetic = Literal["exact", "idealised"]
SIGMA_MAX = 10.0
# A probability over 2**64 seeds is a multiple of 5.4e-20; docs/arithmetic.md.
_LEAST_LEVEL = 1e-15


ARITHMETIC: Any = param(
    "exact",
    help="exact: noise and pixels on one grid, so that the certificate holds for what runs; "
    "idealised: float32 noise as published, for which it holds in exact arithmetic",
    choices=("exact", "idealised"),
)


def noise_kind(arithmetic: Arithmetic, norm: Norm = "l2") -> Noise:
    """The noise kind of the sampling loop."""
    if norm == "l1":
        return "uniform-grid" if arithmetic == "exact" else "uniform"
    return "gaussian-grid" if arithmetic == "exact" else "gaussian"


def noise_norm(kind: Noise) -> Norm:
    """The norm of radii under this noise."""
    return "l1" if kind in ("uniform", "uniform-grid") else "l2"


def is_exact(kind: Noise) -> bool:
    """Whether copies are sums on the grid."""
    return kind in ("gaussian-grid", "uniform-grid")


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
    noise: Arithmetic = ARITHMETIC

    def __post_init__(self) -> None:
        check_params(self)
        check_level(self.alpha, self.alpha)

    @property
    def norm(self) -> Norm:
        """The norm of the radii."""
        return "l2"

    @property
    def noise_kind(self) -> Noise:
        """The noise kind of the sampling loop."""
        return noise_kind(self.noise, self.norm)


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
                levels or sides, is too small for seeds of 64 bits.
        """
        level = bound_level(self.bound, alpha)
        check_level(self.alpha, level)
        least = smallest_n(level)
        if self.n < least:
            raise ParameterError(
                f"n={self.n} can never certify at alpha={ceil_digits(alpha, 6)} with the "
                f"{self.bound} bound: give n of at least {least}."
            )


def check_level(alpha: float, level: float) -> None:
    """Refuse an alpha of which a single bound, at this level, is left too little.

    Raises:
        ParameterError: names the limit.
    """
    if level < _LEAST_LEVEL:
        shared = (
            ""
            if level == alpha
            else f"shared out it leaves {ceil_digits(level, 3)} for one bound, and "
        )
        raise ParameterError(
            f"alpha={ceil_digits(alpha, 6)} is too small: {shared}the draws of a seed bear "
            f"at least {_LEAST_LEVEL:g}; give a larger alpha."
        )


def bound_level(bound: str, alpha: float) -> float:
    """The level of each confidence bound of a statement at alpha.

    The two-sided bound pays half below, and half above for each other class (docs/minimum.md).
    """
    return alpha / 2 if bound == "two-sided" else alpha
