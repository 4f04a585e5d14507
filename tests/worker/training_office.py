"""A small training: the digits of 8x8 pixels, two layers, a few milliseconds a step."""

from typing import Any

from tests.worker.conftest import Office

SETTINGS = {"sigma": 0.25, "epochs": 2, "augment": "none", "precision": "fp32"}
CONFIG = {"dataset": "digits", "architecture": "mlp", "recipe": "gaussian", "probe_n": 60}


def probes(office: Office, count: int = 2, owner: str = "ann") -> list[dict[str, Any]]:
    """Images of the set that are not trained on."""
    found = office.ask("held_out_images", owner, set="digits", count=count)["images"]
    return list(found)


def train(office: Office, owner: str = "ann", *, seed: int = 0, **changes: Any) -> str:
    """The id of a started training; `settings` are laid over the usual ones."""
    settings = SETTINGS | changes.pop("settings", {})
    config = CONFIG | {"settings": settings} | changes
    started = office.ask("start", owner, kind="train", config=config, seed=seed, device="cpu")
    return str(started["job"])


def epochs_of(found: dict[str, Any]) -> int:
    """How many epochs a followed run has shown."""
    shown = found["result"] or found["step"] or {}
    return len(shown["course"]["epochs"]) if "course" in shown else 0  # it may still be reading


def until_epoch(office: Office, job: str, epoch: int) -> dict[str, Any]:
    """Turns until a run has that many epochs, with their probes, on disk."""
    while True:
        found = office.follow(job)
        if epochs_of(found) >= epoch and (found["step"] or {}).get("phase") == "training":
            return found
        assert office.bench.turn(), found
