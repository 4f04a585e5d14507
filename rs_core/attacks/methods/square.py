"""The square attack: Andriushchenko et al. (2020), random search without gradients."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from rs_core.attacks.base import UNIT, Attack
from rs_core.attacks.batch import AttackBatch, SearchResult, shortest
from rs_core.attacks.loop import BestSoFar
from rs_core.attacks.norms import Ball, Norm, l2_norms, per_image
from rs_core.attacks.objective import Objective
from rs_core.errors import ParameterError
from rs_core.fields import param

# The share of pixels that a square covers is halved at these of 10,000 queries (their Table 5).
_HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
_TINY = 1e-12


@dataclass(frozen=True, kw_only=True)
class Square(Attack):
    """Andriushchenko et al. (2020), Algorithms 1 to 3: squares at random, kept where they help.

    It reads the margin only, so it sees through masked gradients. Of a smoothed network each
    query is `judged` copies on the same noise, so that two points can be compared. It ends on the
    ball's surface as published; with `refine` the point found is then drawn towards the image.
    """

    name: ClassVar[str] = "square"
    about: ClassVar[str] = "without gradients"
    gradient_free: ClassVar[bool] = True

    norm: Norm = param("linf", help="ball of the perturbation", choices=("l2", "linf"))
    eps: float = param(
        8 / 255, help="radius of the ball", unit=UNIT, low=0, high=1000, low_open=True
    )
    queries: int = param(500, help="points looked at", low=1, high=1_000_000)
    first_share: float = param(
        0.3, help="share of the pixels in the first squares", low=0, high=1, low_open=True
    )
    refine: int = param(0, help="halvings towards the image at the end", low=0, high=40)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.expectation == "probability":
            raise ParameterError(
                "square climbs a margin, and expectation=probability averages scores: "
                "choose expectation=loss."
            )

    @property
    def passes(self) -> int:
        """Queries, whatever the number of copies that answer each."""
        return self.queries

    def search(self, batch: AttackBatch) -> Generator[int, None, SearchResult]:
        """Random search; forward passes only."""
        eps = batch.pixels.new_full((len(batch.pixels),), self.eps)
        ball = Ball(batch.pixels, eps, self.norm)
        chances = batch.generators(0)
        points = ball.project(batch.pixels + self._first(batch, chances))
        best = BestSoFar(batch.pixels)
        for query in range(self.queries):
            if query:
                moved = self._moved(best.best - batch.pixels, chances, self.side(query, points))
                points = ball.project(batch.pixels + moved)
            value, reached = batch.judge(points)
            best.offer(points, value, reached)
            best.trace.append(best.value)
            yield 1
        return shortest(batch, SearchResult.of(best), self.refine)

    def side(self, query: int, points: Tensor) -> int:
        """Pixels along the side of a square at a query; odd, at least 3 where the image allows."""
        progress = query / self.queries * 10_000
        share = self.first_share / 2 ** sum(progress > halving for halving in _HALVINGS)
        height, width = points.shape[2:]
        side = round((share * height * width) ** 0.5)
        return int(min(max(side, 1 if self.norm == "linf" else 3), height, width))

    def _objective(self, labels: Tensor) -> Objective:
        return replace(super()._objective(labels), loss="margin")

    def _first(self, batch: AttackBatch, chances: list[np.random.Generator]) -> Tensor:
        """Vertical stripes (linf), or a random point of the sphere made of bumps (l2)."""
        channels, height, width = batch.pixels.shape[1:]
        if self.norm == "linf":
            rows = [self.eps * rng.choice([-1.0, 1.0], (channels, 1, width)) for rng in chances]
            return _tensor(np.stack(rows), batch.pixels).expand_as(batch.pixels)
        side = max(min(height, width) // 5, 1)
        bumps = _bump(side)
        tiles = (-(-height // side), -(-width // side))
        rows = [
            np.kron(rng.choice([-1.0, 1.0], (channels, *tiles)), bumps)[:, :height, :width]
            for rng in chances
        ]
        start = _tensor(np.stack(rows), batch.pixels)
        return start * per_image(self.eps / l2_norms(start).clamp_min(_TINY))

    def _moved(self, delta: Tensor, chances: list[np.random.Generator], side: int) -> Tensor:
        channels, height, width = delta.shape[1:]
        own = [
            (rng.integers(height - side + 1, size=2), rng.integers(width - side + 1, size=2),
             rng.choice([-1.0, 1.0], (channels, 1, 1)), rng.random() < 0.5)
            for rng in chances
        ]  # fmt: skip
        window = _windows(delta, [(r[0], c[0]) for r, c, _, _ in own], side)
        signs = _tensor(np.stack([s for _, _, s, _ in own]), delta)
        if self.norm == "linf":
            return torch.where(window, self.eps * signs, delta)
        other = _windows(delta, [(r[1], c[1]) for r, c, _, _ in own], side)
        turned = [turn for *_, turn in own]
        bumps = _placed(delta, [(r[0], c[0]) for r, c, _, _ in own], side, turned)
        return _redistributed(delta, window, other, signs * bumps, self.eps)


def _redistributed(
    delta: Tensor, window: Tensor, other: Tensor, bumps: Tensor, eps: float
) -> Tensor:
    """Algorithm 3: the norm of a second window, and what is unused, moves into the first."""
    inside, both = delta * window, window | other
    unused = (eps**2 - l2_norms(delta).square()).clamp_min(0)
    budget = (delta * both).square().sum(dim=(2, 3), keepdim=True)
    budget = (budget + per_image(unused) / delta.shape[1]).sqrt()
    length = torch.linalg.vector_norm(inside, dim=(2, 3), keepdim=True).clamp_min(_TINY)
    fresh = bumps + inside / length
    fresh = fresh / torch.linalg.vector_norm(fresh, dim=(2, 3), keepdim=True).clamp_min(_TINY)
    moved: Tensor = torch.where(both, 0.0, delta) + budget * fresh * window
    return moved * per_image(eps / l2_norms(moved).clamp_min(_TINY))


def _bump(side: int) -> np.ndarray:
    """(side, side): the sum of centred squares, one over its squared rank, norm 1."""
    found = np.zeros((side, side))
    for rank in range(1, (side + 1) // 2 + 1):
        found[rank - 1 : side - rank + 1, rank - 1 : side - rank + 1] += 1 / rank**2
    return np.asarray(found / np.linalg.norm(found))


def _windows(delta: Tensor, corners: list[tuple[int, int]], side: int) -> Tensor:
    """(b, 1, H, W) bool: a square of that side at each image's corner."""
    found = torch.zeros(len(delta), 1, *delta.shape[2:], dtype=torch.bool)
    for index, (row, column) in enumerate(corners):
        found[index, :, row : row + side, column : column + side] = True
    return found.to(delta.device)


def _placed(delta: Tensor, corners: list[tuple[int, int]], side: int, turned: list[bool]) -> Tensor:
    """(b, 1, H, W): an upper bump and a negative lower one in each image's window."""
    half = side // 2
    pair = np.zeros((side, side))
    for first, last, sign in ((0, half, 1.0), (half, side, -1.0)):
        wide = _bump(side)
        rows = np.linspace(0, side - 1, last - first).round().astype(int)
        pair[first:last] = sign * wide[rows]
    found = np.zeros((len(delta), 1, *delta.shape[2:]))
    for index, ((row, column), turn) in enumerate(zip(corners, turned, strict=True)):
        found[index, 0, row : row + side, column : column + side] = pair.T if turn else pair
    return _tensor(found, delta)


def _tensor(values: np.ndarray, like: Tensor) -> Tensor:
    return torch.from_numpy(values).to(like)
