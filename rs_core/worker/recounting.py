"""What the runs that are there still tell of an owner's questions when their count was lost."""

from collections.abc import Iterator

from rs_core.errors import RsError
from rs_core.store import Asked, Run, RunStore
from rs_core.worker.asking import subjects


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
    count, risk = run.request.get("share") or alone
    return Asked(subjects(run.request), run.key, int(count), float(risk))


def _of_training(store: RunStore, run: Run) -> Asked:
    config, model = run.request["config"], store.result(run.job)["model"]
    probes = config["probes"]
    risk = risk_of_probe(config["alpha"], len(probes), config["settings"]["epochs"])
    return Asked([f"{image} {model}" for image in probes], run.key, 1, risk)
