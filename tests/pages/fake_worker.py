"""A worker that answers at once, with votes from a formula: no page waits for a network.

Prices are the engine's own, so torch is imported where the first one is asked for.
"""

import base64
import json
from dataclasses import asdict, dataclass, field
from io import BytesIO
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image
from scipy.special import ndtr

from rs_core.results import Certificate, ModelSpec, RadiusCurve, from_json, to_json
from rs_core.statistics import l2_radius, lower_confidence_bound
from rs_ui.client.worker import WorkerError
from tests.pages import fake_comparison, fake_papers, fake_sandwich, fake_training

SIGMAS = (0.05, 0.12, 0.25, 0.5, 1.0, 1.5)
MARGIN = 0.9  # of a linear classifier: its votes are ndtr(margin / sigma)
DIGITS = tuple(str(k) for k in range(10))
COLOURS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def _field(name: str, kind: str, default: Any, **facts: Any) -> dict[str, Any]:
    known = {
        "name": name, "kind": kind, "default": default, "required": default is None, "low": None,
        "high": None, "low_open": False, "high_open": False, "unit": "", "help": f"the {name}",
        "choices": [],
    }  # fmt: skip
    return known | facts


_DRAWS = [
    _field("n0", "int", 100, low=1, high=1e7, help="noisy copies that choose the class"),
    _field("n", "int", 10_000, low=1, high=1e8, help="fresh noisy copies that certify it"),
    _field("alpha", "float", 1e-3, low=0, high=0.5, low_open=True),
    _field("noise", "choice", "exact", choices=["exact", "idealised"]),
    _field("bound", "choice", "clopper-pearson", choices=["clopper-pearson", "two-sided"]),
]
_UNIT = {"unit": "pixels of [0,1]", "low": 0, "high": 10, "low_open": True}
FORMS = {
    "sweep": [
        *_DRAWS,
        _field("sigmas", "floats", list(SIGMAS), help="noise levels", **_UNIT),
        _field("simultaneous", "bool", True, help="all radii hold together; off: each alone"),
        _field("recertify", "bool", True, help="certify the best sigma again"),
    ],
    "certify": [*_DRAWS, _field("sigma", "float", None, help="noise level", **_UNIT)],
    "predict": [],
    "sandwich": fake_sandwich.form(_field, _DRAWS, _UNIT),
}


def _png_of(colour: str, size: tuple[int, int]) -> str:
    shown = BytesIO()
    Image.new("RGB", size, colour).save(shown, "PNG")
    return base64.b64encode(shown.getvalue()).decode()


def _sample(name: str, family: str, label: int, index: int | None = None) -> dict[str, Any]:
    return {
        "name": name, "file": f"{name}.png", "title": f"The {name}", "labels": {family: label},
        "licence": "CC0-1.0", "author": "Somebody", "index": index, "thumbnail": _THUMBNAIL,
    }  # fmt: skip


_THUMBNAIL = _png_of("grey", (8, 8))
SAMPLES = [_sample("digit-3", "mnist", 3, 5), _sample("digit-9", "mnist", 9, 6)]
SAMPLES += [_sample("cat", "cifar10", 3)]
MODELS = {
    "mnist-conv4": ModelSpec(
        "mnist-conv4", "conv4", (1, 28, 28), DIGITS, weights="m-12.safetensors"
    ),
    "cifar10-conv4": ModelSpec("cifar10-conv4", "conv4", (3, 32, 32), COLOURS),
}


