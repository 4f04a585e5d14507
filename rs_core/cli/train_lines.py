"""What a training prints: a line for every epoch, its probe images, and notes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rs_core.datasets import Dataset, pixel_digest
from rs_core.events import PhaseStep, Stream
from rs_core.plots.text import chance_text, tidy
from rs_core.statistics import ceil_digits, floor_decimals
from rs_core.training import PROBE_NOTE, EpochDone, ProbeRadius, Probes, Recipe, Trained


def beforehand(
    settings: Recipe, train: Dataset, test: Dataset | None, probes: Probes | None, out: Path
) -> list[str]:
    """What to know before reading the epochs' figures."""
    measured = f"images of {_named(train)} that are trained on, so they are too high"
    if test is not None:
        measured = f"{_named(test)}, images that are not trained on"
    notes = list(dict.fromkeys((*train.notes, *(test.notes if test else ()))))
    if settings.images_per_step > len(train):
        notes.append(
            f"a batch of {settings.images_per_step} is larger than the set: every step takes all "
            f"{len(train)} images"
        )
    if train.targets is not None:
        notes.append("right is, of the sigmas, the one at which the image's radius is largest")
    if probes is not None:
        notes += _terms(probes, settings)
        notes += _seen(probes, train)
    return [
        f"training on {len(train):,} images of {_named(train)}; files go to {out}/",
        *(f"note: {note}" for note in notes),
        f"accuracies below are measured on {measured}",
    ]


def _named(data: Dataset) -> str:
    """A split's name; that of the embedded set says it already."""
    return data.name if data.split in data.name.split() else f"{data.name} {data.split}"


def _seen(probes: Probes, train: Dataset) -> list[str]:
    """That probe images are trained on, where they are."""
    known = frozenset(train.digests())
    seen = [
        image.name
        for image in probes.images
        if pixel_digest(np.rint(image.pixels * 255).astype(np.uint8).transpose(1, 2, 0)) in known
    ]
    if not seen:
        return []
    which = f"{tidy(', '.join(seen))} {'is' if len(seen) == 1 else 'are'}"
    return [f"{which} among the images that are trained on, so these radii are too high"]


def with_lines(stream: Stream[Trained], before: Sequence[str], *, noisy: bool) -> Stream[Trained]:
    """The stream, with printed lines before its first event and for every epoch."""
    for event in stream:
        for line in before:
            print(line, flush=True)
        before = ()
        if isinstance(event, EpochDone):
            print(
                f"epoch {event.epoch}/{event.epochs}  loss {event.loss:.4f}  clean "
                f"{event.clean_accuracy:.4f}  {_under(event, noisy)}"
                f"lr {event.learning_rate:.4f}  {event.images_per_second:,.0f} images/s",
                flush=True,
            )
            if event.probes:
                print(f"  probe radii: {'; '.join(map(_band, event.probes))}", flush=True)
        elif isinstance(event, PhaseStep):
            print(f"note: {event.phase}", flush=True)
        yield event


def _under(epoch: EpochDone, noisy: bool) -> str:
    return f"under noise {epoch.noisy_accuracy:.4f}  " if noisy else ""


def _band(probe: ProbeRadius) -> str:
    """Certified radius, floored, and the most that more copies could have certified."""
    name = tidy(probe.name)
    if probe.predicted is None:
        return f"{name} abstains"
    most = "or more" if probe.radius_most is None else f"to {ceil_digits(probe.radius_most, 3)}"
    said = "" if probe.predicted == probe.label else f" class {probe.predicted}"
    wrong = f", WRONG (it is {probe.label})" if said and probe.label is not None else ""
    return f"{name}{said} {floor_decimals(probe.radius, 3)} {most}{wrong}"


def _terms(probes: Probes, settings: Recipe) -> list[str]:
    """What the bands of the probes promise, and how the images came to their size."""
    together = f"{len(probes.images)} x {settings.epochs} bands"
    notes = [
        f"probe radii: {probes.n} copies at sigma {settings.sigma:g}; with probability "
        f"{chance_text(probes.alpha)} all {together} hold; {PROBE_NOTE}"
    ]
    return notes + [
        f"{tidy(image.name)}: {'; '.join(image.preprocessing)}"
        for image in probes.images
        if image.preprocessing
    ]
