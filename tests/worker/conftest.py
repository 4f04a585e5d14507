"""A desk and a bench in this process, with a tiny network that knows the ten digits."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rs_core.models import build_network, save_model
from rs_core.results import ModelSpec
from rs_core.store import RunStore
from rs_core.worker import Api, Scheduler
from rs_core.worker.scheduler import TURN_SECONDS

DIGITS = tuple("0123456789")
QUICK = {"sigmas": [0.1, 0.25, 0.5], "n": 200, "n0": 50}


def save_tiny(folder: Path, *, mute: bool = False, **changes: Any) -> Path:
    """The weights file of a random network for 1x28x28 digits; its json lies beside it.

    One that is mute answers a pixel above 1.01 with infinity: an image not, its noisy copies do.
    """
    facts: dict[str, Any] = {
        "name": "tiny", "architecture": "conv4", "input_shape": (1, 28, 28),
        "class_names": DIGITS, "options": {"widths": [4, 4, 8, 8]},
    }  # fmt: skip
    spec = ModelSpec(**(facts | changes))
    network = build_network(
        spec.architecture, spec.input_shape, len(spec.class_names), spec.options
    )
    generator = torch.Generator().manual_seed(0)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) - 0.4)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.fill_(1.0)
    if mute:
        _silence(network)
    return folder / save_model(network, spec, folder).weights


def _silence(network: torch.nn.Module) -> None:
    values = network.state_dict()
    for name, weight in values.items():
        kernel = name.endswith("weight") and weight.ndim > 1
        weight.fill_(1e30 if kernel else float(name.endswith(("running_var", "1.weight"))))
    values["features.0.0.weight"].zero_()[:, :, 1, 1] = 1.0
    values["features.0.1.bias"].fill_(-1.01)


def upload_of(weights: Path) -> dict[str, Any]:
    """The fields of `upload_model` for a model file."""
    spec = json.loads(weights.with_suffix(".json").read_text())
    return {"weights": base64.b64encode(weights.read_bytes()).decode(), "spec": spec}


class Office:
    """A worker without its process: requests to the desk, turns on the bench."""

    def __init__(self, home: Path, weights: Path, *, turn_seconds: float = TURN_SECONDS) -> None:
        self.store, self.weights = RunStore(home), weights
        self.turn_seconds = turn_seconds
        self.now = 0.0
        self.bench = Scheduler(self.store, clock=self.clock, turn_seconds=turn_seconds)
        self.desk = Api(self.store, self.bench)

    def clock(self) -> float:
        """Wall time, moved on by `now`."""
        return time.monotonic() + self.now

    def ask(self, verb: str, owner: str = "ann", **fields: Any) -> dict[str, Any]:
        given = {"seed": 0} if verb == "start" else {}
        return self.desk(verb, {"owner": owner, **given, **fields})

    def model(self, owner: str = "ann") -> str:
        return str(self.ask("upload_model", owner, **upload_of(self.weights))["model"])

    def image(self, owner: str = "ann", sample: str = "digit-7") -> str:
        found = self.ask("decode", owner, model=self.model(owner), sample=sample)
        return str(found["image"])

    def start(self, owner: str = "ann", **changes: Any) -> str:
        fields: dict[str, Any] = {
            "kind": "sweep", "model": self.model(owner), "config": QUICK, "precision": "fp32",
        }  # fmt: skip
        fields["image"] = changes.pop("image", None) or self.image(owner)
        return str(self.ask("start", owner, **(fields | changes))["job"])

    def follow(self, job: str, owner: str = "ann") -> dict[str, Any]:
        return self.ask("follow", owner, job=job)

    def finish(self) -> None:
        """Turns until nothing is waiting."""
        while self.bench.turn():
            pass


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test cuts the power; what a killed process wrote is there without fsync."""
    monkeypatch.setattr("os.fsync", lambda handle: None)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("models"))


@pytest.fixture
def office(tmp_path: Path, tiny: Path) -> Iterator[Office]:
    made = Office(tmp_path / "home", tiny)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def one_run(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Iterator[tuple[Office, str]]:
    """An office for a module's refusals, and its only run: one question of ann's about an image."""
    made = Office(tmp_path_factory.mktemp("home"), tiny)
    yield made, made.start(kind="predict", config={"sigma": 0.5})
    made.store.close()


@pytest.fixture
def photo() -> np.ndarray:
    """A dark stroke on bright paper with a shadow, 240x180, uint8."""
    rows, columns = np.mgrid[:240, :180]
    paper = 230 - rows / 4 - columns / 8
    ink = (abs(columns - 60) < 7) & (rows > 40) & (rows < 150)
    return np.where(ink, paper * 0.2, paper).astype(np.uint8)
