"""Points in some order: the balls that a memory would hold, and the regions of an allocation."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from rs_core.results import Certificate, Selection

BallKind = Literal["own", "cut", "inherited", "repeat"]


@dataclass(frozen=True, eq=False)
class Points:
    """Images certified at picked sigmas, and how far they lie from each other.

    Fields:
        names, digests: of the images.
        labels: true classes; None where unknown.
        selections, certificates: one per image; badge C, each holds by itself.
        distances: float64 (N, N), l2 between the pixels.
        coordinates: float64 (N, 2): the pixels themselves where an image has two values, else a
            map of the distances in the plane, for drawing only.
        true_plane: whether the coordinates are the pixels.
        policy: the selector and its settings in words.
    """

    names: tuple[str, ...]
    digests: tuple[str, ...]
    labels: tuple[int | None, ...]
    selections: tuple[Selection, ...]
    certificates: tuple[Certificate, ...]
    distances: np.ndarray
    coordinates: np.ndarray
    true_plane: bool
    policy: str


@dataclass(frozen=True)
class PlacedBall:
    """What became of one point.

    Fields:
        point: its index in `Points`.
        label: the answer inside the ball, None for abstain.
        radius: of the ball, pixels of [0,1].
        asked_label, asked_radius: what its own draws certified.
        kind: "own"; "cut" by a point of another label; "inherited" from a ball or region that it
            lies in; "repeat" of an equal image.
        conflict: index of the point that cut it, whose ball it lies in, or whose answer it
            repeats; None if nobody did.
        final: False where the radius is only a limit until the point is certified again, at the
            sigma of the region that it lies in.
    """

    point: int
    label: int | None
    radius: float
    asked_label: int | None
    asked_radius: float
    kind: BallKind
    conflict: int | None
    final: bool = True


@dataclass(frozen=True)
class Arrangement:
    """One rule applied to all points.

    Fields:
        rule: "memory", or the mode of `Regions`: "online", "strict", "label_aware".
        order: indices of the points as they came; points left out are not there.
        balls: one per point of the order, in the order in which they came.
        meeting: pairs of points whose own certified balls meet, whatever their labels.
        conflicting: those of them with different labels.
        total: sum of the radii.
        notes: what should be known, e.g. that the linear programme ran out of time.
    """

    rule: str
    order: tuple[int, ...]
    balls: tuple[PlacedBall, ...]
    meeting: tuple[tuple[int, int], ...]
    conflicting: tuple[tuple[int, int], ...]
    total: float
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class FrozenRegions:
    """An allocation that was certified and frozen, and what each image may claim under it.

    Fields:
        names, digests: of the images.
        labels: true classes; None where unknown.
        selections, certificates: one per image; badge B.
        file: as JSON, what `rs regions` reads; its "allocation" carries the hash.
        budget: the error of each certificate as a printed sum.
        policy: the selector and its settings in words.
        notes: what should be known of the images.
    """

    names: tuple[str, ...]
    digests: tuple[str, ...]
    labels: tuple[int | None, ...]
    selections: tuple[Selection, ...]
    certificates: tuple[Certificate, ...]
    file: dict[str, Any]
    budget: str
    policy: str
    notes: tuple[str, ...]


def degrees(arrangement: Arrangement) -> dict[int, int]:
    """How many other balls each point's own certified ball meets, by point."""
    met = dict.fromkeys(arrangement.order, 0)
    for pair in arrangement.meeting:
        for point in pair:
            met[point] += 1
    return met


def by_degree(arrangement: Arrangement, *, descending: bool) -> tuple[int, ...]:
    """The points by the number of balls met, fewest or most first; ties by index."""
    met = degrees(arrangement)
    return tuple(sorted(met, key=lambda k: (-met[k] if descending else met[k], k)))


def moved(before: Arrangement, after: Arrangement) -> tuple[int, ...]:
    """The points of both whose answer differs: another label, or another radius in 1e-6 of it."""
    old = {ball.point: ball for ball in before.balls}
    both: Iterable[PlacedBall] = (ball for ball in after.balls if ball.point in old)
    return tuple(sorted(ball.point for ball in both if _differs(ball, old[ball.point])))


def _differs(one: PlacedBall, other: PlacedBall) -> bool:
    apart = abs(one.radius - other.radius) > 1e-6 * max(one.radius, other.radius)
    return apart or (one.label, one.final) != (other.label, other.final)
