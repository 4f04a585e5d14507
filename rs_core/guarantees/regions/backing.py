"""The votes behind the points of a frozen allocation, and the radii that follow from them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from rs_core.errors import ParameterError
from rs_core.results import Certificate, Noise, Votes
from rs_core.smoothing.certify import bound_radii
from rs_core.smoothing.options import Bound
from rs_core.statistics import add_risks, ceil_digits, floor_decimals

ROUNDING = 1 + 1e-9  # another version of scipy may end a digit further


@dataclass(frozen=True, kw_only=True)
class Backing:
    """What of a point's certificate makes its radius, and what repeats it.

    Fields are those of `Certificate`: the radius is the Monte Carlo one, which a region may cut,
    and alpha what this certificate pays of its statement. They stay as they are: hashes of frozen
    files depend on them.

    Raises:
        ParameterError: fields do not belong together.
    """

    predicted: int | None
    radius: float
    sigma: float
    p_lower: float
    p_upper_runner_up: float | None
    counts: tuple[int, ...]
    n_top: int
    n0: int
    n: int
    alpha: float
    bound: str
    noise: Noise
    precision: str
    device: str
    stream: str
    seed: int

    def __post_init__(self) -> None:
        numbers = (self.radius, self.sigma, self.p_lower, self.alpha)
        whole = (self.n_top, self.n0, self.n, *self.counts)
        words = (self.noise, self.precision, self.device, self.stream)
        held = (
            all(isinstance(value, float) and math.isfinite(value) for value in numbers)
            and all(isinstance(value, int) and 0 <= value <= 10**9 for value in whole)
            and all(isinstance(word, str) for word in words)
            and self.bound in get_args(Bound)
            and len(self.counts) > 1
            and sum(self.counts) == self.n > 0
            and self.sigma > 0
            and 0 < self.alpha < 1
        )
        if held and self.predicted is not None:
            held = (
                isinstance(self.predicted, int)
                and 0 <= self.predicted < len(self.counts) - 1
                and self.counts[self.predicted] == self.n_top
            )
        if not held:
            raise ParameterError("a certificate's votes, sigma, bound and level disagree.")

    def recomputed(self) -> tuple[float, float]:
        """(p_lower, radius) of the class named here, from the votes alone."""
        assert self.predicted is not None
        votes = Votes(
            np.array([[self.counts]]), np.array([[self.sigma]]), self.n, "certify", noise=self.noise
        )
        bound: Bound = "two-sided" if self.bound == "two-sided" else "clopper-pearson"
        p_lower, _, radius = bound_radii(bound, votes, np.array([[self.predicted]]), self.alpha)
        return float(p_lower[0, 0]), float(radius[0, 0])


def backing_of(certificate: Certificate) -> Backing:
    """What of this certificate is frozen beside its region."""
    return Backing(**{name: getattr(certificate, name) for name in Backing.__dataclass_fields__})


def check_backed(
    backings: Sequence[Backing],
    labels: np.ndarray,
    sigmas: np.ndarray,
    radii: np.ndarray,
    *,
    together: bool,
    alpha: float,
    risk: float,
) -> None:
    """Refuse radii (N,) that their votes do not give, and risks below what is paid.

    Args:
        backings: one per point; labels, sigmas, radii: (N,), what is claimed there.
        together: alpha is that of all statements at once, not of each.
        alpha, risk: of a statement, and of all together.

    Raises:
        ParameterError: names the point, or the sum.
    """
    for k, backing in enumerate(backings):
        if backing.predicted is not None:
            p_lower, most = backing.recomputed()
            if backing.radius > most * ROUNDING or backing.p_lower > p_lower * ROUNDING:
                raise ParameterError(
                    f"the certificate of point {k} has radius "
                    f"{floor_decimals(backing.radius, 6)} and its votes give "
                    f"{floor_decimals(most, 6)}: discard this allocation."
                )
        if radii[k] > 0 and (
            backing.predicted != labels[k]
            or backing.sigma != sigmas[k]
            or radii[k] > backing.radius * ROUNDING
        ):
            raise ParameterError(
                f"point {k} has radius {floor_decimals(radii[k], 6)}, sigma {sigmas[k]:.4g}, "
                f"label {labels[k]}, and its certificate has "
                f"{floor_decimals(backing.radius, 6)}, {backing.sigma:.4g} and "
                f"{backing.predicted}: discard this allocation."
            )
    paid = add_risks(*(backing.alpha for backing in backings))
    most_paid = max((backing.alpha for backing in backings), default=0.0)
    if paid > risk * ROUNDING or (paid if together else most_paid) > alpha * ROUNDING:
        raise ParameterError(
            f"the certificates pay {ceil_digits(paid, 6)} in all and {ceil_digits(most_paid, 6)} "
            f"each, more than the risks {ceil_digits(risk, 6)} and {ceil_digits(alpha, 6)} that "
            "this allocation names: discard it."
        )
