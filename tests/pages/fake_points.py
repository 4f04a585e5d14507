"""The worker's answers for the page of balls: points on a line, arranged by the engine itself."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rs_core.experiments import arrange
from rs_core.results import ModelSpec, from_json, to_json
from rs_core.results.arrangement import FrozenRegions, Points
from rs_ui.client.worker import WorkerError
from tests.experiments.conftest import certificate_of, on_a_line, points_of
from tests.pages import fake_worker
from tests.pages.fake_worker import FakeWorker

PLANE = ModelSpec("plane-mlp", "mlp", (1, 1, 2), ("yang", "yin", "dot"), weights="p-34.safetensors")
PLACES, LABELS, RADII = (0.0, 0.5, 0.75, 0.875), (0, 1, 0, 0), (0.25, 0.375, 0.25, 0.0625)
STEMS = {"mnist-conv4": "m-12", "plane-mlp": "p-34"}
HASH = "0123456789abcdef" * 2


@dataclass
class PointsWorker(FakeWorker):
    """Every image lies at a place of the line; the first in the run at the first place."""

    def describe(self) -> dict[str, Any]:
        offer = super().describe()
        number = fake_worker._field
        offer["models"] = [*offer["models"], to_json(PLANE)]
        offer["sets"] = [
            {"name": "plane", "title": "points in the plane", "size": 300,
             "input_shape": [1, 1, 2], "note": ""},
            {"name": "mnist5k", "title": "MNIST", "size": 5000,
             "input_shape": [1, 28, 28], "note": ""},
        ]  # fmt: skip
        sigma = number("sigma", "float", 0.25, low=0, high=10, low_open=True)
        offer["selectors"] = {
            "multistart": [number("m", "int", 500)], "grid": [number("n", "int", 1000)],
            "fixed": [sigma],
        }  # fmt: skip
        return offer

    def _images_of_set(self, owner: str, model: str, set: str, count: int) -> dict[str, Any]:
        found = [self._kept(owner, f"{set} {k}", label=0) for k in range(count)]
        return {"images": found, "set": f"{set}, {count} images"}

    def _kept(self, owner: str, name: str, label: int | None) -> dict[str, Any]:
        image = f"id {name}"
        reply = {"image": image, "name": name, "label": label, "original": fake_worker._THUMBNAIL}
        self.images[owner, image] = reply
        return reply | {"thumbnail": "data:image/png;base64," + fake_worker._THUMBNAIL}

    def _decode(self, owner: str, model: str, name: str, **fields: Any) -> dict[str, Any]:
        if model != "plane-mlp" and "sample" in fields:
            return super()._decode(owner, model, name, **fields)
        if name.startswith("bad"):
            raise WorkerError(f"{name} is not a supported image: give a PNG or a JPEG.")
        return self._kept(owner, name, None)

    def _start(self, owner: str, kind: str, config: dict[str, Any], **asked: Any) -> dict[str, Any]:
        if kind not in ("points", "regions"):
            return super()._start(owner, kind, config, **asked)
        job = f"job-{owner[:4]}-{kind}-{abs(hash(str((config, asked))))}"
        labels = [self.images[owner, image]["label"] for image in asked["images"]]
        about = {
            "kind": kind, "config": config, "model": STEMS.get(asked["model"], asked["model"]),
            "image_ids": asked["images"], "labels": labels, "seed": asked["seed"],
            "device": "cpu", "precision": "fp32", "title": "points",
        }  # fmt: skip
        self.jobs.setdefault(
            job, {"owner": owner, "about": about, "followed": 0, "state": "running"}
        )
        return {"job": job, "state": "queued"}

    def _follow(self, owner: str, job: str) -> dict[str, Any]:
        run = self._job(owner, job)
        if run["about"]["kind"] not in ("points", "regions"):
            return super()._follow(owner, job)
        run["followed"] += run["state"] == "running"
        if run["state"] == "running" and run["followed"] > self.steps:
            run["state"] = "finished"
        finished = run["state"] == "finished"
        step = {"done": 1, "total": 9, "phase": "picking sigma"}
        return {
            "job": job, "state": run["state"], "done": 1, "total": 9, "error": run.get("error"),
            "step": None if finished else step, "seconds": 0.5, "about": run["about"],
            "result": self._outcome(owner, run["about"]) if finished else None,
            "questions": 1, "risk": 0.001, "at_least": False, "looks": 1,
        }  # fmt: skip

    def _outcome(self, owner: str, about: dict[str, Any]) -> Any:
        points = self._points(owner, about)
        if about["kind"] == "points":
            return to_json(points)
        certificates = tuple(
            certificate_of(label, radius) for label, radius in zip(LABELS, RADII, strict=True)
        )[: len(points.names)]
        return to_json(FrozenRegions(
            points.names, points.digests, points.labels, points.selections, certificates,
            {"format": "rs-lab regions", "allocation": {"hash": HASH}},
            "alpha = 0.001", points.policy, ("a note",),
        ))  # fmt: skip

    def _points(self, owner: str, about: dict[str, Any]) -> Points:
        count = len(about["image_ids"])
        made = points_of(on_a_line(*PLACES[:count]), LABELS[:count], RADII[:count])
        names = tuple(self.images[owner, image]["name"] for image in about["image_ids"])
        return Points(**{**vars(made), "names": names, "labels": tuple(about["labels"])})

    def _arrange(self, owner: str, job: str, rule: str, order: list[int]) -> dict[str, Any]:
        points = from_json(Points, to_json(self._points(owner, self._job(owner, job)["about"])))
        pixels = on_a_line(*PLACES[: len(points.names)])
        return {"arrangement": to_json(arrange(points, np.asarray(pixels), rule, order))}
