import dataclasses
from collections.abc import Callable, Sequence

import pytest

from rs_core.results import Certificate, RadiusCurve
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
