"""Constraints, known optima, the programme against the greedy order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import milp
from scipy.spatial.distance import cdist

from rs_core.errors import ParameterError
from rs_core.guarantees.regions.overlaps import check_constraints, find_overlaps
from rs_core.guarantees.regions.radii import (
    Layout,
    Mode,
    Order,
    in_order,
    lay_out,
    online,
)

ORDERS: tuple[Order, ...] = ("given", "ascending", "descending")
CLOSE = 1 - 1e-8


def balls(seed: int, count: int, values: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(points, labels, radii): ties, duplicates and abstentions included."""
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 8, size=(count, values)) / 2.0
    if seed % 2:
        points += rng.random((count, values))
    labels = rng.integers(-1, 3, size=count)
    return points, labels, np.where(labels < 0, 0.0, rng.random(count) * 2.5)


def line(xs: list[float], radii: list[float], mode: Mode = "strict", **rest: object) -> Layout:
    """Points on a line, each with a label of its own."""
    points = np.array(xs)[:, None]
    return lay_out(points, np.arange(len(xs)), np.array(radii), mode=mode, **rest)


many = settings(max_examples=80, deadline=None)
seeds = st.integers(0, 2**32 - 1)


@many
@given(seed=seeds, count=st.integers(1, 14), values=st.integers(1, 3))
def test_strict_regions_are_apart_and_hold_no_other_point(
    seed: int, count: int, values: int
) -> None:
    points, labels, radii = balls(seed, count, values)
    found = lay_out(points, labels, radii, mode="strict")
    distance = cdist(points, points) + np.diag(np.full(count, np.inf))
    assert (found.radii >= 0).all()
    assert (found.radii <= radii).all()
    reach = np.where((radii[:, None] + radii > distance), found.radii[:, None] + found.radii, 0)
    assert (reach <= distance).all()
    assert (found.radii <= distance.min(axis=0)).all()
    assert found.inside.size == 0


@many
@given(
    seed=seeds,
    count=st.integers(1, 14),
    values=st.integers(1, 3),
    order=st.sampled_from(ORDERS),
)
def test_online_regions_are_apart_and_insiders_stay_inside(
    seed: int, count: int, values: int, order: Order
) -> None:
    points, labels, radii = balls(seed, count, values)
    found = lay_out(points, labels, radii, mode="online", order=order)
    distance = cdist(points, points)
    opened = found.owners == np.arange(count)
    sums = found.radii[:, None] + found.radii
    apart = (sums <= distance) | ((found.radii[:, None] == 0) & (found.radii == 0))
    assert apart[np.ix_(opened, opened)][~np.eye(opened.sum(), dtype=bool)].all()
    assert (found.radii <= radii)[opened].all()
    for k in found.inside:
        owner = found.owners[k]
        assert opened[owner]
        assert distance[k, owner] < found.radii[owner]
        assert distance[k, owner] + found.radii[k] <= found.radii[owner]


@many
@given(seed=seeds, count=st.integers(1, 14), values=st.integers(1, 3))
def test_the_programme_is_never_below_the_greedy_order(seed: int, count: int, values: int) -> None:
    """Where greedy puts no point inside another's region, its radii obey the programme."""
    points, labels, radii = balls(seed, count, values)
    strict = lay_out(points, labels, radii, mode="strict").radii.sum()
    aware = lay_out(points, labels, radii, mode="label_aware").radii.sum()
    assert aware >= strict * CLOSE
    for order in ORDERS:
        greedy = lay_out(points, labels, radii, mode="online", order=order)
        if not greedy.inside.size:
            assert strict >= greedy.radii.sum() * CLOSE


@many
@given(seed=seeds, count=st.integers(2, 14), optimum=st.sampled_from(["fair", "published"]))
def test_a_programme_hangs_on_no_order_of_arrival(seed: int, count: int, optimum: str) -> None:
    """Whole points and radii: pairs share their distance in many ways."""
    points, labels, _ = balls(2 * seed, count, 2)
    rng = np.random.default_rng(seed)
    radii = np.where(labels < 0, 0.0, rng.integers(0, 4, size=count))
    other = rng.permutation(count)
    for mode in ("strict", "label_aware"):
        here = lay_out(points, labels, radii, mode=mode, optimum=optimum)
        there = lay_out(points[other], labels[other], radii[other], mode=mode, optimum=optimum)
        assert _known(here, points, labels, radii) == _known(
            there, points[other], labels[other], radii[other]
        )
        assert here.degrees[other].tolist() == there.degrees.tolist()


