"""Some images under attack together: their target, goal, random starts, and what was spent."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from rs_core.attacks.ascent import Mover, Record, climb
from rs_core.attacks.balls import Norm, norm_of, per_image
from rs_core.attacks.losses import Goal
from rs_core.attacks.slopes import Said, Slope, judge, slope
from rs_core.attacks.targets import CLEAN, JUDGE, START, Target
from rs_core.classifiers import Classifier
from rs_core.images import ImageInput
from rs_core.seeding import block_seeds
from rs_core.smoothing.noise import standard_normal
from rs_core.statistics import top_two_p_value

_FORWARD = 1 / 3  # of a forward and backward pass
CLEAN_COPIES = 16
_SURE = 0.01


@dataclass(eq=False)
class Scene:
    """A group of images that is attacked together.

    Fields:
        pixels: (b, C, H, W) as they are.
        copies: noisy copies of one judgement; 1 where the target is not noisy.
        clean: what `CLEAN_COPIES` copies said of the images as they are.
        norm: in which `nearest` is measured.
        spent: passes per image so far, forward passes alone counted as a third.
        said: by the copies of the latest step; None before the first.
        nearest: (b,) the smallest norm whose judging copies fulfilled the goal so far, else inf.
    """

    classifier: Classifier
    images: Sequence[ImageInput]
    pixels: Tensor
    seeds: Sequence[int]
    target: Target
    goal: Goal
    copies: int
    clean: Said
    norm: Norm = "l2"
    spent: float = 0.0
    said: Said | None = field(default=None, init=False)
    nearest: Tensor = field(init=False)
    _runs: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.nearest = self.pixels.new_full((len(self.pixels),), torch.inf)

    def climb(
        self, goal: Goal, start: Tensor, mover: Mover, record: Record, steps: int
    ) -> Generator[int, None, Tensor]:
        """`ascent.climb` against the target; yields passes made, returns the last points."""
        first, self._runs = self._runs, self._runs + steps
        draws = self.target.draws

        def look(points: Tensor, step: int) -> Slope:
            self.spent += draws
            self.target.settle(points, step)
            seen = slope(self.target, goal, points, first + step)
            self.said = seen.said
            return seen

        steps_made = climb(look, start, mover, record, steps)
        while True:
            try:
                next(steps_made)
            except StopIteration as ended:
                last: Tensor = ended.value
                return last
            yield draws

    def judge(self, points: Tensor, goal: Goal | None = None) -> tuple[Tensor, Tensor]:
        """(value, reached), each (b,), on copies that no step climbs."""
        self.spent += self.copies * _FORWARD
        goal = goal or self.goal
        said = Said(goal, judge(self.target, points, self.copies, JUDGE))
        reached = self.goal.reached(said.votes)
        near = torch.minimum(self.nearest, norm_of(points - self.pixels, self.norm))
        self.nearest = torch.where(reached, near, self.nearest)
        return said.value, reached if goal is self.goal else said.reached

    def normals(self, number: int) -> Tensor:
        """(b, C, H, W) for a random start or a random direction; each number has its own."""
        rows = [
            standard_normal(
                self.classifier, 1, next(block_seeds(seed, START, number, 1)), torch.float32
            )
            for seed in self.seeds
        ]
        return torch.cat(rows)

    def generators(self, number: int) -> list[np.random.Generator]:
        """One generator per image, for choices that are no noise."""
        return [np.random.default_rng([seed, number]) for seed in self.seeds]

    def uniforms(self, number: int) -> Tensor:
        """(b,) in [0, 1)."""
        values = [generator.random() for generator in self.generators(number)]
        return torch.tensor(values, dtype=torch.float32, device=self.pixels.device)

    def already(self) -> Tensor:
        """(b,) whether an image fulfils the goal as it is; of a noisy target beyond chance."""
        reached = self.goal.reached(self.clean.votes)
        if not self.target.noisy:
            return reached
        top = self.clean.votes.topk(2, dim=1).values.double().cpu().numpy()
        sure = np.asarray(top_two_p_value(top[:, 0], top[:, 1])) <= _SURE
        return reached & torch.from_numpy(sure).to(reached.device)


@dataclass(eq=False)
class Found:
    """What a search ends with.

    Fields:
        pixels: (b, C, H, W), the best points.
        success: (b,) whether the target's judging copies vote as the goal wants.
        trace: (steps, b) what was climbed on the run that was kept.
        broken, dead: (b,) steps whose gradient was NaN, or 0.
        steps: looks in all.
    """

    pixels: Tensor
    success: Tensor
    trace: Tensor
    broken: Tensor
    dead: Tensor
    steps: int

    @classmethod
    def of(cls, record: Record) -> "Found":
        """The best of one climb, taken at its word."""
        trace = torch.stack(record.trace)
        return cls(
            record.best, record.reached, trace, record.broken, record.dead, len(record.trace)
        )


def look_at_clean(target: Target, pixels: Tensor) -> Tensor:
    """Logits (b, copies, K) of images as they are."""
    return judge(target, pixels, CLEAN_COPIES if target.noisy else 1, CLEAN)


def shortest(scene: Scene, found: Found, halvings: int) -> Found:
    """The found points drawn towards their images as far as the goal still holds.

    Forward passes only. A noisy point that lost on the judging copies is pushed outwards first,
    up to twice its distance.
    """
    if halvings == 0:
        return found
    delta = found.pixels - scene.pixels
    high = torch.ones_like(found.success, dtype=torch.float32)
    reached = found.success.clone()
    if scene.target.noisy:
        reached = torch.zeros_like(reached)
        for stretch in (1.0, 1.03, 1.1, 1.3, 2.0):
            held = scene.judge((scene.pixels + stretch * delta).clamp_(0, 1))[1]
            high = torch.where(held & ~reached, stretch, high)
            reached |= held
    low, best = torch.zeros_like(high), (scene.pixels + per_image(high) * delta).clamp_(0, 1)
    for _ in range(halvings):
        middle = (low + high) / 2
        points = (scene.pixels + per_image(middle) * delta).clamp_(0, 1)
        held = scene.judge(points)[1] & reached
        low, high = torch.where(held, low, middle), torch.where(held, middle, high)
        best = torch.where(per_image(held), points, best)
    found.pixels, found.success = best, reached
    return found
