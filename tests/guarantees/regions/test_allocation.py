import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_core.errors import ParameterError
from rs_core.guarantees.regions.allocation import Allocation
from rs_core.guarantees.regions.radii import Mode, lay_out
from rs_core.results import Certificate, from_json, to_json

MODES: tuple[Mode, ...] = ("online", "strict", "label_aware")


def frozen(seed: int, mode: Mode, count: int = 9, values: int = 2) -> Allocation:
    rng = np.random.default_rng(seed)
    points = rng.random((count, values)) * 3
    labels = rng.integers(-1, 3, size=count)
    radii = np.where(labels < 0, 0.0, rng.random(count) * 1.5)
    layout = lay_out(points, labels, radii, mode=mode)
    return Allocation(
        mode=mode,
        weights_id="w",
        digests=tuple(f"image {k}" for k in range(count)),
        points=points,
        labels=labels[layout.owners],
        sigmas=np.linspace(0.1, 0.9, count)[layout.owners],
        radii=layout.radii,
        owners=layout.owners,
        fallback_sigma=0.25,
    )


def certificate(radius: float, predicted: int | None = 1, sigma: float = 0.25) -> Certificate:
    return Certificate(
        predicted=predicted, radius=radius, norm="l2", p_lower=0.9, p_upper_runner_up=None,
        sigma=sigma, n_top=9, n0=10, n=10, alpha=1e-3, bound="clopper-pearson", guarantee="B",
        statement="", counts=(1, 9, 0), draws=20, noise="gaussian", stream="", precision="float32",
        device="cpu", weights_id="w", image_digest="", preprocessing=(), seed=0,
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), mode=st.sampled_from(MODES), values=st.integers(1, 3))
def test_random_points_get_the_label_of_every_ball_they_lie_in(
    seed: int, mode: Mode, values: int
) -> None:
    allocation = frozen(seed, mode, values=values)
    allocation.check()
    rng = np.random.default_rng(seed)
    for k in np.flatnonzero(allocation.radii > 0):
        for _ in range(4):
            step = rng.standard_normal(values)
            step *= rng.random() ** (1 / values) * 0.999 / np.linalg.norm(step)
            answer = allocation.answer(allocation.points[k] + allocation.radii[k] * step)
            assert answer.label == allocation.labels[k]
            if mode != "label_aware":
                assert answer.region == allocation.owners[k]
    for query in rng.random((20, values)) * 4 - 0.5:
        distance = np.linalg.norm(allocation.points - query, axis=1)
        around = allocation.regions[(distance < allocation.radii)[allocation.regions]]
        assert len(set(allocation.labels[around])) <= 1
        assert len(around) <= 1 or mode == "label_aware"
        assert allocation.answer(query).region == (around[0] if len(around) else None)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), mode=st.sampled_from(MODES))
def test_an_answer_holds_as_far_as_it_says(seed: int, mode: Mode) -> None:
    """Inside and outside, with a fallback: no point nearer than the radius changes its label."""
    allocation = frozen(seed, mode)
    rng = np.random.default_rng(seed)
    for query in rng.random((12, 2)) * 4 - 0.5:
        answer = allocation.answer(query, fallback=certificate(0.4))
        if answer.radius == 0:
            continue
        assert answer.radius <= (0.4 if answer.region is None else allocation.radii[answer.region])
        for _ in range(4):
            step = rng.standard_normal(2)
            near = query + step / np.linalg.norm(step) * answer.radius * 0.999
            there = allocation.answer(near, fallback=certificate(0.4))
            assert there.label == answer.label
            assert (there.region is None) == (answer.region is None)


def test_outside_all_regions_it_abstains_or_falls_back() -> None:
    allocation = Allocation(
        mode="strict", weights_id="w", digests=("a", "b"), points=np.array([[0.0], [3.0]]),
        labels=np.array([2, -1]), sigmas=np.array([0.3, 0.3]), radii=np.array([1.0, 0.0]),
        owners=np.array([0, 1]), fallback_sigma=0.25,
    )  # fmt: skip
    assert allocation.answer(np.array([0.25])) == (0, 2, pytest.approx(0.75))
    assert allocation.answer(np.array([1.0])) == (None, None, 0.0)  # balls are open
    assert allocation.answer(np.array([3.0])) == (None, None, 0.0)  # radius 0: no region
    far = allocation.answer(np.array([5.0]), fallback=certificate(0.6))
    assert far == (None, 1, 0.6)
    close = allocation.answer(np.array([1.5]), fallback=certificate(0.6))
    assert close == (None, 1, pytest.approx(0.5))
    assert allocation.answer(np.array([0.5]), fallback=certificate(0.6)).region == 0
    assert allocation.answer(np.array([5.0]), fallback=certificate(0.0, None)).label is None
    with pytest.raises(ParameterError, match=r"fallback sigma 0\.25"):
        allocation.answer(np.array([5.0]), fallback=certificate(0.6, sigma=0.5))
    for wrong in (np.zeros(2), np.array([np.nan])):
        with pytest.raises(ParameterError, match="give 1 finite"):
            allocation.answer(wrong)