@dataclass
class FakeWorker:
    """Answers like the worker; `steps` follows of a run come before its end."""

    steps: int = 0
    margin: float = MARGIN
    refuse: dict[str, str] = field(default_factory=dict)  # verb -> sentence
    interrupts: int = 0  # starts that another rerun breaks off before the page has heard of them
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: dict[tuple[str, str, str], dict[str, float]] = field(default_factory=dict)
    models: dict[str, Any] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    images: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    seed: int = 0  # drawn for whoever asks
    cases: list[str] = field(default_factory=list)  # of a sandwich's images, in order

    def describe(self) -> dict[str, Any]:
        models = [to_json(spec) for spec in MODELS.values()]
        return {
            "models": models, "samples": SAMPLES, "forms": FORMS, "devices": ["auto", "cpu"],
            "version": "0", "sets": fake_comparison.SETS,
            "selectors": fake_comparison.selectors(_field),
            "guarantees": fake_comparison.guarantees(),
            "recipes": fake_training.recipes(_field), "networks": fake_training.NETWORKS,
            "trainable_sets": fake_training.SETS, "tables": fake_papers.TABLES,
        }  # fmt: skip

    def call(self, verb: str, **fields: Any) -> dict[str, Any]:
        self.calls.append((verb, fields))
        if verb in self.refuse:
            raise WorkerError(self.refuse[verb])
        reply: dict[str, Any] = getattr(self, f"_{verb}")(**fields)
        if verb == "start" and self.interrupts:
            self.interrupts -= 1
            st.rerun()
        return reply

    def count(self, verb: str) -> int:
        """How often a verb was called."""
        return sum(name == verb for name, _ in self.calls)

    def _decode(self, owner: str, model: str, name: str, **fields: Any) -> dict[str, Any]:
        spec = MODELS.get(model, MODELS["mnist-conv4"])
        known = next((s for s in SAMPLES if s["name"] == fields.get("sample")), None)
        if known is None and base64.b64decode(fields["data"])[:4] == b"junk":
            raise WorkerError(f"{name} is not a supported image: give a PNG or a JPEG.")
        label = fields.get("label")
        if known is not None and label is None and model.startswith(next(iter(known["labels"]))):
            label = next(iter(known["labels"].values()))
        pixels = np.random.default_rng(len(name)).random(spec.input_shape, dtype=np.float32)
        image = f"{name}-{model}-{fields.get('invert')}"
        inverted = known is None and fields.get("invert") is not False
        reply = {
            "image": image, "pixels": to_json(pixels), "label": label, "inverted": inverted,
            "original": _png_of("teal", (60, 40)), "name": name,
            "notes": ["resized to fit"] + ["inverted: dark on white"] * inverted,
        }  # fmt: skip
        self.images[owner, image] = reply
        return reply

    def _images_of_set(self, owner: str, model: str, set: str, count: int) -> dict[str, Any]:
        found = []
        for k in range(count):
            reply = self._decode(owner, model, f"{set} {50 * k}", sample="digit-3")
            self.images[owner, reply["image"]] = reply | {"name": f"{set} {50 * k}"}
            shown = {"thumbnail": f"data:image/png;base64,{_THUMBNAIL}", "index": 50 * k}
            found.append({"image": reply["image"], "name": set, "label": 3, **shown})
        return {"images": found, "set": f"MNIST test, {count} images"}

    def _held_out_images(self, owner: str, set: str, count: int) -> dict[str, Any]:
        return self._images_of_set(owner, "mnist-conv4", f"held out of {set}", count)

    def _training_images(self, owner: str, set: str, indices: list[int]) -> dict[str, Any]:
        one = self._held_out_images(owner, set, 1)["images"][0]
        shown = {"label": 3, "thumbnail": one["thumbnail"]}
        return {"images": [{"index": index, **shown} for index in indices]}

    def _image(self, owner: str, image: str) -> dict[str, Any]:
        if (owner, image) not in self.images:
            raise WorkerError("image not found: it was deleted, or it belongs to somebody else.")
        return self.images[owner, image]

    def _price(
        self, owner: str, kind: str, model: str, config: dict[str, Any], count: int
    ) -> dict[str, Any]:
        from rs_core.errors import RsError
        from rs_core.worker.desk.price import price_of

        known = {spec["name"]: spec for spec in self.describe()["models"]} | self.models
        sent = json.loads(json.dumps(config))
        try:
            return asdict(price_of(kind, sent, from_json(ModelSpec, known[model]), count))
        except RsError as error:
            raise WorkerError(str(error), type(error).__name__) from None

    def _price_table(self, owner: str, config: dict[str, Any]) -> dict[str, Any]:
        return fake_papers.price(config)

    def _start(self, owner: str, kind: str, config: dict[str, Any], **asked: Any) -> dict[str, Any]:
        job = f"job-{owner[:4]}-{kind}-{abs(hash(str((config, asked))))}"
        about = {"kind": kind, "title": "t", "config": config, "label": None, **asked}
        if kind in ("train", "paper"):
            fresh = {"owner": owner, "about": about, "followed": 0, "state": "running"}
            self.jobs.setdefault(job, fresh)
            return {"job": job, "state": "queued"}
        if kind in ("compare", "sandwich"):
            ids = about.pop("images")
            labels = [self.images[owner, image]["label"] for image in ids]
            about |= {"image_ids": ids, "labels": labels, "dataset": "MNIST test"}
            about |= {"indices": list(range(len(ids))), "image_id": " ".join(ids)}
        else:
            about["image_id"] = about.pop("image")
        about["precision"] = "fp32"
        about["model"] = {"mnist-conv4": "m-12"}.get(about["model"], about["model"])
        fresh = {"owner": owner, "about": about, "followed": 0, "state": "running"}
        self.jobs.setdefault(job, fresh)
        asked_before = self.asked.setdefault((owner, about["image_id"], about["model"]), {})
        asked_before[job] = config["alpha"]
        return {"job": job, "state": "queued"}

    def _job(self, owner: str, job: str) -> dict[str, Any]:
        if job not in self.jobs or self.jobs[job]["owner"] != owner:
            raise WorkerError("run not found: it was deleted, or it belongs to somebody else.")
        return self.jobs[job]

    def _follow(self, owner: str, job: str) -> dict[str, Any]:
        run = self._job(owner, job)
        if run["state"] == "running":
            run["followed"] += 1
            if run["followed"] > self.steps:
                run["state"] = "finished"
        finished = run["state"] == "finished"
        if run["about"]["kind"] == "train":
            return self._follow_training(job, run)
        if run["about"]["kind"] == "paper":
            return fake_papers.followed(job, run)
        result = self._result(owner, run["about"]) if finished else None
        asked = self.asked[owner, run["about"]["image_id"], run["about"]["model"]]
        step = None if finished else self._step(owner, run["about"])
        return {
            "job": job, "state": run["state"], "done": 10 * run["followed"], "total": 1000,
            "step": step, "result": result, "error": run.get("error"), "seconds": 0.5,
            "about": run["about"],
            "questions": len(asked), "risk": sum(asked.values()), "at_least": False,
            "looks": self._looks(owner, asked),
        }  # fmt: skip

    def _looks(self, owner: str, asked: dict[str, float]) -> int:
        """Noise levels and seeds at which radii were shown, of runs that are still there."""
        seen = set()
        for about in (self.jobs[job]["about"] for job in asked if job in self.jobs):
            config = about["config"]
            levels = config.get("sigmas", [config.get("sigma")])
            if not config.get("picked"):
                seen |= {(level, about["seed"]) for level in levels}
        return len(seen)

    def _result(self, owner: str, about: dict[str, Any]) -> Any:
        if about["kind"] == "sandwich":
            return to_json(self._strip(owner, about))
        return _result(about, self.margin)

    def _step(self, owner: str, about: dict[str, Any]) -> dict[str, Any] | None:
        if about["kind"] == "sandwich":
            rows = fake_sandwich.rows(self._strip(owner, about))
            return {"done": 10, "total": 1000, "phase": "attacking", "sandwiches": rows}
        return _step(about, self.margin)

    def _strip(self, owner: str, about: dict[str, Any]) -> Any:
        def image(name: str) -> tuple[str, Any]:
            held = self.images[owner, name]
            return held["name"], from_json(np.ndarray, held["pixels"])

        return fake_sandwich.strip(
            about,
            lambda sigma, alpha, badge: _certificate(sigma, alpha, about, badge, self.margin),
            self.cases,
            image,
        )

    def _follow_training(self, job: str, run: dict[str, Any]) -> dict[str, Any]:
        config, finished = run["about"]["config"], run["state"] == "finished"
        if finished:
            outcome = fake_training.outcome(config)
            self.models[outcome.model] = to_json(outcome.spec)
        return {
            "job": job, "state": run["state"], "done": 10 * run["followed"], "total": 1000,
            "step": None if finished else fake_training.step(config, min(run["followed"], 3) - 1),
            "result": to_json(outcome) if finished else None, "error": run.get("error"),
            "seconds": 0.5, "about": run["about"], "questions": 0, "risk": 0.0,
            "at_least": False, "looks": 0,
        }  # fmt: skip

    def _runs(self, owner: str) -> dict[str, Any]:
        mine = [(job, run) for job, run in self.jobs.items() if run["owner"] == owner]
        return {
            "runs": [
                {"job": job, "kind": run["about"]["kind"], "title": "<b>t</b>",
                 "state": run["state"], "created": 1e9, "ended": None, "size": 1}
                for job, run in reversed(mine)
            ]
        }  # fmt: skip

    def _model_files(self, owner: str, model: str) -> dict[str, Any]:
        spec = self.models[model] | {"weights": "trained-1234.safetensors"}
        return {"weights": base64.b64encode(b"weights").decode(), "spec": spec}

    def _change(self, owner: str, job: str, state: str) -> dict[str, Any]:
        self._job(owner, job)["state"] = state
        return {"job": job, "state": state}

    def _cancel(self, owner: str, job: str) -> dict[str, Any]:
        return self._change(owner, job, "cancelled")

    def _pause(self, owner: str, job: str) -> dict[str, Any]:
        return self._change(owner, job, "paused")

    def _resume(self, owner: str, job: str) -> dict[str, Any]:
        return self._change(owner, job, "running")

    def _noise(
        self, owner: str, image: str, sigmas: list[float], model: str, seed: int
    ) -> dict[str, Any]:
        flat = to_json(
            np.zeros((len(sigmas), *MODELS.get(model, MODELS["mnist-conv4"]).input_shape))
        )
        return {"sigmas": sigmas, "copies": flat}

    def _forget(self, owner: str) -> dict[str, Any]:
        mine = [job for job, run in self.jobs.items() if run["owner"] == owner]
        for job in mine:
            del self.jobs[job]
        self.seed += 1
        return {"runs": len(mine)}

    def _seed(self, owner: str) -> dict[str, Any]:
        return {"seed": self.seed}

    def _upload_model(self, owner: str, weights: str, spec: dict[str, Any]) -> dict[str, Any]:
        shown = to_json(MODELS["mnist-conv4"]) | {"name": spec.get("name", "mine")}
        self.models["upload:1234"] = shown
        return {"model": "upload:1234", "spec": shown}

    def _models(self, owner: str) -> dict[str, Any]:
        return {"models": dict(self.models), "unreadable": dict(self.unreadable)}

    def _delete_model(self, owner: str, model: str) -> dict[str, Any]:
        self.unreadable.pop(model)
        return self._models(owner)


