"""How far a comparison is, and the scores of the methods that are finished."""

from dataclasses import dataclass

from rs_core.events import PhaseStep, Progress, Step
from rs_core.results.comparison import MethodScore


@dataclass(frozen=True)
class CompareStep(PhaseStep):
    """How far a comparison is; `scores` of the methods that are finished, in their order."""

    scores: tuple[MethodScore, ...]


class CompareProgress(Progress[CompareStep]):
    """The way through a comparison."""

    scores: tuple[MethodScore, ...] = ()

    def step(self, done: int, phase: str, event: Step | None) -> CompareStep:
        """The scores so far."""
        return CompareStep(done, self.total, phase, self.scores)