def test_the_hash_is_that_of_the_content() -> None:
    allocation = frozen(1, "online")
    assert frozen(1, "online").hash == allocation.hash
    assert len(allocation.hash) == 32
    changes: dict[str, object] = {
        "mode": "strict",
        "weights_id": "v",
        "digests": ("other", *allocation.digests[1:]),
        "fallback_sigma": None,
        "notes": ("a note",),
        "sigmas": allocation.sigmas + 1e-12,
        "points": allocation.points + 1e-12,
        "radii": allocation.radii * (1 - 1e-12),
        "labels": np.where(allocation.labels >= 0, allocation.labels + 1, -1),
        "owners": np.zeros(9, dtype=np.int64),
    }
    hashes = {replace(allocation, hash="", **{key: value}).hash for key, value in changes.items()}
    assert len(hashes | {allocation.hash}) == len(changes) + 1
    for key, value in changes.items():
        with pytest.raises(ParameterError, match="changed after it was frozen"):
            replace(allocation, **{key: value})


def test_it_survives_json_and_refuses_a_changed_file() -> None:
    allocation = frozen(4, "label_aware")
    data = json.loads(json.dumps(to_json(allocation)))
    back = from_json(Allocation, data)
    assert back.hash == allocation.hash
    assert back.digests == allocation.digests
    assert (back.points == allocation.points).all()
    query = allocation.points[int(allocation.regions[0])]
    assert back.answer(query) == allocation.answer(query)
    data["radii"] = to_json(allocation.radii * 2)
    with pytest.raises(ParameterError, match="original file"):
        from_json(Allocation, data)


def test_it_cannot_be_written_to() -> None:
    allocation = frozen(2, "strict")
    with pytest.raises(ValueError, match="read-only"):
        allocation.radii[0] = 9.0


def test_the_check_sees_regions_that_meet_and_balls_that_leave() -> None:
    points = np.array([[0.0], [0.5], [3.0]])
    good = Allocation(
        mode="online", weights_id="w", digests=("a", "b", "c"), points=points,
        labels=np.array([1, 1, 2]), sigmas=np.array([0.3, 0.3, 0.5]),
        radii=np.array([1.0, 0.4, 1.9]), owners=np.array([0, 0, 2]),
    )  # fmt: skip
    good.check()
    with pytest.raises(ParameterError, match="regions 0 and 2 meet"):
        replace(good, radii=np.array([1.0, 0.4, 2.1]), hash="").check()
    own = replace(good, owners=np.arange(3), radii=np.array([1.0, 0.4, 1.9]), hash="")
    with pytest.raises(ParameterError, match="regions 0 and 1 meet"):
        own.check()
    replace(own, mode="label_aware", hash="").check()  # one label: they may
    for changes in (
        {"radii": np.array([1.0, 0.6, 1.9])},
        {"labels": np.array([1, 2, 2])},
        {"sigmas": np.array([0.3, 0.4, 0.5])},
    ):
        with pytest.raises(ParameterError, match="point 1 leaves"):
            replace(good, hash="", **changes).check()


def test_fields_that_do_not_belong_together() -> None:
    allocation = frozen(2, "strict")
    for changes in (
        {"digests": ("one",)},
        {"labels": np.zeros(3, dtype=np.int64)},
        {"labels": np.full(9, -2), "radii": np.zeros(9)},
        {"labels": np.full(9, -1), "radii": np.ones(9)},
        {"owners": np.full(9, 9)},
        {"sigmas": np.zeros(9)},
        {"fallback_sigma": np.nan},
        {"radii": np.full(9, np.nan)},
    ):
        with pytest.raises(ParameterError):
            replace(allocation, hash="", **changes)
