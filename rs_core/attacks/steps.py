"""What can be seen of an attack under way."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from rs_core.attacks.scene import Scene
from rs_core.events import Step


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
    def of(cls, done: int, total: int, first: int, scenes: Sequence[Scene]) -> "AttackStep":
        """The step that these lanes have just made together."""
        climbed = [scene.climbed for scene in scenes if scene.climbed is not None]
        whole = tuple(climbed) if len(climbed) == len(scenes) else None
        return cls(done, total, first, whole, tuple(scene.nearest for scene in scenes))

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
