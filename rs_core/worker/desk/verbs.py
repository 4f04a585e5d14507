"""The verbs of the protocol: what each request may ask, and what it is answered."""

import base64
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from rs_core import __version__
from rs_core.errors import DamagedError, ParameterError, StoreError, UnknownNameError
from rs_core.experiments import arrange
from rs_core.results import from_json, to_json
from rs_core.results.arrangement import Points
from rs_core.store import Progress, Run, RunStore, left_words
from rs_core.training.checkpoints.sigma_file import sigma_file
from rs_core.worker.desk.describe import describe
from rs_core.worker.desk.images import PRECISIONS, ImageDesk
from rs_core.worker.desk.price import PRICED, price_of
from rs_core.worker.desk.tables import TableDesk
from rs_core.worker.job import Job
from rs_core.worker.models import ModelCache
from rs_core.worker.papers.family import PAPER
from rs_core.worker.request import MAX_IMAGES, Request, images_in
from rs_core.worker.requests import Fields, owner_of, shortened
from rs_core.worker.runs import RunManager
from rs_core.worker.scheduler import Scheduler
from rs_core.worker.tasks.base import TASKS
from rs_core.worker.tasks.kinds import GROUP_TASKS
from rs_core.worker.training.family import TRAIN

_ALONE = (TRAIN, PAPER)  # kinds that name no image and no network
_TIDY_SECONDS = 60.0
_LONGEST_ADDRESS = 1_000_000
# These look at what is in memory or in a small file: nobody's upload can kill the process there.
_GLANCES = ("ping", "describe", "follow", "cancel", "pause", "resume", "runs")
_LOG = logging.getLogger(__name__)
Reply = dict[str, Any]


