"""What the compute process answers: every verb in a fixed order, and what it keeps of requests."""

import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from scripts.behaviour.files import write_answer

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT / "tests" / "worker" / "recorded_requests.json"
ASSETS = ROOT / "assets"
ENDED = ("finished", "failed", "cancelled")
_ASK_AGAIN = 0.05


class Worker:
    """A compute process in a home of its own; it ends with the block."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rs_core.worker"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env={**os.environ, "RS_HOME": str(home)},
        )  # fmt: skip

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)

    def say(self, line: bytes) -> Any:
        """The reply to one line of bytes."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def ask(self, verb: str, owner: str = "ann", **fields: Any) -> dict[str, Any]:
        """The answer to a verb, or its refusal: {"ok": ...} or {"error": ...}."""
        request = {"id": 1, "verb": verb, "owner": owner, **fields}
        reply: dict[str, Any] = self.say(json.dumps(request).encode())
        del reply["id"]
        return reply

    def ended(self, job: str, owner: str = "ann") -> dict[str, Any]:
        """What `follow` says of a run at its end, as the store has it.

        Just before, a run in memory is finished, too, and still shows its last step.
        """
        while True:
            reply = self.ask("follow", owner, job=job)
            found = reply["ok"]
            if found["state"] in ENDED and (found["state"] != "finished" or not found["step"]):
                return reply
            time.sleep(_ASK_AGAIN)

    def kept_of(self, job: str) -> dict[str, Any]:
        """What the store keeps of what a run was asked."""
        document = json.loads((self.home / "runs" / job / "request.json").read_text())
        kept: dict[str, Any] = document["content"]
        return kept


def record_requests(folder: Path) -> None:
    """Write what is stored of each recorded request: its key, and all that repeats it."""
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    with Worker(Path("requests")) as worker:
        for image in recorded["images"]:
            worker.ask(**image["ask"])
        for name, request in recorded["requests"].items():
            reply = worker.ask("start", **request["ask"])
            if "ok" in reply:
                job = reply["ok"]["job"]
                reply = worker.kept_of(job)
                worker.ask("cancel", job=job)
            write_answer(folder / f"{name.replace(' ', '-')}.json", reply)


class Diary:
    """Asks and writes down, under a number that says when."""

    def __init__(self, worker: Worker, folder: Path) -> None:
        self.worker, self._folder, self._count = worker, folder, 0
        self._names: dict[str, str] = {}

    def ask(self, verb: str, **fields: Any) -> Any:
        """The reply's content, written down; None for a refusal."""
        reply = self.worker.ask(verb, **fields)
        self.note(verb, fields, reply)
        return reply.get("ok")

    def note(self, title: str, asked: Any, reply: Any) -> None:
        """Write a reply down."""
        self._count += 1
        path = self._folder / f"{self._count:03d}-{title}.json"
        write_answer(path, {"asked": asked, "reply": reply}, self._names)

    def run(self, kind: str, config: dict[str, Any], **fields: Any) -> str:
        """Start a run, and write down how it ends."""
        asked = {"kind": kind, "config": config, "seed": 3, "device": "cpu", **fields}
        asked |= {} if kind == "train" else {"precision": "fp32"}
        reply = self.worker.ask("start", **asked)
        job = str(reply["ok"]["job"])
        self._names[job] = f"(run {len(self._names) + 1})"
        self.note(f"start-{kind}", asked, reply)
        self.note(f"follow-{kind}", job, self.worker.ended(job))
        return job

    def begin(self, **fields: Any) -> str:
        """Start a run that takes long."""
        job = str(self.worker.ask("start", **fields)["ok"]["job"])
        self._names[job] = f"(run {len(self._names) + 1})"
        return job


