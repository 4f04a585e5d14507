"""What the runs that are there still tell of an owner's questions when their count was lost."""

from collections.abc import Iterator, Mapping
from typing import Any

from rs_core.classifiers.fingerprints import file_id
from rs_core.errors import RsError
from rs_core.results import ModelSpec, from_json
from rs_core.store import Asked, Run, RunStore
from rs_core.worker.request import subject_of, subjects


def known_questions(store: RunStore, owner: str) -> Iterator[Asked]:
    """A question for every run of an owner that says of what it was asked; a lower bound.

    Runs that were deleted are missing, and one of an older version counts as one statement at
    the alpha of its settings, though it may have made more.
    """
    for run in store.all_of(owner):
        try:
            trains = "probes" in run.request["config"]
            found = _of_training(store, run) if trains else _of_images(run)
        except (RsError, AttributeError, KeyError, TypeError, ValueError):
            continue  # what it says cannot be counted, and so it is one of those that are missing
        yield found


def risk_of_probe(alpha: float, probes: int, epochs: int) -> float:
    """What one statement about a probe image risks: all ends and planned epochs share alpha."""
    return alpha / max(probes * epochs, 1)


def _of_images(run: Run) -> Asked:
    alone = (1, run.request["config"].get("alpha", 0.0))
    count, risk, looks = [*(run.request.get("share") or alone), ()][:3]
    return Asked(subjects(run.request), run.key, int(count), float(risk), tuple(looks))


def _of_training(store: RunStore, run: Run) -> Asked:
    config, spec = run.request["config"], from_json(ModelSpec, store.result(run.job)["spec"])
    probes = config["probes"]
    risk = risk_of_probe(config["alpha"], len(probes), config["settings"]["epochs"])
    return Asked(probe_subjects(run.request, spec), run.key, 1, risk)


def probe_subjects(request: Mapping[str, Any], spec: ModelSpec) -> list[str]:
    """The probe images of a training's request with the network that it made."""
    digests = dict.fromkeys(image["digest"] for image in request["images"])
    return [subject_of(digest, file_id(spec)) for digest in digests]
