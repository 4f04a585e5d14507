import dataclasses
from collections.abc import Callable, Sequence

import pytest

from rs_core.results import Certificate, RadiusCurve, Selection
from rs_core.results.comparison import Comparison, Method
from rs_core.statistics import l2_radius, lower_confidence_bound

MakeCertificate = Callable[..., Certificate]


def certificate(
    counts: Sequence[int] = (10, 980, 10, 0),
    *,
    sigma: float = 0.25,
    alpha: float = 1e-3,
    n0: int = 100,
    guarantee: str = "A",
    **changes: object,
) -> Certificate:
    """The Cohen certificate of the given votes (INVALID last)."""
    n, top = sum(counts), max(range(len(counts) - 1), key=lambda k: counts[k])
    p_lower = lower_confidence_bound(counts[top], n, alpha)
    radius = l2_radius(sigma, p_lower)
    made = Certificate(
        predicted=top if p_lower > 0.5 else None,
        radius=radius,
        norm="l2",
        p_lower=p_lower,
        p_upper_runner_up=None,
        sigma=sigma,
        n_top=counts[top],
        n0=n0,
        n=n,
        alpha=alpha,
        bound="clopper-pearson",
        guarantee=guarantee,
        statement=f"statement for sigma {sigma:g}",
        counts=tuple(counts),
        draws=n0 + n,
        precision="fp32",
        noise="gaussian",
        stream="certify 0",
        device="cpu",
        weights_id="weights-1",
        image_digest="digest-1",
        preprocessing=("decoded", "resized to 28x28"),
        seed=0,
    )
    return dataclasses.replace(made, **changes)


@pytest.fixture(scope="session")
def make() -> MakeCertificate:
    return certificate


@pytest.fixture
def curve() -> RadiusCurve:
    """Four sigmas, classes 1, 1, 2 and an abstention, simultaneous at 0.001."""
    votes = ((0, 1000, 0, 0), (5, 990, 5, 0), (50, 100, 850, 0), (340, 330, 300, 30))
    points = tuple(
        certificate(counts, sigma=sigma, alpha=1e-3 / 4)
        for counts, sigma in zip(votes, (0.1, 0.25, 0.5, 1.0), strict=True)
    )
    best = certificate((60, 120, 820, 0), sigma=0.5, guarantee="C")
    return RadiusCurve(points, alpha=1e-3, simultaneous=True, best=best)


WON, WRONG, SILENT = (0, 1000, 0, 0), (900, 50, 50, 0), (340, 330, 330, 0)
SEARCHED = ((0.1, 0.05), (0.5, 0.3), (0.25, 0.2))


def method(
    selector: str,
    guarantee: str,
    badge: str,
    votes: Sequence[Sequence[int]],
    sigmas: Sequence[float],
    candidates: tuple[tuple[float, float], ...] = SEARCHED,
) -> Method:
    """A method that picked the sigmas, one per image, and certified with the votes."""
    return Method(
        selector, {"n": 10}, guarantee, badge, "0.001",
        tuple(Selection(selector, s, candidates, 30 if candidates else 0) for s in sigmas),
        tuple(
            certificate(v, sigma=s, guarantee=badge) for v, s in zip(votes, sigmas, strict=True)
        ),
        1.5,
    )  # fmt: skip


@pytest.fixture
def comparison(curve: RadiusCurve) -> Comparison:
    """Three images of class 1, four methods of two badges in mixed order, and their curves."""
    return Comparison(
        "mnist5k", (0, 25, 50), ("seven", "<b>two</b>", "one"), ("d0", "d1", "d2"), (1, 1, 1),
        (
            method("grid", "frozen", "C", (WON, WRONG, SILENT), (0.25, 0.5, 0.12)),
            method("fixed", "global_sigma", "A", (WON, WON, SILENT), (0.25,) * 3, ()),
            method("multistart", "frozen", "C", (WON, WON, WON), (0.5, 0.25, 0.25)),
            method("multistart", "grid_minimum", "A", (WON, SILENT, SILENT), (0.5, 0.25, 0.25)),
        ),
        (curve,) * 3,
    )  # fmt: skip
