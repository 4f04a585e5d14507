"""A closed-form case of badge C: each frozen certificate is true, and the class still flips.

One number instead of an image. The base classifier says "inside" where |z| < 1. The selector is
the honest one: of its candidates it takes the sigma with the largest exact radius at the point
that it is shown. No certificate of one sigma can speak for it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from rs_core.errors import ParameterError

SIGMAS = (0.4, 2.0)


class Answer(NamedTuple):
    """What the smoothed classifier says at one point under one sigma, with exact probabilities.

    `radius` is sigma * PhiInv(p), p the probability of the class that it answers.
    """

    sigma: float
    inside: float
    radius: float

    @property
    def says_inside(self) -> bool:
        """The class: more than half of the noisy copies fall inside."""
        return self.inside > 0.5


class Counterexample(NamedTuple):
    """A certificate at 0, and a point inside its radius where the selector picks again.

    Fields:
        sigmas: the selector's candidates, ascending.
        certified: the answer at 0 under the picked sigma; its radius is the certified one.
        switch: the distance from which on another sigma is picked.
        shift: a distance between `switch` and the radius.
        frozen: the answer at `shift` under the sigma of the certificate: the class stays.
        again: the answer at `shift` under the sigma that is picked there: the class flips.
    """

    sigmas: tuple[float, float]
    certified: Answer
    switch: float
    shift: float
    frozen: Answer
    again: Answer


def answer_at(x: float, sigma: float) -> Answer:
    """The exact answer of the smoothed classifier at x."""
    inside = float(ndtr((1 - x) / sigma) - ndtr((-1 - x) / sigma))
    return Answer(sigma, inside, sigma * float(abs(ndtri(inside))))


def picked_at(x: float, sigmas: Sequence[float] = SIGMAS) -> Answer:
    """The answer with the largest radius; the smaller sigma where two are equal."""
    return max((answer_at(x, sigma) for sigma in sorted(sigmas)), key=lambda a: a.radius)


def repicked_sigma(low: float = SIGMAS[0], high: float = SIGMAS[1]) -> Counterexample:
    """The counterexample of two candidate sigmas.

    Raises:
        ParameterError: these two make none: at 0 the larger one is picked, or within the radius
            the choice never changes.
    """
    pair = (low, high)
    certified = picked_at(0.0, pair)

    def lead(x: float) -> float:
        return answer_at(x, low).radius - answer_at(x, high).radius

    if certified.sigma == low < high and certified.says_inside and lead(certified.radius) < 0:
        switch = float(brentq(lead, 0.0, certified.radius))
        shift = (switch + certified.radius) / 2
        frozen, again = answer_at(shift, low), picked_at(shift, pair)
        if frozen.says_inside and not again.says_inside:
            return Counterexample(pair, certified, switch, shift, frozen, again)
    raise ParameterError(
        f"the sigmas {low:g} and {high:g} make no counterexample: take others, such as "
        f"{SIGMAS[0]:g} and {SIGMAS[1]:g}."
    )


def answers(xs: np.ndarray, sigma: float) -> np.ndarray:
    """The probability of "inside" at many points, float64 like `xs`."""
    return np.asarray(ndtr((1 - xs) / sigma) - ndtr((-1 - xs) / sigma))
