from dataclasses import replace

import numpy as np
import pytest

from rs_core.errors import ParameterError
from rs_core.guarantees.regions.allocation import Allocation
from rs_core.guarantees.regions.backing import Backing, check_backed
from rs_core.guarantees.regions.guarantee import Regions
from rs_core.statistics import l2_radius, lower_confidence_bound
from tests.guarantees.regions.test_guarantee import N, run


def backing(n_top: int = 950, alpha: float = 1e-3, sigma: float = 0.25) -> Backing:
    p_lower = float(lower_confidence_bound(n_top, 1000, alpha))
    return Backing(
        predicted=1, radius=float(l2_radius(sigma, p_lower)), sigma=sigma, p_lower=p_lower,
        p_upper_runner_up=None, counts=(1000 - n_top, n_top, 0), n_top=n_top, n0=100, n=1000,
        alpha=alpha, bound="clopper-pearson", noise="gaussian", precision="fp32", device="cpu",
        stream="regions 0", seed=3,
    )  # fmt: skip


def hold(*points: Backing, **changes: object) -> None:
    facts: dict[str, object] = {
        "labels": np.ones(len(points), int),
        "sigmas": np.array([p.sigma for p in points]),
        "radii": np.array([p.radius for p in points]),
        "together": False, "alpha": 1e-3, "risk": 1e-3 * len(points),
    }  # fmt: skip
    check_backed(points, **facts | changes)


def test_what_the_votes_give_passes() -> None:
    points = backing(), backing(800)
    hold(*points)
    hold(*points, radii=np.array([points[0].radius / 2, 0.0]))
    hold(*(replace(p, alpha=5e-4, radius=0.01, p_lower=0.5) for p in points), together=True)


@pytest.mark.parametrize("excess", [1 + 1e-6, 1.01, 4.6])
def test_a_larger_radius_is_refused(excess: float) -> None:
    mine = backing()
    with pytest.raises(ParameterError, match="and its certificate has"):
        hold(mine, radii=np.array([mine.radius * excess]))
    with pytest.raises(ParameterError, match="its votes give"):
        hold(replace(mine, radius=mine.radius * excess))
    with pytest.raises(ParameterError, match="its votes give"):
        hold(replace(mine, p_lower=min(mine.p_lower * excess, 0.999999)))


def test_another_sigma_label_or_risk_is_refused() -> None:
    mine = backing()
    for changes in ({"labels": np.array([0])}, {"sigmas": np.array([0.5])}):
        with pytest.raises(ParameterError, match="and its certificate has"):
            hold(mine, **changes)
    for points, changes in (
        ((mine,), {"alpha": 5e-4}),
        ((mine, mine), {"risk": 1.5e-3}),
        ((mine, mine), {"together": True}),
    ):
        with pytest.raises(ParameterError, match="more than the risks"):
            hold(*points, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"counts": (50, 951, 0)}, {"n_top": 949}, {"n": 10}, {"counts": ("a", 3, 0)},
        {"sigma": 0.0}, {"alpha": 0.0}, {"alpha": float("nan")}, {"bound": "none"},
        {"predicted": 2}, {"predicted": "1"}, {"counts": (-1, 950, 51)}, {"radius": float("inf")},
    ],
)  # fmt: skip
def test_votes_that_do_not_belong_together_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match="disagree"):
        replace(backing(), **changes)


@pytest.mark.parametrize("bound", ["clopper-pearson", "two-sided"])
@pytest.mark.parametrize("mode", ["online", "strict", "label_aware"])
def test_frozen_regions_keep_their_certificates_in_the_hash(mode: str, bound: str) -> None:
    regions = Regions(n=N, mode=mode, bound=bound)
    found, frozen, _ = run(regions, [0.6, 0.8, -0.4], [0.3, 0.3, 0.4])
    allocation = frozen.allocation
    allocation.check()
    assert [b.counts for b in allocation.backings] == [c.counts for c in found]
    together = mode == "label_aware"
    assert (allocation.alpha, allocation.risk) == (1e-3, 1e-3 if together else 3e-3)
    own = allocation.backings[0]
    other = (replace(own, seed=own.seed + 1), *allocation.backings[1:])
    for changes in ({"backings": other}, {"alpha": 2e-3}, {"risk": 1.0}):
        assert replace(allocation, hash="", **changes).hash != allocation.hash
    k = int(allocation.regions[0])
    wide = np.where(np.arange(3) == k, own.radius * 1.01, 0.0)
    with pytest.raises(ParameterError, match="and its certificate has"):
        replace(allocation, radii=wide, hash="").check()


def test_a_hash_from_before_certificates_were_kept_stays() -> None:
    old = Allocation(
        mode="strict", weights_id="w", digests=("a", "b"), points=np.array([[0.0], [3.0]]),
        labels=np.array([2, -1]), sigmas=np.array([0.3, 0.3]), radii=np.array([1.0, 0.0]),
        owners=np.array([0, 1]), fallback_sigma=0.25,
    )  # fmt: skip
    assert old.hash == "ad670a7a8da292e955036808c770ad7c"
    with pytest.raises(ParameterError, match="as many certificates"):
        replace(old, alpha=1e-3, risk=1e-3, hash="")
    with pytest.raises(ParameterError, match="as many certificates"):
        replace(old, backings=(backing(), backing()), hash="")
