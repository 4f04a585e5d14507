"""What can be seen of an attack under way."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from rs_core.attacks.gradients import Outputs
from rs_core.events import Step


@dataclass(frozen=True, eq=False)
class Seen:
    """What a step of some of the images leaves to be seen.

    Fields:
        passes: per image, that the step took.
        outputs: of the step's copies; None before the first gradient.
        nearest: (b,) see `AttackStep.nearest`.
    """

    passes: int
    outputs: Outputs | None
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
    _said: tuple[Outputs, ...] | None
    _nearest: tuple[Tensor, ...]

    @classmethod
    def of(cls, done: int, total: int, first: int, seen: Sequence[Seen]) -> "AttackStep":
        """The step that these shards made."""
        said = [one.outputs for one in seen if one.outputs is not None]
        whole = tuple(said) if len(said) == len(seen) else None
        return cls(done, total, first, whole, tuple(one.nearest for one in seen))

    def settled(self) -> "AttackStep":
        """The same for whoever keeps many: what was climbed is read now, and the logits let go."""
        kept = replace(self, _said=None)
        kept.__dict__["losses"] = self.losses
        return kept

    @cached_property
    def losses(self) -> tuple[float, ...] | None:
        """What was climbed, per image of the group; None for attacks without gradients."""
        if self._said is None:
            return None
        return tuple(torch.cat([said.value for said in self._said]).tolist())

    @cached_property
    def nearest(self) -> tuple[float, ...]:
        """Per image, the smallest norm that the attack's own copies call adversarial, else inf.

        An opinion of the attack: nothing counts before it is confirmed on fresh noise.
        """
        return tuple(torch.cat(self._nearest).tolist())
