"""What a training has shown so far, kept beside its checkpoint."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rs_core.durable import write_durably
from rs_core.errors import CheckpointError
from rs_core.evaluation.training import Course, Epoch, ProbePoint
from rs_core.results import from_json, to_json
from rs_core.training import EpochDone
from rs_core.training.checkpoints import Checkpoint

_NAME = "watched.json"
_FIGURES = tuple(Epoch.__dataclass_fields__)


class Watched:
    """A course that grows, epoch by epoch.

    Args:
        course: before the first epoch.
        folder: of the checkpoint.

    Attributes:
        course: with all that is known.
        told: the same as JSON values.
        seconds: spent in the training's own turns, all processes together.
    """

    def __init__(self, course: Course, folder: Path) -> None:
        self._path = folder / _NAME
        self.seconds = 0.0
        self._take(course)

    def recall(self, saved: Checkpoint) -> None:
        """Take up what an earlier process did: the checkpoint's epochs, and the points of them."""
        rows = [from_json(EpochDone, row) for row in saved.state["history"]]
        noted = self._read()
        points = [tuple(from_json(ProbePoint, p) for p in row) for row in noted.get("points", ())]
        if len(points) != len(self.course.probes):
            points = [()] * len(self.course.probes)
        self.seconds = float(noted.get("seconds", 0.0))
        pairs = zip(self.course.probes, points, strict=True)
        probes = tuple(
            replace(probe, points=tuple(p for p in known if p.epoch <= len(rows)))
            for probe, known in pairs
        )
        self._take(replace(self.course, epochs=tuple(map(_figures, rows)), probes=probes))

    def note_epoch(self, event: EpochDone) -> None:
        """Add an epoch.

        Raises:
            CheckpointError: it cannot be written.
        """
        self._take(replace(self.course, epochs=(*self.course.epochs, _figures(event))))
        self._write()

    def note_points(self, points: Sequence[ProbePoint]) -> None:
        """Add a point to every probe.

        Raises:
            CheckpointError: it cannot be written.
        """
        pairs = zip(self.course.probes, points, strict=True)
        probes = tuple(replace(probe, points=(*probe.points, point)) for probe, point in pairs)
        self._take(replace(self.course, probes=probes))
        self._write()

    @property
    def is_looked_at(self) -> bool:
        """Whether the probes have their points of the last epoch; True before the first."""
        last = [probe.points[-1].epoch for probe in self.course.probes if probe.points]
        return len(self.course.epochs) in (0, *last)

    def _take(self, course: Course) -> None:
        self.course = course
        self.told: dict[str, Any] = to_json(course)

    def _read(self) -> dict[str, Any]:
        """What was noted; nothing where that is unreadable, and the last epoch is seen again."""
        try:
            found = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self) -> None:
        points = [[to_json(point) for point in probe.points] for probe in self.course.probes]
        raw = json.dumps({"seconds": self.seconds, "points": points}).encode()
        try:
            write_durably(self._path, raw)
        except OSError as error:
            raise CheckpointError(
                f"what was watched cannot be written ({error.strerror}): make room and resume."
            ) from None


def _figures(event: EpochDone) -> Epoch:
    return Epoch(**{name: getattr(event, name) for name in _FIGURES})