class Api:
    """Answers requests: `desk(verb, fields)` is the reply, or raises what went wrong."""

    def __init__(self, store: RunStore, bench: Scheduler) -> None:
        self._store, self._bench = store, bench
        self._shelf = ModelCache(store.belongings, bench.gate)
        self.opener = RunManager(store, self._shelf, bench)
        self._tidied = 0.0
        self._verbs: dict[str, Callable[[Fields], Reply]] = {
            "ping": lambda _: {"version": __version__},
            "describe": lambda _: describe(),
            **ImageDesk(store.belongings, self._shelf, self._tidy).verbs,
            "seed": lambda fields: {"seed": store.belongings.seed(owner_of(fields))},
            "upload_model": self._upload_model,
            "models": self._models,
            "delete_model": self._delete_model,
            "model_files": self._model_files,
            "price": self._price,
            "price_table": TableDesk(bench.gate).price,
            "start": self._start,
            "follow": self._follow,
            "cancel": lambda fields: self._change(fields, bench.cancel),
            "pause": lambda fields: self._change(fields, bench.pause),
            "resume": self._resume,
            "arrange": self._arrange,
            "runs": lambda fields: {"runs": store.runs(owner_of(fields))},
            "forget": self._forget,
        }

    def __call__(self, verb: str, request: Mapping[str, Any]) -> Reply:
        """The reply to one request.

        Raises:
            RsError: it cannot be done; one sentence says why.
        """
        if verb not in self._verbs:
            raise UnknownNameError("verb", verb[:40], self._verbs)
        if verb in _GLANCES:
            return self._verbs[verb](Fields(request))
        with self._bench.life.answering():
            return self._verbs[verb](Fields(request))

    def _upload_model(self, fields: Fields) -> Reply:
        owner, weights = owner_of(fields), fields.data("weights")
        if isinstance(fields.raw("spec"), dict):
            spec = json.dumps(fields.table("spec"))
        else:
            spec = fields.text("spec", limit=2_000_000)
        self._tidy()
        model, found = self._shelf.upload(owner, weights, spec.encode("utf-8", "replace"))
        return {"model": model, "spec": to_json(found)}

    def _models(self, fields: Fields) -> Reply:
        specs, reasons = self._shelf.uploads(owner_of(fields))
        return {"models": to_json(specs), "unreadable": reasons}

    def _delete_model(self, fields: Fields) -> Reply:
        self._shelf.delete(owner_of(fields), fields.text("model"))
        return self._models(fields)

    def _model_files(self, fields: Fields) -> Reply:
        """A person's own network as its files; the shipped ones come with the program."""
        owner, model = owner_of(fields), fields.text("model")
        spec, path = self._shelf.own_files(owner, model)
        files = {"weights": path, "sigmas": sigma_file(path)}
        packed = {
            name: base64.b64encode(one.read_bytes()).decode()
            for name, one in files.items()
            if one.exists()
        }
        return {**packed, "spec": to_json(spec)}

    def _price(self, fields: Fields) -> Reply:
        """What a start would cost; the network's spec is read, and nothing is loaded."""
        spec = self._shelf.spec(owner_of(fields), fields.text("model"))
        kind, config = fields.choice("kind", PRICED), fields.table("config")
        return asdict(price_of(kind, config, spec, fields.whole("count", 1)))

    def _start(self, fields: Fields) -> Reply:
        owner = owner_of(fields)
        drawn = self._store.belongings.seed(owner)
        seed = drawn if "seed" not in fields else fields.whole("seed")
        question = Request(
            owner=owner,
            kind=fields.choice("kind", (*TASKS, *GROUP_TASKS, *_ALONE)),
            config=fields.table("config"),
            seed=seed,
            seed_given=seed != drawn,
            device=fields.text("device", "auto"),
        )
        if question.kind not in _ALONE:
            question = replace(
                question,
                images=_images(fields),
                model=fields.text("model"),
                precision=fields.choice("precision", PRECISIONS, "auto"),
            )
        self._tidy()
        job, state = self.opener.start(question)
        return {"job": job, "state": state}

    def _follow(self, fields: Fields) -> Reply:
        owner, name = owner_of(fields), _run_id(fields)
        job = self.opener.job(owner, name)
        if job is not None:
            self._bench.follow(job)
            return _live(job) | self.opener.questions(owner, job.about)
        run = self._store.read(name, owner)
        about = self.opener.about(run)
        progress, result = self._outcome(run)
        # An open run that is not on this bench is computed by another process.
        step = self.opener.left(run) if progress.state in ("cancelled", "failed") else None
        return {
            "job": name, "state": progress.state, "held": progress.held, "done": progress.done,
            "total": progress.total, "step": step, "result": result, "error": progress.error,
            "seconds": progress.seconds, "about": about,
        } | self.opener.questions(owner, about)  # fmt: skip

    def _outcome(self, run: Run) -> tuple[Progress, Any]:
        """How far a run is, and its result; one whose result is damaged has failed for that."""
        if run.progress.state != "finished":
            return run.progress, None
        try:
            return run.progress, self._store.result(run.job)
        except DamagedError as error:
            return replace(run.progress, state="failed", error=str(error)), None

    def _change(self, fields: Fields, action: Callable[[Job], None]) -> Reply:
        owner, name = owner_of(fields), _run_id(fields)
        job = self.opener.job(owner, name)
        if job is not None:
            action(job)
            return {"job": name, "state": job.progress.state}
        return {"job": name, "state": self._store.read(name, owner).progress.state}

    def _resume(self, fields: Fields) -> Reply:
        """Let a paused run go on, or one that was cancelled or failed, if it can."""
        owner, name = owner_of(fields), _run_id(fields)
        if self.opener.job(owner, name) is None:
            self.opener.reopen(owner, name)
        return self._change(fields, self._bench.resume)

    def _arrange(self, fields: Fields) -> Reply:
        owner, name = owner_of(fields), _run_id(fields)
        job, run = self.opener.job(owner, name), self._store.read(name, owner)
        finished = run.progress.state == "finished"
        result = self._store.result(name) if job is None and finished else job and job.result
        rule, order = fields.text("rule"), fields.raw("order")
        return {"arrangement": arrangement_of(run, result, rule, order)}

    def _forget(self, fields: Fields) -> Reply:
        owner = owner_of(fields)
        for job in self._bench.of_owner(owner):
            self._bench.cancel(job)
        with self._bench.gate.loading():  # a step under way may be writing to its run's folder
            self._bench.close_streams()
            runs, left = self._store.delete_owner(owner)
        return {"runs": runs} | ({"left": left_words(left, self._store.home)} if left else {})

    def _tidy(self) -> None:
        """Keep the store within its limits of age; those of size are held at every write."""
        now = time.monotonic()
        if now - self._tidied > _TIDY_SECONDS or not self._tidied:
            self._tidied = now
            try:
                self._store.quota.tidy()
            except StoreError:
                # What was asked may need no index, and the next minute brings another try.
                _LOG.exception("the run store could not be tidied")


def _images(fields: Fields) -> tuple[str, ...]:
    """The ids that a start names: several for a question about several images, else one."""
    if fields.text("kind") in GROUP_TASKS:
        return fields.texts("images", limit=MAX_IMAGES)
    return (fields.text("image"),)


def _run_id(fields: Fields) -> str:
    """Whatever an address bar may hold: an id of any length is looked up, and not found."""
    return fields.text("job", limit=_LONGEST_ADDRESS)


def _live(job: Job) -> Reply:
    progress = job.progress
    return {
        "job": job.id, "state": progress.state, "held": progress.held, "done": job.done,
        "total": job.total, "step": job.step, "result": job.result, "error": progress.error,
        "seconds": progress.seconds, "about": job.about,
    }  # fmt: skip


def arrangement_of(run: Run, result: Any, rule: str, order: Any) -> dict[str, Any]:
    """The arrangement of a finished run of kind "points", as JSON values.

    Raises:
        ParameterError: another kind of run, not finished, an unknown rule or order.
    """
    if run.kind != "points" or result is None:
        raise ParameterError(
            "only finished points can be arranged: certify them first, and wait for the end."
        )
    if not isinstance(order, str | list):
        raise ParameterError(f"order={shortened(order)} must be a word or a list of points.")
    pixels = np.stack([image.pixels for image in images_in(run.request)])
    found: dict[str, Any] = to_json(arrange(from_json(Points, result), pixels, rule, order))
    return found
