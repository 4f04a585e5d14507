"""Balls of answers that never contradict each other: DDRS Algorithm 3, repaired."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from rs_core.errors import ParameterError
from rs_core.guarantees.memory.file import Ball, BallFile, Kind, key_hash
from rs_core.guarantees.memory.scan import BallScan, Near


@dataclass(frozen=True)
class Placement:
    """The answer that the memory gives to a query.

    Fields:
        label: None for an abstention.
        radius: of the open ball in which every later query gets this label; pixels of [0,1].
        kind: "own"; "cut" by a ball or point of another label; "inherited" from the ball that
            the query lies in; "repeat" of a stored point, whose answer it is.
        conflict: position of the ball that cut or enforced it, or None.
        position: where the answer is stored, from 1.
    """

    label: int | None
    radius: float
    kind: Literal["own", "cut", "inherited", "repeat"]
    conflict: int | None
    position: int


class BallMemory:
    """An append-only memory of answered points, for one thread at a time.

    No two balls of different labels meet: r_i + r_j <= ||x_i - x_j||, abstentions and points of
    radius 0 included. Several processes may write one file; each reads what the others added
    before it places a point.

    Args:
        path: of the SQLite file; "" keeps the memory in this process.
        key: what the answers depend on, in words: weights, preprocessing, precision, sigma
            policy. A file made under another key is refused.
        shape: (C, H, W) of all points; part of the key.
        lock_seconds: how long to try while another process writes.

    Raises:
        ParameterError: the file was made under another key.
        StoreError: the file is foreign, damaged, locked, or of another version.

    Alfarra et al. (2022), Algorithm 3. As printed, it returns r_i - dist inside a ball even
    where that exceeds the query's own radius, and indexes lists by masks.
    """

    # Radii and coverage keep this relative distance, so that rounding (below 1e-11 at 224x224
    # pixels) can neither make two balls meet nor put a point of a ball outside it.
    shrink: ClassVar[float] = 1e-9

    def __init__(
        self,
        path: str,
        key: Mapping[str, str],
        shape: tuple[int, int, int],
        *,
        lock_seconds: float = 5.0,
    ) -> None:
        whole = {**key, "input shape": "x".join(str(size) for size in shape)}
        self.key_hash = key_hash(whole)
        self.balls: list[Ball] = []
        self._shape, self._known = shape, dict[str, Ball]()
        self._scan = BallScan(shape, self.shrink)
        self._file = BallFile(
            path or ":memory:", whole, math.prod(shape), lock_seconds=lock_seconds
        )
        try:
            self._catch_up()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def place(self, pixels: np.ndarray, digest: str, label: int | None, radius: float) -> Placement:
        """The answer to a query, stored and on disk before it is returned.

        Open balls are consulted first, abstentions included; an exact repeat second; only then
        the query's own label counts, cut against every other label.

        Args:
            pixels: (C, H, W), finite, taken as float32.
            digest: of the pixels; equal for equal images.
            label: what the draws say, None for an abstention.
            radius: what the draws certify, 0 for an abstention; never exceeded.

        Raises:
            ParameterError: another shape, values that are not finite, a radius below 0.
            StoreError: the file is damaged or locked; nothing was stored.
        """
        points = self._point(pixels, label, radius)
        with self._file.writing():
            self._catch_up()
            known = self._known.get(digest)
            if known is not None and not self._covered(points, known.label):
                return Placement(
                    known.label, known.radius, "repeat", known.conflict, known.position
                )
            asked = None if label is None else int(label)
            ball = self._settled(points, digest, asked, float(radius))
            self._file.append(ball, points)
        self._take(ball, points)
        return Placement(ball.label, ball.radius, ball.kind, ball.conflict, ball.position)

    def _settled(self, pixels: np.ndarray, digest: str, label: int | None, radius: float) -> Ball:
        kind: Kind = "own"
        answer, limit = label, radius
        near = cutter = self._scan.nearest(pixels, other_than=label, within=radius)
        if near is not None and near.gap < 0:
            kind, answer, limit = "inherited", near.label, min(radius, self._room(near))
            cutter = self._scan.nearest(pixels, other_than=answer, within=limit)
        elif near is not None:
            kind = "cut"
        return Ball(
            position=len(self.balls) + 1, digest=digest, label=answer,
            radius=(1 - self.shrink) * self._cut(limit, cutter), kind=kind,
            conflict=None if near is None else near.position,
            asked_label=label, asked_radius=radius,
        )  # fmt: skip

    def _cut(self, radius: float, near: Near | None) -> float:
        """The radius, or the smaller gap to a ball of another label (LargestOutSubset)."""
        return radius if near is None else max(near.gap, 0.0)

    def _room(self, near: Near) -> float:
        """What is left of a ball around a point inside it (LargestInSubset)."""
        return max(near.radius - near.distance * (1 + self.shrink), 0.0)

    def _covered(self, pixels: np.ndarray, label: int | None) -> bool:
        """Whether the point lies in a ball of another label."""
        return self._scan.nearest(pixels, other_than=label, within=0.0) is not None

    def _catch_up(self) -> None:
        for ball, pixels in self._file.newer(len(self.balls)):
            self._take(ball, pixels.reshape(self._shape))

    def _take(self, ball: Ball, pixels: np.ndarray) -> None:
        self._scan.append(pixels, ball.label, ball.radius)
        self.balls.append(ball)
        self._known[ball.digest] = ball

    def _point(self, pixels: np.ndarray, label: int | None, radius: float) -> np.ndarray:
        point = np.asarray(pixels, dtype=np.float32)
        if point.shape != self._shape or not np.isfinite(point).all():
            raise ParameterError(
                f"a point of shape {point.shape} cannot be placed: this memory takes finite "
                f"pixels of shape {self._shape}."
            )
        if not 0 <= radius < math.inf or (label is None and radius > 0):
            raise ParameterError(
                f"radius={radius!r} with label {label} cannot be placed: give a finite radius of "
                "at least 0, and 0 for an abstention."
            )
        return point