def _known(layout: Layout, *facts: np.ndarray) -> list[tuple[object, ...]]:
    """Each point's facts and radius, sorted: of two points that are alike neither is the first."""
    rows = zip(*(fact.tolist() for fact in facts), layout.radii.tolist(), strict=True)
    return sorted(rows)


def test_two_points_share_their_distance_by_their_caps() -> None:
    """.118 + .026, or .061 + .083: both are optimal, and it hung on who came first."""
    for xs, radii in (([0.0, 0.144], [0.2, 0.2]), ([0.144, 0.0], [0.2, 0.2])):
        assert line(xs, radii).radii == pytest.approx([0.072, 0.072])
    assert line([0.0, 0.3], [0.1, 0.25]).radii == pytest.approx([0.3 * 2 / 7, 0.3 * 5 / 7])
    assert line([0.0, 0.3], [0.1, 0.25], optimum="published").radii.sum() == pytest.approx(0.3)


def test_a_mixed_set_without_insiders() -> None:
    """As in T7: the optimum clearly beats the order in which the points were given."""
    rng = np.random.default_rng(5)
    points, radii = rng.random((60, 2)) * 6, np.full(60, 0.0)
    distance = cdist(points, points) + np.diag(np.full(60, np.inf))
    radii = np.minimum(distance.min(axis=0) * rng.uniform(0.5, 1.0, 60), 1.0)
    greedy = lay_out(points, np.arange(60), radii, mode="online")
    strict = lay_out(points, np.arange(60), radii, mode="strict")
    assert greedy.inside.size == 0
    assert strict.radii.sum() > greedy.radii.sum() * 1.02


@pytest.mark.parametrize("seed", range(6))
def test_the_optimum_agrees_with_another_solver_without_our_shortcuts(seed: int) -> None:
    """All N(N-1)/2 constraints, dense, without caps or components."""
    points, labels, radii = balls(2 * seed + 1, 18, 2)
    first, second = np.triu_indices(18, k=1)
    matrix = np.zeros((len(first), 18))
    matrix[np.arange(len(first)), first] = matrix[np.arange(len(first)), second] = 1
    gaps = cdist(points, points)[first, second]
    for mode in ("strict", "label_aware"):
        bind = np.ones(len(first), bool) if mode == "strict" else labels[first] != labels[second]
        # A pair of abstentions needs nothing: both radii are 0 already.
        whole = milp(
            -np.ones(18),
            bounds=(np.zeros(18), radii),
            constraints=(matrix[bind], -np.inf, gaps[bind]),
        )
        found = lay_out(points, labels, radii, mode=mode)
        assert found.radii.sum() == pytest.approx(-whole.fun, rel=1e-6)


def test_known_optima_on_a_line_and_in_the_plane() -> None:
    assert line([0, 2], [1, 1]).radii.tolist() == [1, 1]
    assert line([0, 2], [3, 3]).radii.sum() == pytest.approx(2)
    # The middle point gives way: 1 + 0 + 1 is more than 0 + 1 + 0.
    assert line([0, 1, 2], [1, 1, 1]).radii == pytest.approx([1, 0, 1], abs=1e-6)
    # Greedy takes the middle first and the ends get nothing.
    points = np.array([[0.0], [1.0], [2.0]])
    middle = online(find_overlaps(points, np.ones(3)), np.ones(3), np.array([1, 0, 2]))
    assert middle.radii == pytest.approx([0, 1, 0], abs=1e-6)
    # An equilateral triangle of side 1: the best sum is 1.5, each with one half.
    corners = np.array([[0, 0], [1, 0], [0.5, 3**0.5 / 2]])
    triangle = lay_out(corners, np.arange(3), np.ones(3), mode="strict")
    assert triangle.radii == pytest.approx([0.5] * 3, abs=1e-6)
    # With one label for two of them, only the third is in their way.
    aware = lay_out(corners, np.array([0, 0, 1]), np.ones(3), mode="label_aware")
    assert aware.radii == pytest.approx([1, 1, 0], abs=1e-6)
    one = lay_out(corners, np.zeros(3, int), np.ones(3), mode="label_aware")
    assert one.radii.tolist() == [1, 1, 1]


