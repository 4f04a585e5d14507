"""What a memory, or an allocation of regions, leaves of certified points in some order.

Geometry alone: the answers are those of `BallMemory.place` and `lay_out` for the same points,
which are called here and not repeated.
"""

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from rs_core.errors import ParameterError
from rs_core.fields import whole_number
from rs_core.guarantees.memory.balls import BallMemory
from rs_core.guarantees.regions.overlaps import find_overlaps
from rs_core.guarantees.regions.radii import ABSTAIN, Layout, Mode, Order, in_order, lay_out
from rs_core.results.arrangement import Arrangement, PlacedBall, Points

Rule = Literal["memory", "online", "strict", "label_aware"]
RULES: tuple[str, ...] = get_args(Rule)
ORDERS: tuple[str, ...] = get_args(Order)
_LP_SECONDS = 5.0
_CUT = 1e-6  # a linear programme's radius differs from an uncut one by its tolerance


def arrange(
    points: Points, pixels: np.ndarray, rule: str, order: str | Sequence[int] = "given"
) -> Arrangement:
    """The ball of every point under one rule.

    Args:
        points: their own certificates.
        pixels: (N, C, H, W) of the same images, [0,1].
        rule: "memory" (Alfarra et al. 2022, Algorithm 3, repaired), or a mode of `Regions`
            (Wang et al. 2021, Algorithm 2 and equation 10).
        order: indices of the points as they come, those left out not at all; or "given";
            or by the number of balls met, "ascending" or "descending".

    Raises:
        ParameterError: an unknown rule or order, an index that is no point or comes twice,
            pixels of another number of images, or radii that are not l2.
    """
    if rule not in RULES:
        raise ParameterError(f"rule={rule!r} is not known: choose one of {', '.join(RULES)}.")
    if len(pixels) != len(points.names):
        raise ParameterError(f"{len(pixels)} images for {len(points.names)} points: give them all.")
    if any(c.norm != "l2" for c in points.certificates):
        raise ParameterError("balls are laid out by l2 distances: certify l2 radii.")
    radii = np.array([c.radius for c in points.certificates])
    flat = pixels.reshape(len(pixels), -1)
    queue = _queue(points, flat, radii, order)
    place = _remembered if rule == "memory" else _allocated
    balls, notes = place(points, pixels, queue, rule)
    labels = [c.predicted for c in points.certificates]
    meet = find_overlaps(flat[queue], radii[queue])
    meeting = tuple(
        sorted(
            (min(queue[i], queue[j]), max(queue[i], queue[j]))
            for i, j in zip(meet.first.tolist(), meet.second.tolist(), strict=True)
        )
    )
    return Arrangement(
        rule=rule,
        order=tuple(queue),
        balls=balls,
        meeting=meeting,
        conflicting=tuple((i, j) for i, j in meeting if labels[i] != labels[j]),
        total=math.fsum(ball.radius for ball in balls),
        notes=notes,
    )


def _queue(
    points: Points, flat: np.ndarray, radii: np.ndarray, order: str | Sequence[int]
) -> list[int]:
    """The indices of the points in the order in which they come."""
    count = len(points.names)
    if isinstance(order, str):
        if order not in ORDERS:
            raise ParameterError(
                f"order={order!r} is not known: choose one of {', '.join(ORDERS)}, or list the "
                "points."
            )
        return list(range(count)) if order == "given" else _by_degree(points, flat, radii, order)
    whole = [whole_number(index) for index in order]
    queue = [index for index in whole if index is not None and 0 <= index < count]
    if len(queue) != len(whole) or len(set(queue)) != len(queue) or not queue:
        raise ParameterError(
            f"this order is none of these {count} points: list whole numbers from 0 to "
            f"{count - 1}, each once at most."
        )
    return queue


def _by_degree(points: Points, flat: np.ndarray, radii: np.ndarray, order: str) -> list[int]:
    """As `Regions` sorts: equal images are one point, and the others of them follow it."""
    firsts = _firsts(points, range(len(flat)))
    ones = [k for k in range(len(flat)) if firsts[k] == k]
    degree: Order = "ascending" if order == "ascending" else "descending"
    ranks = in_order(find_overlaps(flat[ones], radii[ones]), degree).tolist()
    return [k for rank in ranks for k in range(len(flat)) if firsts[k] == ones[rank]]


