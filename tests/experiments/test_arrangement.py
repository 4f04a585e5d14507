from collections.abc import Sequence
from contextlib import closing
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_core.errors import ParameterError
from rs_core.experiments import arrange
from rs_core.experiments.arrangement import RULES
from rs_core.guarantees.memory.balls import BallMemory
from rs_core.guarantees.regions.radii import lay_out
from rs_core.results.arrangement import Arrangement, Points, by_degree, degrees
from tests.experiments.conftest import on_a_line, points_of

LEVELS = st.integers(0, 12).map(lambda k: k / 12)  # coarse: equal images and touching balls occur
PIXELS = st.lists(st.tuples(LEVELS, LEVELS, LEVELS), min_size=1, max_size=9)
LABELS = st.one_of(st.none(), st.integers(0, 2))
RADII = st.floats(0, 0.8)


@st.composite
def certified(draw: st.DrawFn) -> tuple[Points, np.ndarray, list[int]]:
    """Points, their pixels, and an order of some of them."""
    pixels = np.array(draw(PIXELS), dtype=np.float32)[:, None, None, :]
    known: dict[bytes, tuple[int | None, float]] = {}
    facts = [known.setdefault(p.tobytes(), (draw(LABELS), draw(RADII))) for p in pixels]
    order = draw(st.permutations(range(len(pixels))))
    left = draw(st.integers(1, len(pixels)))
    points = points_of(pixels, [label for label, _ in facts], [radius for _, radius in facts])
    return points, pixels, list(order[:left])


def replayed(points: Points, pixels: np.ndarray, order: Sequence[int]) -> list[tuple]:
    with closing(BallMemory("", {}, pixels.shape[1:])) as memory:
        return [
            memory.place(pixels[k], points.digests[k], c.predicted, c.radius)
            for k in order
            for c in [points.certificates[k]]
        ]


def regions(
    points: Points, pixels: np.ndarray, order: Sequence[int], mode: str, by: str = "given"
) -> tuple[dict[int, float], dict[int, int]]:
    """Radius and owner of each different image, as `lay_out` gives them."""
    seen: dict[str, int] = {}
    ones = [k for k in order if seen.setdefault(points.digests[k], k) == k]
    labels = [points.certificates[k].predicted for k in ones]
    layout = lay_out(
        pixels[ones].reshape(len(ones), -1),
        np.array([-1 if label is None else label for label in labels]),
        np.array([points.certificates[k].radius for k in ones]),
        mode=mode,
        order=by,
    )
    owners = [ones[o] for o in layout.owners]
    return dict(zip(ones, layout.radii, strict=True)), dict(zip(ones, owners, strict=True))


@given(certified())
def test_a_memory_is_its_replay(case: tuple[Points, np.ndarray, list[int]]) -> None:
    points, pixels, order = case
    found = arrange(points, pixels, "memory", order)
    placed = replayed(points, pixels, order)
    assert [b.point for b in found.balls] == order == list(found.order)
    assert [(b.label, b.radius, b.kind) for b in found.balls] == [
        (p.label, p.radius, p.kind) for p in placed
    ]
    assert all(ball.final for ball in found.balls)
    assert found.total == pytest.approx(sum(p.radius for p in placed))
    for ball in found.balls:
        assert (ball.conflict is None) == (ball.kind == "own")
        assert ball.conflict is None or order.index(ball.conflict) < order.index(ball.point)


@given(certified())
def test_online_regions_are_those_of_the_guarantee(
    case: tuple[Points, np.ndarray, list[int]],
) -> None:
    points, pixels, order = case
    found = arrange(points, pixels, "online", order)
    radii, owners = regions(points, pixels, order, "online")
    for ball in found.balls:
        if ball.kind == "repeat":
            first = next(b for b in found.balls if b.point == ball.conflict)
            assert points.digests[ball.point] == points.digests[first.point]
            assert (ball.label, ball.radius, ball.final) == (first.label, first.radius, first.final)
        else:
            assert ball.radius == radii[ball.point]
            assert (ball.kind == "inherited") == (owners[ball.point] != ball.point)
            assert ball.final == (owners[ball.point] == ball.point)
            if ball.kind == "inherited":
                assert ball.conflict == owners[ball.point]


@given(certified(), st.sampled_from(["ascending", "descending"]))
def test_orders_by_degree_are_those_of_the_guarantee(
    case: tuple[Points, np.ndarray, list[int]], by: str
) -> None:
    points, pixels, _ = case
    found = arrange(points, pixels, "online", by)
    radii, _ = regions(points, pixels, range(len(pixels)), "online", by)
    assert {b.point: b.radius for b in found.balls if b.kind != "repeat"} == radii
    if len(set(points.digests)) == len(pixels):
        given_order = arrange(points, pixels, "online")
        assert found.order == by_degree(given_order, descending=by == "descending")
    assert found == arrange(points, pixels, "online", found.order)


@settings(max_examples=40, deadline=None)
@given(certified(), st.sampled_from(["strict", "label_aware"]))
def test_linear_programmes_know_no_order(
    case: tuple[Points, np.ndarray, list[int]], rule: str
) -> None:
    points, pixels, order = case
    found = arrange(points, pixels, rule, order)
    radii, _ = regions(points, pixels, sorted(order), rule)
    by_digest = {points.digests[k]: radius for k, radius in radii.items()}
    assert {b.point: b.radius for b in found.balls} == {
        k: by_digest[points.digests[k]] for k in order
    }
    assert all(ball.final for ball in found.balls)


