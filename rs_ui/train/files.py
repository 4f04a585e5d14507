"""A finished training as files: its network, and how it came about."""

import base64
import csv
import io
import json
import math
import zipfile
from typing import Any

from rs_core.results.training import Epoch, Probe, TrainingOutcome
from rs_ui.runs import cache, session
from rs_ui.runs.downloads import file_buttons

_COLUMNS = tuple(name for name in Epoch.__dataclass_fields__ if name not in ("sigmas", "assigning"))
_OF_SIGMAS = ("sigma_mean", "sigma_levels", "seconds_assigning")  # of the images' own sigmas


def download_training(job: str, outcome: TrainingOutcome, result: Any) -> None:
    """Buttons for the network (safetensors and json, zipped), the history, and everything."""
    owner, name = session.owner(), outcome.spec.name  # built later, where there is no session
    file_buttons(
        name,
        f"download_{{}}_{job}",
        ("Network", "zip", lambda: network_zip(owner, outcome)),
        ("History, TSV", "tsv", lambda: history_tsv(outcome)),
        ("Everything, JSON", "json", lambda: json.dumps(result)),
    )


def network_zip(owner: str, outcome: TrainingOutcome) -> bytes:
    """The model file and its json, as `--model` and the sidebar take them.

    Raises:
        WorkerError: the network was deleted.
    """
    files = cache.worker().call("model_files", owner=owner, model=outcome.model)
    weights, packed = files["spec"]["weights"], io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(weights, base64.b64decode(files["weights"]))
        if "sigmas" in files:
            sigmas = weights.removesuffix(".safetensors") + ".sigmas.npz"
            archive.writestr(sigmas, base64.b64decode(files["sigmas"]))
        described = json.dumps(files["spec"], indent=2) + "\n"
        archive.writestr(weights.removesuffix(".safetensors") + ".json", described)
    return packed.getvalue()


def history_tsv(outcome: TrainingOutcome) -> str:
    """A row per epoch: its figures, then of every image that was followed its certificate.

    An image has its certified class (-1 for abstain), whether that is its own (empty where that
    is unknown), and both ends of its radius, the upper one empty where nothing limits it; sigma,
    n and alpha, the error of all ends together, stand beside them. Where images have sigmas of
    their own, their mean, the number of different ones, and the seconds that assigning them took.
    """
    out, course = io.StringIO(), outcome.course
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    probes = [
        f"{what} {k} ({probe.name})"
        for k, probe in enumerate(course.probes, 1)
        for what in ("class", "correct", "radius", "most")
    ]
    terms = ("probe_sigma", "probe_n", "probe_alpha") if probes else ()
    own = _OF_SIGMAS if any(epoch.sigmas for epoch in course.epochs) else ()
    writer.writerow([*_COLUMNS, *own, *probes, *terms])
    for epoch in course.epochs:
        cells = [cell for probe in course.probes for cell in _certified(probe, epoch.epoch)]
        shared = (course.sigma, course.n, course.alpha) if probes else ()
        figures = [getattr(epoch, name) for name in _COLUMNS]
        writer.writerow([*figures, *(_of_sigmas(epoch) if own else ()), *cells, *shared])
    return out.getvalue()


def _of_sigmas(epoch: Epoch) -> tuple[object, ...]:
    found = epoch.sigmas
    return (found.mean, found.levels, epoch.assigning) if found else ("", "", epoch.assigning)


def _certified(probe: Probe, epoch: int) -> tuple[object, ...]:
    """Class, correctness and radii of an image in an epoch."""
    point = next((point for point in probe.points if point.epoch == epoch), None)
    if point is None:
        return ("", "", "", "")
    most = "" if math.isnan(point.most) else point.most
    if point.predicted is None:
        return (-1, "" if probe.label is None else 0, 0.0, most)
    correct = "" if probe.label is None else int(point.predicted == probe.label)
    return (point.predicted, correct, point.lower, most)
