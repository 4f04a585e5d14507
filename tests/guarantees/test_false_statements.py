"""False statements counted, each guarantee against a truth in closed form.

A network that compares one value with a threshold has its margin as true radius, at every sigma,
and no certificate from votes can be tighter: statements fail as often as their level allows.
`RS_STATEMENTS=20000` counts as many of each guarantee.
"""

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
import torch
from scipy.stats import binom
from torch import Tensor, nn

from rs_core.classifiers import Classifier
from rs_core.events import drain
from rs_core.guarantees import (
    GUARANTEES,
    Cascade,
    Dual,
    DualRS,
    Frozen,
    FrozenLambda,
    GlobalLambda,
    GlobalSigma,
    GridMinimum,
    Guarantee,
    Memory,
    Regions,
    Sukenik,
    sukenik,
)
from rs_core.images import ImageInput, image_from_array
from rs_core.results import Certificate, Selection
from rs_core.smoothing import CertifySequential, Predict, Sweep
from tests.conftest import spec_of

STATEMENTS = int(os.environ.get("RS_STATEMENTS", "400"))
ALPHA = 0.05
SPEC = spec_of((1, 2, 2), 2)
GREY, MARGIN = 128 / 255, 28 / 255
SIGMA, SIGMAS = 0.25, (0.15, 0.25)
DRAWS = {"n0": 16, "n": 64, "alpha": ALPHA}


class Threshold(nn.Module):
    """Class 1 from `margin` below grey on: the radius is the margin, whatever sigma."""

    def __init__(self, margin: float) -> None:
        super().__init__()
        self.low = GREY - margin

    def forward(self, x: Tensor) -> Tensor:
        score = x[:, 0, 0, 0] - self.low
        return torch.stack([-score, score], dim=1)


class Told(nn.Module):
    """The same with a margin for each sigma: the largest sigma has the smallest one."""

    takes_sigma = True

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        low = GREY - torch.where(sigma < SIGMA - 0.01, 3 * MARGIN, MARGIN)
        score = x[:, 0, 0, 0] - low
        return torch.stack([-score, score], dim=1)


class Silent(nn.Module):
    """At the small sigma class 1 from far off; at the large one class 0 alone can have a majority,
    from MARGIN below grey on, and eight others share what it leaves.

    They share it by the last digits of a value that is on the grid, which noise makes uniform.
    """

    takes_sigma = True

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        is_small = sigma < SIGMA - 0.01
        moved = x[:, 0, 0, 0] - GREY
        share = torch.round(x[:, 0, 0, 1] * 261_120).remainder(8)
        above = torch.where(is_small, moved > -3 * MARGIN, moved > -MARGIN)
        label = torch.where(above, torch.where(is_small, 1, 2 + share.long()), 0)
        return nn.functional.one_hot(label, 10).to(x.dtype)


class Slope(nn.Module):
    """A selector network in a straight line, so its median is itself: the darker, the larger.

    At grey it answers what snaps to the larger sigma, and so on the way to the threshold.
    """

    def forward(self, x: Tensor) -> Tensor:
        return 0.22 - 0.4 * (x[:, 0, 0, 0] - GREY)


def images(count: int, values: Sequence[int] = (128,)) -> list[ImageInput]:
    """Images that differ in what the network does not read."""
    rng = np.random.default_rng(count)
    rest = rng.integers(0, 256, size=(count, 3), dtype=np.uint8)
    first = rng.choice(np.array(values, dtype=np.uint8), size=(count, 1))
    pixels = np.concatenate([first, rest], axis=1).reshape(count, 2, 2, 1)
    return [image_from_array(p, SPEC, name=f"image {i}") for i, p in enumerate(pixels)]


@dataclass(frozen=True)
class Case:
    """A guarantee, a network whose true radius is MARGIN at all images, and what was picked.

    Fields:
        values: first pixels; 72 lies as far on the other side of the threshold as grey does.
        together: images that are certified in one run.
        joint: all that is said in one run is one statement.
        classes: of the network.
    """

    guarantee: Guarantee
    network: nn.Module
    selection: Selection
    values: tuple[int, ...] = (128,)
    together: int = 400
    joint: bool = False
    classes: int = 2

    def verdicts(self, count: int) -> list[bool]:
        """Of each statement whether it is false."""
        classifier = Classifier(self.network, spec_of((1, 2, 2), self.classes))
        own = images(count, self.values)
        found: list[bool] = []
        for start in range(0, count, self.together):
            some = own[start : start + self.together]
            picked = [self.selection] * len(some)
            rows = drain(self.guarantee.run(classifier, some, picked, seed=0))
            pairs = zip(some, rows, strict=True)
            said = [false(image, c) for image, c in pairs if not enforced(c)]
            found += [any(said)] if self.joint else said
        return found


def false(image: ImageInput, certificate: Certificate) -> bool:
    """Whether another class than the image's is claimed, or more than the margin."""
    label = int(round(float(image.pixels[0, 0, 0]) * 255) >= 128)
    wrong = certificate.predicted != label or certificate.radius > MARGIN
    return certificate.predicted is not None and wrong


def enforced(certificate: Certificate) -> bool:
    """A memory's answer that was taken from an older ball claims nothing about votes."""
    return math.isnan(certificate.p_lower)