@settings(max_examples=60, deadline=None)
@given(certified(), st.sampled_from(RULES))
def test_no_ball_is_larger_than_its_certificate_and_no_two_contradict(
    case: tuple[Points, np.ndarray, list[int]], rule: str
) -> None:
    points, pixels, order = case
    found = arrange(points, pixels, rule, order)
    assert len(found.balls) == len(order)
    for ball in found.balls:
        if ball.kind in ("own", "cut"):
            assert ball.radius <= ball.asked_radius
            assert ball.label in (None, ball.asked_label)
        if ball.kind == "own":
            assert ball.radius == pytest.approx(ball.asked_radius)
    for one, two in combinations([b for b in found.balls if b.kind != "repeat"], 2):
        apart = points.distances[one.point, two.point]
        same = one.label == two.label
        if not same or (rule == "strict"):
            assert one.radius + two.radius <= apart or max(one.radius, two.radius) == 0
    assert found.meeting == meeting_pairs(points, order)
    assert set(found.conflicting) <= set(found.meeting)
    assert sum(degrees(found).values()) == 2 * len(found.meeting)


@settings(max_examples=60, deadline=None)
@given(certified(), st.sampled_from(RULES))
def test_who_cut_a_ball_touches_it(case: tuple[Points, np.ndarray, list[int]], rule: str) -> None:
    points, pixels, order = case
    found = arrange(points, pixels, rule, order)
    balls = {ball.point: ball for ball in found.balls}
    for ball in found.balls:
        if ball.kind == "cut":
            by = balls[ball.conflict]
            gap = max(0.0, points.distances[ball.point, by.point] - by.radius)
            assert ball.radius == pytest.approx(gap, abs=1e-6)
            earlier = order.index(by.point) < order.index(ball.point)
            assert earlier or rule in ("strict", "label_aware")


def meeting_pairs(points: Points, order: Sequence[int]) -> tuple[tuple[int, int], ...]:
    radii = [c.radius for c in points.certificates]
    return tuple(
        (i, j)
        for i, j in combinations(sorted(order), 2)
        if radii[i] + radii[j] > points.distances[i, j]
    )


def test_three_balls_on_a_line_by_hand() -> None:
    pixels = on_a_line(0.0, 0.5, 0.75)
    points = points_of(pixels, [0, 1, 0], [0.25, 0.375, 0.25])

    def radii(found: Arrangement) -> list[float]:
        return [round(b.radius, 6) for b in sorted(found.balls, key=lambda b: b.point)]

    first = arrange(points, pixels, "memory")
    assert radii(first) == [0.25, 0.25, 0.0]
    assert [(b.kind, b.conflict) for b in first.balls] == [("own", None), ("cut", 0), ("cut", 1)]
    last = arrange(points, pixels, "memory", [2, 1, 0])
    assert radii(last) == [0.25, 0.0, 0.25]
    assert first.meeting == first.conflicting == ((0, 1), (1, 2))
    assert round(arrange(points, pixels, "strict").total, 6) == 0.5


def test_a_point_inside_a_region_is_not_settled() -> None:
    pixels = on_a_line(0.25, 0.375)
    points = points_of(pixels, [0, 1], [0.25, 0.125])
    _, inside = arrange(points, pixels, "online").balls
    assert (inside.kind, inside.conflict, inside.label, inside.final) == ("inherited", 0, 0, False)
    assert inside.radius == pytest.approx(0.125)
    _, kept = arrange(points, pixels, "memory").balls
    assert (kept.kind, kept.label, kept.asked_label, kept.final) == ("inherited", 0, 1, True)


def test_an_equal_image_repeats() -> None:
    pixels = on_a_line(0.25, 0.25)
    points = points_of(pixels, [0, 0], [0.125, 0.125])
    for rule in RULES:
        _, again = arrange(points, pixels, rule).balls
        assert again.label == 0
        assert again.kind == "repeat"
        assert again.conflict == 0


@pytest.mark.parametrize("order", [[], [0, 0], [0, 2], [-1], [0.5], ["0"], "sideways", [True, 0]])
def test_orders_without_sense_are_refused(order: object) -> None:
    pixels = on_a_line(0.25, 0.75)
    points = points_of(pixels, [0, 1], [0.1, 0.1])
    with pytest.raises(ParameterError, match="order"):
        arrange(points, pixels, "memory", order)


def test_unknown_rules_and_missing_images_are_refused() -> None:
    pixels = on_a_line(0.25, 0.75)
    points = points_of(pixels, [0, 1], [0.1, 0.1])
    with pytest.raises(ParameterError, match="rule="):
        arrange(points, pixels, "fastest")
    with pytest.raises(ParameterError, match="1 images for 2 points"):
        arrange(points, pixels[:1], "memory")


def test_a_programme_out_of_time_gives_way_to_online_regions_in_the_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rs_core.experiments.arrangement._LP_SECONDS", 1e-9)
    pixels = on_a_line(0.25, 0.5)
    points = points_of(pixels, [0, 1], [0.2, 0.2])
    found = arrange(points, pixels, "strict", [1, 0])
    assert [b.radius for b in found.balls] == [
        b.radius for b in arrange(points, pixels, "online", [1, 0]).balls
    ]
    assert "online regions instead" in found.notes[0]