def _certificate(
    sigma: float, alpha: float, about: dict[str, Any], badge: str, margin: float
) -> Certificate:
    n = about["config"].get("n", 10_000)
    n_top = int(n * ndtr(margin / sigma))
    p_lower = float(lower_confidence_bound(n_top, n, alpha))
    radius = float(l2_radius(sigma, p_lower))
    return Certificate(
        predicted=3 if radius > 0 else None, radius=radius, norm="l2", p_lower=p_lower,
        p_upper_runner_up=None, sigma=sigma, n_top=n_top, n0=100, n=n, alpha=alpha,
        bound="clopper-pearson", guarantee=badge,
        statement=f"Certified radius {radius} at sigma={sigma:g} \u00b7 P(this statement is false) "
        f"\u2264 {alpha:g} \u00b7 n={n:,} fresh",
        counts=(0, 0, 0, n_top, n - n_top, 0, 0, 0, 0, 0, 0), draws=n + 100, precision="fp32",
        noise="gaussian", stream="sweep 0", device="cpu", weights_id="w", image_digest="d",
        preprocessing=(), seed=about["seed"],
    )  # fmt: skip


def _result(about: dict[str, Any], margin: float) -> Any:
    config = about["config"]
    if about["kind"] == "compare":
        return to_json(_comparison(about, margin))
    if about["kind"] == "certify":
        badge = "C" if config.get("picked") else "A"
        return to_json(_certificate(config["sigma"], config["alpha"], about, badge, margin))
    sigmas = config["sigmas"]
    rows = tuple(_certificate(s, config["alpha"] / len(sigmas), about, "A", margin) for s in sigmas)
    top = max(rows, key=lambda c: c.radius)
    best = (
        _certificate(top.sigma, config["alpha"], about, "C", margin)
        if config["recertify"]
        else None
    )
    return to_json(RadiusCurve(rows, config["alpha"], config["simultaneous"], best))


def _comparison(about: dict[str, Any], margin: float) -> Any:
    return fake_comparison.comparison(
        about, lambda sigma, alpha, badge: _certificate(sigma, alpha, about, badge, margin)
    )


def _step(about: dict[str, Any], margin: float) -> dict[str, Any] | None:
    if about["kind"] == "compare":
        return fake_comparison.step(_comparison(about, margin), 2)
    if about["kind"] != "sweep":
        return None
    sigmas = about["config"]["sigmas"]
    count = len(sigmas)
    return {
        "sigmas": list(sigmas), "lower": [0.1] * count, "upper": [0.5] * (count - 1) + [None],
        "predicted": [3] * count, "n_done": 100, "done": 10, "total": 1000,
    }  # fmt: skip
