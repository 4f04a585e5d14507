"""How far a strip of sandwiches is, and what both ends of each are by then."""

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TypeVar

import numpy as np

from rs_core.attacks import AttackStep
from rs_core.events import PhaseStep, Progress, Step, Stream
from rs_core.results.sandwich import Sandwich, SandwichRow, SandwichStrip
from rs_core.smoothing.certify import CertifyStep
from rs_core.statistics import anytime_lower_bound, l2_radius

R = TypeVar("R")
Look = Callable[[Step], tuple[SandwichRow, ...]]


@dataclass(frozen=True, eq=False)
class SandwichStep(PhaseStep):
    """A strip under way; `total` is the most forward passes it can cost and never changes.

    `partial` is the strip of the images that are finished, for who stops before the others are.
    """

    partial: SandwichStrip
    _seen: Callable[[], tuple[SandwichRow, ...]]

    @cached_property
    def sandwiches(self) -> tuple[SandwichRow, ...]:
        """A row per image that was begun, computed when asked for."""
        return self._seen()


class SandwichProgress(Progress[SandwichStep]):
    """All images so far, in rows and as far as finished."""

    def __init__(self, total: int, begun: SandwichStrip) -> None:
        super().__init__(total)
        self.partial = begun
        self.rows: list[SandwichRow] = []
        self.look: Look | None = None

    def watched(
        self, stream: Stream[R], phase: str, cost: int, look: Look | None | None
    ) -> Generator[SandwichStep, None, R]:
        """A part whose steps show other rows than those before it."""
        self.look = look
        try:
            return (yield from self.part(stream, phase, cost))
        finally:
            self.look = None

    def finish(self, sandwiches: Sequence[Sandwich], indices: Sequence[int]) -> None:
        """Add images of which nothing more will be asked, and their indices in the data set."""
        self.partial = replace(
            self.partial,
            sandwiches=(*self.partial.sandwiches, *sandwiches),
            indices=(*self.partial.indices, *indices),
        )

    def step(self, done: int, phase: str, event: Step | None) -> SandwichStep:
        """The rows as the part's step shows them; by default as they were before it."""
        look, rows = self.look, tuple(self.rows)
        if look is None or event is None:
            return SandwichStep(done, self.total, phase, self.partial, lambda: rows)
        return SandwichStep(done, self.total, phase, self.partial, partial(look, event))


def while_certifying(
    rows: Sequence[SandwichRow],
    own: Sequence[int],
    sigmas: Sequence[float],
    labels: Sequence[int | None],
    alpha: float,
) -> Look:
    """Lower ends of the images `own` at every moment, each valid at alpha whenever it is read.

    An anytime-valid bound, so that looking at every step costs nothing; the certificate replaces
    it, even where it is smaller. A class that is not the true one certifies nothing of it.
    """
    held = tuple(rows)

    def look(step: Step) -> tuple[SandwichRow, ...]:
        if not isinstance(step, CertifyStep):
            return held
        found, classes = list(held), step.counts.shape[-1] - 1
        chosen, counts = step.labels[:, 0], step.counts[:, 0]
        n_top = np.take_along_axis(counts, chosen[:, None], axis=-1)[:, 0]
        for place, i in enumerate(own):
            wrong = chosen[place] == classes or labels[place] not in (None, chosen[place])
            if wrong or step.n_done[place] == 0:
                continue
            p_lower = anytime_lower_bound(int(n_top[place]), int(step.n_done[place]), alpha)
            lower = max(float(l2_radius(sigmas[place], p_lower)), 0.0)
            found[i] = replace(found[i], lower=lower)
        return tuple(found)

    return look


def while_attacking(rows: Sequence[SandwichRow], own: Sequence[int]) -> Look:
    """Hollow upper ends of the images `own`: the nearest point so far in the attack's opinion."""
    held = tuple(rows)

    def look(step: Step) -> tuple[SandwichRow, ...]:
        if not isinstance(step, AttackStep):
            return held
        found = list(held)
        for i, norm in zip(own[step.first :], step.nearest, strict=False):
            known = found[i].hollow
            if norm < (math.inf if known is None else known):
                found[i] = replace(found[i], hollow=norm)
        return tuple(found)

    return look