NEAR, BOTH = Threshold(MARGIN), (128, 72)
AT = Selection("fixed", SIGMA, (), 0)
OWN = Selection("grid", SIGMA, (), 0)
L1 = Selection("gradient", SIGMA, (), 0, norm="l1")
CASES = {
    "global_sigma": Case(GlobalSigma(**DRAWS), NEAR, AT, BOTH),
    "two-sided": Case(GlobalSigma(**DRAWS, bound="two-sided"), NEAR, AT, BOTH),
    "idealised": Case(GlobalSigma(**DRAWS, noise="idealised"), NEAR, AT, BOTH),
    "frozen": Case(Frozen(**DRAWS), NEAR, OWN, BOTH),
    "grid_minimum": Case(GridMinimum(**DRAWS, sigmas=SIGMAS), Told(), OWN),
    "cascade": Case(Cascade(**DRAWS, sigmas=SIGMAS), Told(), AT),
    "cascade kept in": Case(Cascade(**DRAWS, sigmas=SIGMAS), Silent(), AT, classes=10),
    "sukenik": Case(Sukenik(**DRAWS), NEAR, replace(OWN, rate=0.2), BOTH),
    "memory": Case(Memory(**DRAWS), NEAR, OWN, BOTH, together=100),
    "regions online": Case(Regions(**DRAWS), NEAR, OWN, BOTH, together=20),
    "regions by degree": Case(
        Regions(**DRAWS, order="ascending"), NEAR, OWN, BOTH, together=20
    ),
    "regions strict": Case(Regions(**DRAWS, mode="strict"), NEAR, OWN, BOTH, together=20),
    "regions label-aware": Case(
        Regions(**DRAWS, mode="label_aware"), NEAR, OWN, BOTH, together=5, joint=True
    ),
    "global_lambda": Case(GlobalLambda(**DRAWS), NEAR, replace(AT, norm="l1"), BOTH),
    "frozen_lambda": Case(FrozenLambda(**DRAWS), NEAR, L1, BOTH),
    "dual_rs, the pick": Case(
        DualRS(picker=Classifier(Threshold(MARGIN), SPEC), sigmas=SIGMAS, **DRAWS),
        Threshold(3 * MARGIN), AT,
    ),
    "dual_rs, the class": Case(
        DualRS(picker=Classifier(Threshold(3 * MARGIN), SPEC), sigmas=SIGMAS, **DRAWS), NEAR, AT,
    ),
    "dual": Case(
        Dual(
            network=Slope().eval(), sigmas=SIGMAS, sigma_m=0.1, n_h=201, alpha_h=1e-3, beta=1e-2,
            distance=2 * MARGIN, **DRAWS,
        ),
        Told(), OWN,
    ),
}  # fmt: skip


def most_false(statements: int, alpha: float) -> int:
    """Exceeded once in a million runs by statements that are false with probability alpha."""
    return int(binom.ppf(1 - 1e-6, statements, alpha))


@pytest.fixture(scope="module", autouse=True)
def each_radius_once() -> Iterator[None]:
    """There are as many radii of a moving sigma as numbers of votes, and each takes its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sukenik, "moving_sigma_radius", cache(sukenik.moving_sigma_radius))
        yield


def curves(alpha: float) -> list[bool]:
    """Of each simultaneous sweep whether one of its radii is false."""
    sweep = Sweep(sigmas=SIGMAS, recertify=False, **DRAWS | {"alpha": alpha})
    own = images(STATEMENTS)
    found = drain(sweep.run(Classifier(Told(), SPEC), own, seed=0))
    pairs = zip(own, found, strict=True)
    return [any(c.radius > MARGIN for c in curve.certificates[1:]) for _, curve in pairs]


def decisions(alpha: float) -> list[bool]:
    """Of each sequential test whether its radius, or "certified", is false."""
    options = DRAWS | {"alpha": alpha, "n": 640}
    test = CertifySequential(sigma=SIGMA, target_radius=MARGIN * 1.001, **options)
    own = images(STATEMENTS)
    found = drain(test.run(Classifier(NEAR, SPEC), own, seed=0))
    return [
        false(image, d.certificate) or d.outcome == "certified"
        for image, d in zip(own, found, strict=True)
    ]


def predictions(alpha: float) -> list[bool]:
    """Of each PREDICT at the edge of two classes whether it names the wrong one."""
    predict = Predict(sigma=SIGMA, n=64, alpha=alpha)
    found = drain(predict.run(Classifier(Threshold(1e-4), SPEC), images(STATEMENTS), seed=0))
    return [p.predicted == 0 for p in found]


def verdicts(name: str, alpha: float, count: int = STATEMENTS) -> list[bool]:
    """Of each statement at level `alpha` whether it is false; `OTHERS` have their own count."""
    if name in OTHERS:
        return OTHERS[name](alpha)
    case = CASES[name]
    return replace(case, guarantee=replace(case.guarantee, alpha=alpha)).verdicts(count)


OTHERS = {"sweep": curves, "sequential": decisions, "PREDICT": predictions}


@pytest.mark.parametrize("name", [*CASES, *OTHERS])
def test_statements_are_false_as_seldom_as_they_say(name: str) -> None:
    said = verdicts(name, ALPHA)
    print(f"{name:<22}{len(said):>7,} statements at {ALPHA:g}: {sum(said):>5,} false")
    assert sum(said) <= most_false(len(said), ALPHA)


def test_every_guarantee_is_counted() -> None:
    assert {case.guarantee.name for case in CASES.values()} == {*GUARANTEES, "dual", "dual_rs"}


@pytest.mark.parametrize("name", [*CASES, "sweep", "PREDICT"])
def test_statements_at_a_larger_risk_are_found_out(name: str) -> None:
    """The truth that the cases hold is near enough for the count to tell."""
    # Two sides share the risk, and joint statements are few: it takes more images to tell.
    more = {"two-sided": 4000, "regions label-aware": 1200}
    said = verdicts(name, 0.45, max(STATEMENTS, more.get(name, 0)))
    assert len(said) >= 40
    assert sum(said) > most_false(len(said), ALPHA)