def record_verbs(folder: Path) -> None:
    """Write the description of every registry, and the replies to every verb."""
    with Worker(Path("verbs")) as worker:
        for part, described in worker.ask("describe")["ok"].items():
            write_answer(folder / "wire" / f"{part}.json", described)
        diary = Diary(worker, folder / "verbs")
        diary.ask("ping")
        seeds = [worker.ask("seed")["ok"]["seed"] for _ in range(2)]
        diary.note("seed", {}, {"stays": seeds[0] == seeds[1], "kind": type(seeds[0]).__name__})
        images = _images(diary)
        model = _models(diary)
        jobs = _runs(diary, images, model)
        _steering(diary, images[0])
        _refusals(diary, images)
        diary.ask("runs")
        diary.ask("delete_model", model=model)
        diary.ask("follow", job=jobs[0], owner="eve")
        diary.ask("forget")
        diary.ask("follow", job=jobs[0])
        diary.ask("image", image=images[0])


def _data(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _images(diary: Diary) -> list[str]:
    """Ids of four digits, two of the samples and two of a set, and of a cat."""
    found = [
        diary.ask("decode", model=model, sample=sample)["image"]
        for model, sample in (("mnist-conv4", "digit-8"), ("mnist-conv4", "digit-3"))
    ]
    for invert in ("auto", True, False):
        data = _data(ASSETS / "samples" / "cat.jpg")
        diary.ask("decode", model="mnist-conv4", data=data, name="a.jpg", invert=invert, label=2)
    cat = diary.ask("decode", model="cifar10-conv4", sample="cat")["image"]
    diary.ask("image", image=found[0])
    of_set = diary.ask("images_of_set", model="mnist-conv4", set="mnist5k", count=2)["images"]
    diary.ask("held_out_images", set="digits", count=2)
    diary.ask("noise", image=found[0], model="mnist-conv4", sigmas=[0.25, 1], seed=3, device="cpu")
    return [*found, *(one["image"] for one in of_set), cat]


def _models(diary: Diary) -> str:
    """The name of an uploaded network."""
    weights = max((ASSETS / "weights").glob("mnist-conv4-s050-*.safetensors"))
    spec = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    model = str(diary.ask("upload_model", weights=_data(weights), spec=spec)["model"])
    diary.ask("upload_model", weights=_data(weights)[:4000], spec=spec)
    diary.ask("models")
    diary.ask("model_files", model=model)
    diary.ask("model_files", model="mnist-conv4")
    return model


def _runs(diary: Diary, images: list[str], model: str) -> list[str]:
    """Ids of a run of every kind, all finished."""
    few = {"n": 300, "n0": 50}
    picker = {"selector": "multistart", "settings": {"levels": 3, "m": 30}}
    one = {"image": images[0], "model": "mnist-conv4"}
    several = {"images": images[:4], "model": "mnist-conv4"}
    fixed = {"selector": "fixed", "settings": {"sigma": 0.5}}
    methods = [fixed | {"guarantee": "global_sigma"}, picker | {"guarantee": "frozen"}]
    search = {"steps": 3, "draws": 2, "rounds": 2, "judged": 16, "confirm_n": 100}
    study = {"steps": 3, "draws": 2}
    jobs = [
        diary.run("sweep", few | {"sigmas": [0.25, 0.5]}, **one),
        diary.run("certify", few | {"sigma": 0.25, "noise": "idealised"}, **one),
        diary.run("certify", few | {"sigma": 0.25}, image=images[0], model=model),
        diary.run("certify", few | {"sigma": 0.25}, image=images[4], model="cifar10-conv4"),
        diary.run("predict", {"sigma": 0.5, "n": 200}, **one),
        diary.run("compare", few | {"methods": methods, "sigmas": [0.25, 0.5]}, **several),
        diary.run("sandwich", few | search | {"selector": picker, "pipeline": True}, **several),
        diary.run("attack", {"attack": "pgd", "settings": {"steps": 4}, "check": True}, **several),
        diary.run(
            "attack",
            {"attack": "epgd", "settings": {"steps": 3, "draws": 2, "reselect": 1, "eps": 2.0},
             "selector": picker, "confirm": {"n": 100}},
            **several,
        ),
        diary.run("regions", few | picker | {"mode": "strict"}, **several),
        diary.run("study_noise", study | {"sigmas": [0, 0.5], "samples": [1, 4]}, **several),
        diary.run("study_strength", study | {"eps": [0, 1], "samples": 4}, **several),
        diary.run(
            "study_frontier",
            {"selectors": [fixed, picker], "sigmas": [0.5], "gammas": [0.1], "n": 100,
             "weak_steps": 3, "strong_steps": 3, "draws": 2},
            **several,
        ),
    ]  # fmt: skip
    points = diary.run("points", few | picker, **several)
    for rule in ("memory", "online", "strict", "label_aware"):
        diary.ask("arrange", job=points, rule=rule, order="given")
    diary.ask("arrange", job=points, rule="memory", order=[1, 0])
    return [*jobs, points, _training(diary)]


def _training(diary: Diary) -> str:
    held = diary.ask("held_out_images", set="digits", count=2)["images"]
    config = {
        "dataset": "digits", "architecture": "mlp", "recipe": "gaussian", "probe_n": 60,
        "settings": {"sigma": 0.25, "epochs": 2, "augment": "none", "precision": "fp32"},
        "probes": [one["image"] for one in held], "labels": [one["label"] for one in held],
    }  # fmt: skip
    return diary.run("train", config)


def _steering(diary: Diary, image: str) -> None:
    """A run that takes long: paused, gone on with, cancelled; then asked for again."""
    asked = {
        "kind": "certify", "config": {"sigma": 0.25, "n": 5_000_000}, "image": image, "seed": 3,
        "model": "mnist-conv4", "device": "cpu", "precision": "fp32",
    }  # fmt: skip
    job = diary.begin(**asked)
    diary.ask("pause", job=job)
    diary.ask("pause", job=job)
    _goes_on(diary, job)
    diary.ask("cancel", job=job)
    diary.ask("resume", job=job)
    finished = asked | {"config": {"sigma": 0.25, "n": 300, "n0": 50, "noise": "idealised"}}
    diary.ask("start", **finished)  # the same question is the same run


def _goes_on(diary: Diary, job: str) -> None:
    state = diary.worker.ask("resume", job=job)["ok"]["state"]
    # Its turn may come before the reply.
    diary.note("resume", {"job": job}, {"state": state.replace("running", "queued")})


def _refusals(diary: Diary, images: list[str]) -> None:
    start: dict[str, Any] = {"kind": "certify", "image": images[0], "model": "mnist-conv4"}
    several = {"images": images[:2], "model": "mnist-conv4"}
    wrong: list[dict[str, Any]] = [
        {"config": {"sigma": 0.25, "colour": "red"}},
        {"config": {"sigma": 99}},
        {"config": {"sigma": 0.25, "n": 0}},
        {"config": {}, "kind": "colour"},
        {"config": {"sigma": 0.25}, "model": "nothing"},
        {"config": {"sigma": 0.25}, "image": "nothing"},
        {"config": {"sigma": 0.25}, "image": images[4]},
        {"config": {"sigma": 0.25}, "device": "moon"},
        {"kind": "attack", "config": {"attack": "nothing"}, **several},
        {"kind": "attack", "config": {"attack": "pgd", "settings": {"steps": 10**6}}, **several},
        {"kind": "compare", "config": {"methods": []}, **several},
        {"kind": "points", "config": {"selector": "knn", "settings": {"folder": "x"}}, **several},
        {"kind": "sandwich", "config": {"selector": {"selector": "nothing"}}, **several},
        {"kind": "regions", "config": {"selector": "fixed", "time_limit": 99}, **several},
        {"kind": "study_noise", "config": {"votes": ["nothing"]}, **several},
        {"kind": "train", "config": {"settings": {"epochs": 10**6}}},
    ]
    for request in wrong:
        diary.ask("start", **{**start, "seed": 0, **request})
    diary.ask("decode", model="mnist-conv4", data="AAAA", name="x.png")
    diary.ask("images_of_set", model="mnist-conv4", set="mnist5k", count=10**6)
    diary.ask("held_out_images", set="nothing", count=1)
    diary.ask("noise", image=images[0], model="mnist-conv4", sigmas=[0])
    diary.ask("arrange", job="nothing", rule="memory", order="given")
    diary.ask("colour")
    for line in (b"x", b"[]", b'{"id": 1}', b'{"id": 1, "id": 2, "verb": "ping"}'):
        diary.note("line", line.decode(), diary.worker.say(line))
