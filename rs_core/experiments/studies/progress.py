"""How far a study is, and the curves so far."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from rs_core.events import PhaseStep, Progress, Step
from rs_core.results.study import FrontierStudy, NoiseStudy, StrengthStudy, Study

T = TypeVar("T", NoiseStudy, StrengthStudy, FrontierStudy)
BACKWARD = 3  # forward passes that one forward and backward pass costs


@dataclass(frozen=True)
class StudyStep(PhaseStep):
    """How far a study is; `partial` is the study with the points that are finished."""

    partial: Study


class StudyProgress(Progress[StudyStep], Generic[T]):
    """The way through a study."""

    def __init__(self, total: int, partial: T) -> None:
        super().__init__(total)
        self.partial: T = partial

    def step(self, done: int, phase: str, event: Step | None) -> StudyStep:
        """With the finished points."""
        return StudyStep(done, self.total, phase, self.partial)