def test_algorithm_2_step_by_step() -> None:
    """0 opens (-1, 1); 0.6 lies in it; 2.5 opens up to 0's boundary; 4 has what is left."""
    found = line([0, 0.6, 2.5, 4], [1, 2, 3, 3], "online")
    assert found.owners.tolist() == [0, 0, 2, 3]
    assert found.radii == pytest.approx([1, 0.4, 1.5, 0], abs=1e-7)
    backwards = line([4, 2.5, 0.6, 0], [3, 3, 2, 1], "online")
    assert backwards.owners.tolist() == [0, 0, 2, 3]
    assert backwards.radii == pytest.approx([3, 1.5, 0.4, 0.2], abs=1e-7)


def test_orders_by_degree() -> None:
    overlaps = find_overlaps(np.array([[0.0], [1.0], [2.0], [9.0]]), np.full(4, 0.7))
    assert overlaps.degrees.tolist() == [1, 2, 1, 0]
    assert in_order(overlaps, "given").tolist() == [0, 1, 2, 3]
    assert in_order(overlaps, "ascending").tolist() == [3, 0, 2, 1]
    assert in_order(overlaps, "descending").tolist() == [1, 0, 2, 3]


def test_duplicates_of_two_labels_and_an_abstention_beside_a_ball() -> None:
    assert line([1, 1], [0.5, 0.8]).radii.tolist() == [0, 0]
    assert line([1, 1], [0.5, 0.8], "label_aware").radii.tolist() == [0, 0]
    first = line([1, 1], [0.5, 0.8], "online")
    assert first.owners.tolist() == [0, 0]
    assert first.radii == pytest.approx([0.5, 0.5])
    for mode in ("strict", "label_aware", "online"):
        beside = lay_out(np.array([[0.0], [0.3]]), np.array([-1, 2]), np.array([0, 1.0]), mode=mode)
        assert beside.radii == pytest.approx([0, 0.3])  # an abstention is an obstacle
        alone = lay_out(np.zeros((1, 2)), np.array([4]), np.array([0.7]), mode=mode)
        assert alone.radii.tolist() == [0.7]
        none = lay_out(np.zeros((3, 2)), np.full(3, -1), np.zeros(3), mode=mode)
        assert none.radii.tolist() == [0, 0, 0]
    with pytest.raises(ParameterError, match="abstain"):
        lay_out(np.zeros((1, 1)), np.array([-1]), np.array([0.1]), mode="strict")


def test_a_programme_out_of_time_says_so_and_keeps_both_results() -> None:
    points, labels, radii = balls(3, 40, 2)
    found = lay_out(points, labels, radii, mode="strict", time_limit=1e-9)
    instead = lay_out(points, labels, radii, mode="online")
    assert found.mode == "online"
    assert found.radii.tolist() == instead.radii.tolist()
    assert "strict linear programme reached its limit of 1e-09 s with 0 of" in found.notes[0]
    assert found.unfinished is not None
    met = find_overlaps(points, radii).degrees > 0
    assert (found.unfinished[~met] == radii[~met]).all()
    assert lay_out(points, labels, radii, mode="strict").unfinished is None


def test_the_recheck_sees_each_kind_of_fault() -> None:
    points, radii = np.array([[0.0], [0.6], [2.5]]), np.array([1.0, 2.0, 3.0])
    overlaps = find_overlaps(points, radii)
    good, owners = np.array([1.0, 0.3, 1.4]), np.array([0, 0, 2])
    check_constraints(overlaps, good, radii, owners)
    for k, value in ((0, 1.1), (2, 1.6), (1, 0.5), (2, -0.1)):
        bad = good.copy()
        bad[k] = value
        with pytest.raises(RuntimeError):
            check_constraints(overlaps, bad, radii, owners)
    with pytest.raises(RuntimeError):
        check_constraints(overlaps, good, radii, np.arange(3))
