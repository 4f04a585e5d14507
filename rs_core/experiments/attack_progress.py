"""How far a trial is, and what its attack has ascended so far."""

import math
from dataclasses import dataclass
from functools import cached_property

from rs_core.attacks import AttackStep
from rs_core.events import PhaseStep, Progress, Step

MOST_POINTS = 200  # of a live trace: more would be a picture finer than its pixels


@dataclass(frozen=True, eq=False)
class TrialStep(PhaseStep):
    """How far a trial is; `total` never changes.

    `losses` and `nearest` are read from the device when somebody asks for them.

    Fields:
        seen: steps of the attack on the present group of images, which grow with the run.
        count: how many of them were made when this step was.
    """

    seen: list[AttackStep]
    count: int

    @property
    def every(self) -> int:
        """Attack steps between two of `losses`."""
        return max(math.ceil(self.count / MOST_POINTS), 1)

    @cached_property
    def losses(self) -> tuple[float, ...]:
        """What was climbed, averaged over the group's images; empty for attacks without gradients.

        Restarts follow one another, and so do groups of images, the last of which is shown.
        """
        found = [step.losses for step in self.seen[: self.count : self.every]]
        return tuple(sum(losses) / len(losses) for losses in found if losses)

    @cached_property
    def nearest(self) -> float | None:
        """The smallest norm that the attack's own copies call adversarial; None for none yet.

        An opinion of the attack: nothing counts before it is confirmed on fresh noise.
        """
        if not self.count:
            return None
        found = min(self.seen[self.count - 1].nearest)
        return found if math.isfinite(found) else None


class TrialProgress(Progress[TrialStep]):
    """The way through a trial.

    Attributes:
        watching: whether the attacks of the next part are the one whose losses are shown.
    """

    watching = True

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self.seen: list[AttackStep] = []

    def step(self, done: int, phase: str, event: Step | None) -> TrialStep:
        """With what the attack has seen; groups of images follow each other, the last is shown."""
        if self.watching and isinstance(event, AttackStep):
            if self.seen and self.seen[-1].first != event.first:
                self.seen = []
            self.seen.append(event.settled())
        return TrialStep(done, self.total, phase, self.seen, len(self.seen))
