import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from rs_core.errors import ParameterError
from rs_core.guarantees.regions import overlaps as module
from rs_core.guarantees.regions.overlaps import Overlaps, distances_from, find_overlaps


def pairs_of(found: Overlaps) -> set[tuple[int, int]]:
    return set(zip(found.first.tolist(), found.second.tolist(), strict=True))


def test_balls_that_only_touch_do_not_meet() -> None:
    points = np.array([[0.0], [2.0], [5.0]])
    assert pairs_of(find_overlaps(points, np.array([1.0, 1.0, 1.9]))) == set()
    found = find_overlaps(points, np.array([1.0, 1.1, 1.9]))
    assert pairs_of(found) == {(0, 1)}
    assert found.distance.tolist() == [2.0]
    assert found.degrees.tolist() == [1, 1, 0]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(0, 12),
    values=st.integers(1, 6),
    scale=st.sampled_from([1e-6, 1.0, 1e6]),
    offset=st.sampled_from([0.0, 0.5, 1e3]),
)
def test_the_scan_finds_exactly_the_pairs_of_float64(
    seed: int, count: int, values: int, scale: float, offset: float
) -> None:
    """Integer grids bring duplicates and balls that touch to the last bit."""
    rng = np.random.default_rng(seed)
    points = offset + scale * rng.integers(0, 4, size=(count, values)).astype(float)
    radii = scale * rng.integers(0, 4, size=count) / 2
    found = find_overlaps(points, radii)
    first, second = np.triu_indices(count, k=1)
    distance = pdist(points) if count > 1 else np.zeros(0)
    sums = radii[first] + radii[second]
    sure = np.abs(sums - distance) > 1e-12 * (scale + offset)
    wanted = set(
        zip(first[sums > distance].tolist(), second[sums > distance].tolist(), strict=True)
    )
    unsure = set(zip(first[~sure].tolist(), second[~sure].tolist(), strict=True))
    assert pairs_of(found) - unsure == wanted - unsure


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blocks_join_and_images_are_large(dtype: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROWS", 7)
    monkeypatch.setattr(module, "_VALUES", 3000)
    rng = np.random.default_rng(0)
    points = rng.random((50, 784)).astype(dtype)
    distance = pdist(points.astype(np.float64))
    reach = np.sort(distance)[611:613].mean()
    radii = np.full(50, reach / 2)
    found = find_overlaps(points, radii)
    first, second = np.triu_indices(50, k=1)
    close = distance < reach
    assert pairs_of(found) == set(zip(first[close], second[close], strict=True))
    order = np.lexsort((found.second, found.first))
    np.testing.assert_allclose(found.distance[order], distance[close], rtol=1e-12)
    np.testing.assert_allclose(distances_from(points, points[3])[:3], distance[[2, 50, 97]])


def test_pairs_that_float32_cannot_tell_apart() -> None:
    """Two pairs on a far-away base whose gaps differ from R_i + R_j by less than float32's eps."""
    base = np.full(3072, 0.7)
    base[0] = 0.0
    points = np.stack([base] * 2 + [1 - base] * 2)
    points[1, 0], points[3, 0] = 1e-6, 1 + 1e-6
    gap = points[1, 0]
    for reach, meets in ((gap * (1 + 1e-9), True), (gap * (1 - 1e-9), False)):
        found = find_overlaps(points, np.full(4, reach / 2))
        assert ((0, 1) in pairs_of(found)) == meets


def test_components_and_neighbours() -> None:
    points = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [50.0]])
    found = find_overlaps(points, np.full(6, 0.6))
    component = found.components()
    assert component[0] == component[1] == component[2]
    assert component[3] == component[4]
    assert len(set(component)) == 3
    others, distance = found.neighbours()[1]
    assert sorted(others.tolist()) == [0, 2]
    assert distance.tolist() == [1.0, 1.0]
    assert found.neighbours()[5][0].size == 0


def test_duplicates_and_a_single_point() -> None:
    same = np.zeros((2, 3), dtype=np.float32)
    assert pairs_of(find_overlaps(same, np.array([0.0, 0.0]))) == set()
    assert pairs_of(find_overlaps(same, np.array([0.0, 0.1]))) == {(0, 1)}
    joined = find_overlaps(same, np.array([0.2, 0.1]))
    assert len(set(joined.components())) == 1  # a distance of 0 is a pair all the same
    assert pairs_of(find_overlaps(same[:1], np.array([5.0]))) == set()


@pytest.mark.parametrize(
    ("points", "radii"),
    [
        (np.zeros((2, 2)), np.zeros(3)),
        (np.zeros(2), np.zeros(2)),
        (np.array([[np.nan]]), np.zeros(1)),
        (np.zeros((1, 1)), np.array([-0.1])),
        (np.zeros((1, 1)), np.array([np.inf])),
    ],
)
def test_what_is_no_set_of_balls(points: np.ndarray, radii: np.ndarray) -> None:
    with pytest.raises(ParameterError):
        find_overlaps(points, radii)
