"""Fast gradient-sign search from several starts: Chen et al. (2021), Algorithms 1 and 3.

All images search in lockstep: each round evaluates, in one call of the hot loop, every
(image, level) that some search still needs. An evaluation is made once and kept.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, Stream, relay
from rs_core.fields import param
from rs_core.images import ImageInput
from rs_core.results import Selection
from rs_core.selectors.base import Selector
from rs_core.selectors.soft_radius import (
    CLAMP,
    UNCLAMPED,
    finite,
    infinite_note,
    one_sided_soft_radius,
)
from rs_core.smoothing.sampling import BATCH_SIZE, draw_votes

Need = tuple[int, int]  # (image, level)
_CAP = 1 - 1e-6  # a mean score of 1 would be an infinite radius


@dataclass
class _Search:
    """One start of one search; it climbs until the next level is worse, or the range ends."""

    level: int
    step: int
    over: bool = False

    def wanted(self, levels: int) -> tuple[int, ...]:
        ahead = self.level + self.step
        return (self.level, ahead) if 1 <= ahead <= levels else (self.level,)

    def advance(self, known: dict[int, float], levels: int) -> None:
        while not self.over and all(level in known for level in self.wanted(levels)):
            here, *ahead = self.wanted(levels)
            if ahead and known[ahead[0]] >= known[here]:  # as printed: a tie moves on
                self.level = ahead[0]
            else:
                self.over = True


@dataclass
class _Person:
    """The searches of one image (or of the whole set), and the levels evaluated so far."""

    searches: list[_Search]
    known: dict[int, float] = field(default_factory=dict)

    def needs(self, levels: int) -> set[int]:
        wanted = {lv for s in self.searches if not s.over for lv in s.wanted(levels)}
        return wanted - set(self.known)

    def advance(self, levels: int) -> None:
        for search in self.searches:
            search.advance(self.known, levels)

    def best(self) -> int:
        """The best of the levels at which searches ended."""
        return max({s.level for s in self.searches}, key=lambda level: (self.known[level], -level))


@dataclass(frozen=True, kw_only=True)
class Multistart(Selector):
    """Levels sigma_0 * sqrt(k), k = 1..levels, climbed from both ends of the range.

    The score is the concise soft radius of `m` draws, with the most voted class (the label is
    never read). A mean score counts at most alpha^(1/m), the most that m draws could certify, and
    never more than 1 - 1e-6. alpha=1 is the published form, without any cap: sure images stop at
    a small sigma there, where the last digits of the softmax outweigh noise that they would bear,
    and a mean score of exactly 1 (any image whose margins are all above about 17, in float32) is
    an infinite radius. Between infinite ones a search moves on, and the smallest of the levels at
    which searches end is taken. A search stops at the border of the range; ties move on, as
    printed.
    """

    name: ClassVar[str] = "multistart"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"published": {"alpha": 1.0}}

    sigma_0: float = param(0.25, help="base noise level", unit="pixels of [0,1]", low=0.001, high=5)
    levels: int = param(16, help="number of levels sigma_0 * sqrt(k)", low=2, high=1000)
    m: int = param(500, help="draws per level", low=1, high=1_000_000)
    both_ends: bool = param(True, help="search from both ends; off: upwards only")
    alpha: float = param(
        1e-3, help="scores count at most alpha^(1/m); 1: no cap, as published", low=1e-12, high=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sigma_of(self.levels) > 10:
            raise ParameterError(
                f"the largest level is sigma={self.sigma_of(self.levels):g}, the limit is 10: "
                "give fewer levels or a smaller sigma_0."
            )

    @property
    def clamp(self) -> tuple[float, float]:
        """Bounds of a mean score."""
        if self.alpha == 1:
            return UNCLAMPED
        return CLAMP[0], max(min(_CAP, self.alpha ** (1 / self.m)), 0.5)

    @property
    def possible_sigmas(self) -> tuple[float, ...]:
        """All levels."""
        return tuple(self.sigma_of(level) for level in range(1, self.levels + 1))

    @property
    def most_draws(self) -> int:
        """All levels, although searches that meet early evaluate fewer."""
        return self.levels * self.m

    def sigma_of(self, level: int) -> float:
        """The noise level of a k."""
        return float(self.sigma_0 * np.sqrt(level))

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Selection, ...]]:
        """Yields steps, then the selections with every level that was evaluated."""
        people = [_Person(self._starts()) for _ in images]
        spent = 0
        while needs := [(i, k) for i, p in enumerate(people) for k in sorted(p.needs(self.levels))]:
            radii = yield from self._evaluate(classifier, images, needs, seed, batch_size, spent)
            spent += len(needs) * self.m
            for (index, level), radius in zip(needs, radii, strict=True):
                people[index].known[level] = radius
            for person in people:
                person.advance(self.levels)
        yield Finished(tuple(self._selection(person) for person in people))

    def _starts(self) -> list[_Search]:
        ends = [_Search(1, 1), _Search(self.levels, -1)]
        return ends if self.both_ends else ends[:1]

    def _evaluate(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        needs: Sequence[Need],
        seed: int,
        batch_size: int,
        spent: int,
    ) -> Generator[Step, None, list[float]]:
        """Soft radii, one per need; images with equally many levels share a call."""
        total = max(len(images) * self.levels * self.m, spent + len(needs) * self.m)
        levels: dict[int, list[int]] = {}
        for index, level in needs:
            levels.setdefault(index, []).append(level)
        known: dict[Need, float] = {}
        for size in sorted({len(own) for own in levels.values()}):
            group = [index for index, own in levels.items() if len(own) == size]
            sigmas = np.array([[self.sigma_of(level) for level in levels[i]] for i in group])
            votes = yield from relay(
                draw_votes(
                    classifier, [images[i] for i in group], sigmas, self.m,
                    seed=seed, caller=self.name, stage="select", soft=True, batch_size=batch_size,
                ),
                before=spent,
                total=total,
            )  # fmt: skip
            spent += sigmas.size * self.m
            assert votes.soft is not None
            radii = one_sided_soft_radius(sigmas, votes.soft / self.m, self.clamp)
            known |= {
                (i, level): float(radius)
                for i, row in zip(group, radii, strict=True)
                for level, radius in zip(levels[i], row, strict=True)
            }
        return [known[need] for need in needs]

    def _selection(self, person: _Person) -> Selection:
        tried = sorted(person.known)
        sigmas = np.array([self.sigma_of(level) for level in tried])
        radii = np.array([person.known[level] for level in tried])
        return Selection(
            selector=self.name,
            sigma=self.sigma_of(person.best()),
            candidates=tuple(zip(sigmas.tolist(), finite(sigmas, radii).tolist(), strict=True)),
            draws=len(tried) * self.m,
            notes=(f"{len(tried)} of {self.levels} levels evaluated", *infinite_note(radii)),
        )


@dataclass(frozen=True, kw_only=True)
class MultistartUniform(Multistart):
    """One sigma for a whole set: the mean soft radius over its images is climbed (Algorithm 3).

    A negative radius counts 0 in the mean (equation 5), so that images without a majority have no
    say. The sigma depends on every image of the set, so it is no sigma fixed beforehand.
    """

    name: ClassVar[str] = "multistart_uniform"

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Selection, ...]]:
        """Yields steps, then the same selection for every image; candidates hold mean radii."""
        whole = _Person(self._starts())
        spent = 0
        while levels := sorted(whole.needs(self.levels)):
            needs = [(index, level) for level in levels for index in range(len(images))]
            radii = yield from self._evaluate(classifier, images, needs, seed, batch_size, spent)
            spent += len(needs) * self.m
            held = np.maximum(np.reshape(radii, (len(levels), len(images))), 0.0)
            means = held.mean(axis=1)
            whole.known.update(zip(levels, means.tolist(), strict=True))
            whole.advance(self.levels)
        yield Finished((self._selection(whole),) * len(images))
