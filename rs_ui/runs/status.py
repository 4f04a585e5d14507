"""How far a run is, in numbers and words, and what it costs."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from rs_core.results.sandwich import sandwiches_spent
from rs_core.statistics import ceil_digits
from rs_ui.runs import session

_LASTING = ("train", "paper")  # kinds that read their images first
_LIVE = ("queued", "running")
_TELLING = 2.0  # seconds; a shorter run says less about the next one
_ENDED = ("finished", "failed", "cancelled")


@dataclass(frozen=True)
class Status:
    """How far a run is, as the worker tells it."""

    state: str
    done: int = 0
    total: int = 0
    step: dict[str, Any] | None = None
    result: Any = None
    error: str | None = None
    seconds: float = 0.0
    about: dict[str, Any] = field(default_factory=dict)
    questions: int = 1  # asked of this image with this network, this one among them
    risk: float = 0.0  # the sum of what they risk
    at_least: bool = False  # a count was lost: all of these are lower bounds
    looks: int = 0  # noise levels and seeds at which radii of it were seen

    @property
    def has_looked(self) -> bool:
        """Whether a radius that is shown may have been picked among several."""
        return self.looks > 1 or self.at_least

    @property
    def is_live(self) -> bool:
        """Whether it goes on by itself."""
        return self.state in _LIVE

    @property
    def has_ended(self) -> bool:
        """Whether it will never go on."""
        return self.state in _ENDED

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""
        return min(self.done / self.total, 1.0) if self.total else 0.0

    @property
    def progress_text(self) -> str:
        """What is done of all there is, and the time left at the present pace.

        A training says itself how long it will take.
        """
        trains = self.about.get("kind") == "train"
        if not self.total:
            phase = str((self.step or {}).get("phase") or "no step is done yet")
            return phase if self.about.get("kind") in _LASTING else "no copy has voted yet"
        unit = "training steps" if trains else "forward passes"
        text = f"{self.done:,} of {self.total:,} {unit}"
        if self.done and self.seconds > 0 and self.is_live and not trains:
            left = self.seconds * (self.total - self.done) / self.done
            text += f", about {duration(left)} left"
        return text

    @property
    def count_text(self) -> str:
        """How many questions were asked, as a sentence begins."""
        return f"{'At least ' if self.at_least else ''}{self.questions}"

    @property
    def best_text(self) -> str:
        """What the best of the answers, picked afterwards, may claim: the end of a sentence."""
        risk = ceil_digits(min(self.risk, 1.0), 3)
        if self.at_least:
            return (
                "what the best of them, picked afterwards, may claim is not known, because the "
                "file that counts them was damaged or lost: those that are still known risk "
                f"{risk} together"
            )
        return f"the best of them, picked afterwards, may be false with probability up to {risk}"


def duration(seconds: float) -> str:
    """A time for people: "0.8 s", "25 s", "3 min", "2 h"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def learn_pace(status: Status) -> None:
    """Remember how fast a finished run was, for the next estimate; not of a training."""
    if "model" not in status.about:
        return
    passes = draws_of(status.result)
    name = f"pace_{_family(status.about['model'])}"
    longest, _ = session.remembered(name, (0.2, 0.0))
    if passes and (status.seconds >= longest or status.seconds > _TELLING):
        session.remember(name, (min(status.seconds, _TELLING), passes / status.seconds))


def draws_of(result: dict[str, Any]) -> int:
    """Forward passes that a finished run cost, those among them that chose a sigma."""
    points = [
        *result.get("certificates", [result] if "draws" in result else []),
        *([result["best"]] if result.get("best") else []),
        *result.get("selections", []),
    ]
    parts = [*result.get("methods", []), *result.get("curves", [])]
    parted = sandwiches_spent(result) + sum(map(draws_of, parts))
    return sum(int(point["draws"]) for point in points) + parted


class Asked(Protocol):
    """The network that a run would ask."""

    @property
    def model(self) -> str:
        """The worker's name of it."""


def cost_text(subject: Asked, passes: int) -> str:
    """Forward passes, and how long they take at the pace of this session's last run."""
    _, pace = session.remembered(f"pace_{_family(subject.model)}", (0.0, 0.0))
    if not pace:
        return f"{passes:,} forward passes"
    return f"{passes:,} forward passes, about {duration(passes / pace)} at an earlier run's pace"


def _family(model: str) -> str:
    """A run names its network by its weights' stem, the sidebar by its plain name."""
    return model.partition("-")[0]
