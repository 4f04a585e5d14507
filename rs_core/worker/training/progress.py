"""The course of a training for those who follow it: it grows an epoch at a time."""

from collections.abc import Sequence
from dataclasses import replace

from rs_core.images import ImageInput
from rs_core.results import from_json
from rs_core.results.training import Course, Epoch, Probe, ProbePoint
from rs_core.training import EpochDone, ProbeRadius
from rs_core.training.checkpoints.files import Checkpoint
from rs_core.worker.training.config import TrainTask

_FIGURES = tuple(Epoch.__dataclass_fields__)


def empty_course(task: TrainTask, images: Sequence[ImageInput]) -> Course:
    """The course before the first epoch; `images` are the task's probes, in order."""
    known = zip(task.probes, images, strict=True)
    return Course(
        epochs=(), planned=task.recipe.epochs,
        probes=tuple(Probe(key, image.name, image.label) for key, image in known),
        sigma=task.sigma, n=task.options.probe_n, alpha=task.options.alpha,
    )  # fmt: skip


def after(course: Course, event: EpochDone) -> Course:
    """The course with one epoch more, and a point of each probe."""
    figures = Epoch(**{name: getattr(event, name) for name in _FIGURES})
    pairs = zip(course.probes, event.probes, strict=True)
    probes = tuple(
        replace(probe, points=(*probe.points, _point(event.epoch, found))) for probe, found in pairs
    )
    return replace(course, epochs=(*course.epochs, figures), probes=probes)


def history(saved: Checkpoint) -> list[EpochDone]:
    """The epochs that a checkpoint has behind it."""
    return [from_json(EpochDone, row) for row in saved.state["history"]]


def _point(epoch: int, found: ProbeRadius) -> ProbePoint:
    most = float("nan") if found.radius_most is None else found.radius_most
    return ProbePoint(epoch, found.predicted, found.radius, most)
