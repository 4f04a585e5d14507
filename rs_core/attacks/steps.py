"""What can be seen of an attack under way."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from rs_core.events import Step


@dataclass(frozen=True, eq=False)
class Seen:
    """What a step of some of the images leaves to be seen.

    Fields:
        passes: per image, that the step took.
        climbed: (b,) what it saw of the goal; None before the first gradient.
        nearest: (b,) see `AttackStep.nearest`.
    """

    passes: int
    climbed: Tensor | None
    nearest: Tensor


@dataclass(frozen=True, eq=False)
class AttackStep(Step):
    """One step of a group of images.

    `losses` and `nearest` are read from the device when asked for: who only drains the stream
    does not wait for numbers that nobody sees.

    Fields:
        first: index of the group's first image among all images.
    """

    first: int
    _climbed: tuple[Tensor, ...] | None
    _nearest: tuple[Tensor, ...]

    @classmethod
    def of(cls, done: int, total: int, first: int, seen: Sequence[Seen]) -> "AttackStep":
        """The step that these lanes made."""
        climbed = [one.climbed for one in seen if one.climbed is not None]
        whole = tuple(climbed) if len(climbed) == len(seen) else None
        return cls(done, total, first, whole, tuple(one.nearest for one in seen))

    @cached_property
    def losses(self) -> tuple[float, ...] | None:
        """What was climbed, per image of the group; None for attacks without gradients."""
        return None if self._climbed is None else tuple(torch.cat(self._climbed).tolist())

    @cached_property
    def nearest(self) -> tuple[float, ...]:
        """Per image, the smallest norm that the attack's own copies call adversarial, else inf.

        An opinion of the attack: nothing counts before it is confirmed on fresh noise.
        """
        return tuple(torch.cat(self._nearest).tolist())
