"""The worker's answers for the attack lab: forms as the engine has them, results from a formula."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rs_core.results import to_json
from rs_core.results.attack import ALREADY, AttackCheck, AttackResult, Confirmation, norms
from rs_core.results.attack_trial import AttackTrial, Ballot
from rs_ui.inputs.subject import pixels_of
from tests.pages import fake_worker
from tests.pages.fake_worker import FakeWorker

_SIZE = 0.01  # by which every pixel moves


def _fields(*numbers: tuple[str, str, Any], sigma: float | None = None) -> list[dict[str, Any]]:
    make = fake_worker._field
    positive = {"required": False, "low": 0, "high": 1000, "low_open": True}
    return [
        make("sigma", "float", sigma, **positive),
        make("draws", "int", 8 if sigma else 1, low=1, high=10_000),
        make("judged", "int", 16, low=1),
        make("target", "int", None, required=False, low=0),
        make("reselect", "int", 0, low=0),
        *(make(n, kind, value, required=False, low=0, low_open=True) for n, kind, value in numbers),
    ]  # fmt: skip


def _ball(*more: tuple[str, str, Any], sigma: float | None = None) -> list[dict[str, Any]]:
    norm = fake_worker._field("norm", "choice", "l2", choices=["l2", "linf"])
    eps = ("eps", "float", 0.5)
    return [norm, *_fields(eps, *more, sigma=sigma)]


_RUNS = (
    ("steps", "int", 40), ("step_size", "float", None), ("restarts", "int", 1),
)  # fmt: skip
_TARGETS = fake_worker._field("targets", "int", 0, low=0)
_OFFERED = {
    "pgd": [*_ball(*_RUNS), _TARGETS],
    "epgd": [*_ball(*_RUNS, sigma=0.25), _TARGETS],
    "ddn": _fields(("steps", "int", 100)),
    "square": _ball(("queries", "int", 500)),
}
ATTACKS = {
    name: {
        "about": f"what {name} does",
        "gradient_free": name == "square",
        "needs_noise": name == "epgd",
        "fields": fields,
    }
    for name, fields in _OFFERED.items()
}
CONFIRM = [
    fake_worker._field("n", "int", 1000, low=1), fake_worker._field("alpha", "float", 1e-3),
    fake_worker._field("confirmations", "int", 4, low=2),
    fake_worker._field("stretch", "float", 0.0, low=0),
]  # fmt: skip


@dataclass
class AttackWorker(FakeWorker):
    """Every attack moves every pixel by a hundredth and is confirmed; `changes` of its result."""

    changes: dict[str, Any] = field(default_factory=dict)
    of_trial: dict[str, Any] = field(default_factory=dict)
    losses: list[float | None] = field(default_factory=lambda: [0.1, None, 0.5])

    def describe(self) -> dict[str, Any]:
        offer = super().describe()
        forms = {**offer["forms"], "confirm": CONFIRM}
        return {**offer, "attacks": ATTACKS, "forms": forms}

    def _start(self, owner: str, kind: str, config: dict[str, Any], **asked: Any) -> dict[str, Any]:
        if kind != "attack":
            return super()._start(owner, kind, config, **asked)
        job = f"job-{owner[:4]}-{kind}-{abs(hash(str((config, asked))))}"
        ids = asked.pop("images")
        about = {
            "kind": kind, "title": "t", "config": config, **asked, "image_ids": ids,
            "labels": [self.images[owner, ids[0]]["label"]], "dataset": "", "indices": [0],
            "precision": "fp32", "image_id": ids[0],
            "model": {"mnist-conv4": "m-12"}.get(asked["model"], asked["model"]),
        }  # fmt: skip
        fresh = {"owner": owner, "about": about, "followed": 0, "state": "running"}
        self.jobs.setdefault(job, fresh)
        return {"job": job, "state": "queued"}

    def _follow(self, owner: str, job: str) -> dict[str, Any]:
        run = self._job(owner, job)
        if run["about"]["kind"] != "attack":
            return super()._follow(owner, job)
        run["followed"] += run["state"] == "running"
        if run["state"] == "running" and run["followed"] > self.steps:
            run["state"] = "finished"
        finished = run["state"] == "finished"
        step = {
            "done": 10, "total": 100, "phase": "epgd looks", "losses": self.losses, "every": 1,
            "nearest": 0.30000001,
        }  # fmt: skip
        result = to_json(self.trial(owner, run["about"])) if finished else None
        return {
            "job": job, "state": run["state"], "done": 10, "total": 100, "seconds": 0.5,
            "step": None if finished else step, "result": result, "error": run.get("error"),
            "about": run["about"], "questions": 1, "risk": 0.001, "at_least": False, "looks": 1,
        }  # fmt: skip

    def trial(self, owner: str, about: dict[str, Any]) -> AttackTrial:
        """What the run of an `about` ends with."""
        config, image = about["config"], self.images[owner, about["image_ids"][0]]
        pixels = pixels_of(image["pixels"])
        moved = np.clip(pixels + np.float32(_SIZE), 0, 1)
        l2, linf = norms(moved, pixels)
        sigma = config["settings"]["sigma"] or (0.5 if config["selector"] else None)
        said = Confirmation(5, (0, 0, 0, 5, 0, 995, 0, 0, 0, 0, 0), sigma, 1000, 0.00025)
        label = 3 if image["label"] is None else image["label"]
        result = AttackResult(
            attack=config["attack"], target="", label=label, goal=None, adversarial=moved,
            success=True, l2=l2, linf=linf, stored_l2=l2, stored_linf=linf,
            loss_trace=(0.1, 0.4), sigma=sigma, passes=320.0, weights_id="w", image_digest="d",
            seed=about["seed"], confirmed=True, stored_confirmed=True, confirmations=(said, said),
        )  # fmt: skip
        confirm, names = config["confirm"], ("n", "alpha", "confirmations")
        picker = config["selector"] or {"selector": None, "settings": {}}
        trial = AttackTrial(
            attack=config["attack"], settings=config["settings"], selector=picker["selector"],
            selector_settings=picker["settings"], names=(image["name"],), labels=(label,),
            results=(replace(result, **self.changes),),
            before=(_ballot(3, sigma),), after=(_ballot(5, sigma),),
            check=AttackCheck(1.0, 1.0, 0.0, 0.0, ()) if config["check"] else None,
            indices=(0,), **{name: confirm[name] for name in names},
        )  # fmt: skip
        return replace(trial, **self.of_trial)


NOT_FOUND = {"success": False, "confirmed": False, "stored_confirmed": False, "confirmations": ()}
ALREADY_WRONG = {"notes": (ALREADY,), "l2": 0.0, "linf": 0.0}


def _ballot(leader: int, sigma: float | None) -> Ballot:
    n = 1000 if sigma else 1
    counts = [0] * 11
    counts[leader], counts[0] = n - n // 100, n // 100
    scores = tuple(count / n for count in counts[:-1])
    return Ballot(tuple(counts), scores, sigma, n)