def _firsts(points: Points, queue: Sequence[int]) -> dict[int, int]:
    """For each point the first with the same pixels."""
    seen: dict[str, int] = {}
    return {k: seen.setdefault(points.digests[k], k) for k in queue}


Placed = tuple[tuple[PlacedBall, ...], tuple[str, ...]]


def _remembered(points: Points, pixels: np.ndarray, queue: list[int], rule: str) -> Placed:
    """Each point placed into a memory that lasts as long as this call."""
    channels, height, width = pixels.shape[1:]
    balls: list[PlacedBall] = []
    at: dict[int, int] = {}  # position in the memory -> point
    with closing(
        BallMemory("", {"arrangement": points.policy}, (channels, height, width))
    ) as memory:
        for k in queue:
            asked = points.certificates[k]
            found = memory.place(pixels[k], points.digests[k], asked.predicted, asked.radius)
            by = found.position if found.kind == "repeat" else found.conflict
            at.setdefault(found.position, k)
            balls.append(
                PlacedBall(
                    k, found.label, found.radius, asked.predicted, asked.radius, found.kind,
                    None if by is None else at[by],
                )
            )  # fmt: skip
    return tuple(balls), ()


def _allocated(points: Points, pixels: np.ndarray, queue: list[int], rule: str) -> Placed:
    """Regions around the points; equal images are one point."""
    firsts = _firsts(points, queue)
    ones = [k for k in queue if firsts[k] == k]
    layout = _laid_out(points, pixels, ones, rule)
    radii = np.array([points.certificates[k].radius for k in ones])
    neighbours = find_overlaps(pixels[ones].reshape(len(ones), -1), radii).neighbours()
    regions = {
        k: _region(points, layout, ones, row, _cutter(points, layout, ones, row, *neighbours[row]))
        for row, k in enumerate(ones)
    }
    balls = (
        regions[k] if firsts[k] == k else _repeat(points, regions[firsts[k]], k) for k in queue
    )
    return tuple(balls), layout.notes


def _laid_out(points: Points, pixels: np.ndarray, rows: list[int], rule: str) -> Layout:
    modes: dict[str, Mode] = {mode: mode for mode in get_args(Mode)}
    labels = [points.certificates[k].predicted for k in rows]
    return lay_out(
        pixels[rows].reshape(len(rows), -1),
        np.array([ABSTAIN if label is None else label for label in labels]),
        np.array([points.certificates[k].radius for k in rows]),
        mode=modes[rule],
        time_limit=_LP_SECONDS,
    )


def _region(
    points: Points, layout: Layout, rows: list[int], row: int, cutter: int | None
) -> PlacedBall:
    k, radius = rows[row], float(layout.radii[row])
    asked, owner = points.certificates[k], rows[int(layout.owners[row])]
    if owner != k:
        label = points.certificates[owner].predicted
        return PlacedBall(
            k, label, radius, asked.predicted, asked.radius, "inherited", owner, final=False
        )
    cut = radius < asked.radius * (1 - _CUT)
    label = asked.predicted if radius > 0 else None
    return PlacedBall(
        k, label, radius, asked.predicted, asked.radius, "cut" if cut else "own",
        cutter if cut else None,
    )  # fmt: skip


def _cutter(
    points: Points,
    layout: Layout,
    rows: list[int],
    row: int,
    others: np.ndarray,
    distances: np.ndarray,
) -> int | None:
    """The point whose region leaves this one the least room."""
    label = points.certificates[rows[row]].predicted
    room = {
        int(other): distance - float(layout.radii[other])
        for other, distance in zip(others, distances.tolist(), strict=True)
        if layout.owners[other] == other
        and (layout.mode != "online" or other < row)  # who came later was cut itself
        and (layout.mode != "label_aware" or points.certificates[rows[other]].predicted != label)
    }
    return rows[min(room, key=lambda other: room[other])] if room else None


def _repeat(points: Points, first: PlacedBall, k: int) -> PlacedBall:
    asked = points.certificates[k]
    return replace(
        first, point=k, kind="repeat", conflict=first.point, asked_label=asked.predicted,
        asked_radius=asked.radius,
    )  # fmt: skip
