"""The verbs of the protocol: what each request may ask, and what it is answered."""

import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from rs_core import __version__
from rs_core.errors import NotFoundError, ParameterError, StoreError, UnknownNameError
from rs_core.images import ImageInput
from rs_core.results import to_json
from rs_core.smoothing import noisy_copies
from rs_core.store import RunStore, evict, owner_id
from rs_core.worker.asking import MAX_IMAGES, Question, about
from rs_core.worker.bench import Bench
from rs_core.worker.comparing import compare_task
from rs_core.worker.describe import describe
from rs_core.worker.job import Job
from rs_core.worker.mapping import MAP_TASKS, arrangement_of
from rs_core.worker.opening import Opener
from rs_core.worker.pictures import (
    decode,
    image_of,
    picture_id,
    picture_json,
    picture_of_row,
    sample_data,
)
from rs_core.worker.requests import Fields
from rs_core.worker.sets import index_words, split_words, spread_over_set
from rs_core.worker.shelf import Shelf
from rs_core.worker.studying import STUDY_TASKS
from rs_core.worker.tasks import GROUP_TASKS, MAX_SIGMAS, TASKS

PRECISIONS = ("auto", "fp32", "bf16")
GROUP_TASKS.update({"compare": compare_task, **MAP_TASKS, **STUDY_TASKS})
_TIDY_SECONDS = 60.0
_LONGEST_ADDRESS = 1_000_000
_LOG = logging.getLogger(__name__)
Reply = dict[str, Any]


class Desk:
    """Answers requests: `desk(verb, fields)` is the reply, or raises what went wrong."""

    def __init__(self, store: RunStore, bench: Bench) -> None:
        self._store, self._bench = store, bench
        self._shelf = Shelf(store.belongings, bench.gate)
        self.opener = Opener(store, self._shelf, bench)
        self._tidied = 0.0
        self._verbs: dict[str, Callable[[Fields], Reply]] = {
            "ping": lambda _: {"version": __version__},
            "describe": lambda _: describe(),
            "decode": self._decode,
            "image": self._image,
            "images_of_set": self._images_of_set,
            "upload_model": self._upload_model,
            "models": self._models,
            "start": self._start,
            "follow": self._follow,
            "cancel": lambda fields: self._change(fields, bench.cancel),
            "pause": lambda fields: self._change(fields, bench.pause),
            "resume": lambda fields: self._change(fields, bench.resume),
            "noise": self._noise,
            "arrange": self._arrange,
            "runs": lambda fields: {"runs": store.runs(_owner(fields))},
            "forget": self._forget,
        }

    def __call__(self, verb: str, request: Mapping[str, Any]) -> Reply:
        """The reply to one request.

        Raises:
            RsError: it cannot be done; one sentence says why.
        """
        if verb not in self._verbs:
            raise UnknownNameError("verb", verb[:40], self._verbs)
        return self._verbs[verb](Fields(request))

    def _decode(self, fields: Fields) -> Reply:
        owner, model = _owner(fields), fields.text("model")
        label, invert = fields.maybe_whole("label"), fields.switch("invert")
        spec = self._shelf.spec(owner, model)
        if "sample" in fields:
            name = fields.text("sample")
            data, known = sample_data(name, spec)
            label = known if label is None else label
        else:
            name, data = fields.text("name", "image", limit=1000), fields.data("data")
        picture = decode(data, spec, name=name, label=label, invert=invert)
        facts, image = picture_json(picture), picture_id(picture.image)
        self._tidy()
        self._store.belongings.keep_image(owner, image, facts | self._origin(owner, image))
        return _shown(image, facts)

    def _origin(self, owner: str, image: str) -> dict[str, Any]:
        """Where an image that is known already comes from: the same pixels are the same image."""
        try:
            known = self._store.belongings.image(owner, image)
        except NotFoundError:
            return {}
        return {"origin": known["origin"]} if "origin" in known else {}

    def _images_of_set(self, fields: Fields) -> Reply:
        owner, spec = _owner(fields), self._shelf.spec(_owner(fields), fields.text("model"))
        count = fields.whole("count")
        if not 1 <= count <= MAX_IMAGES:
            raise ParameterError(f"count={count} is out of range: give 1 to {MAX_IMAGES} images.")
        data = spread_over_set(fields.text("set"), count, spec)
        self._tidy()
        shown = []
        for row, index in enumerate(data.indices.tolist()):
            picture = picture_of_row(data, row, spec)
            image, facts = picture_id(picture.image), picture_json(picture)
            origin = {"dataset": split_words(data), "index": index}
            self._store.belongings.keep_image(owner, image, facts | {"origin": origin})
            shown.append({
                "image": image, "name": picture.image.name, "label": picture.image.label,
                "index": index, "thumbnail": f"data:image/png;base64,{facts['original']}",
            })  # fmt: skip
        return {"images": shown, "set": index_words(data)}

    def _image(self, fields: Fields) -> Reply:
        image = fields.text("image")
        return _shown(image, self._store.belongings.image(_owner(fields), image))

    def _upload_model(self, fields: Fields) -> Reply:
        owner, weights = _owner(fields), fields.data("weights")
        if isinstance(fields.raw("spec"), dict):
            spec = json.dumps(fields.table("spec"))
        else:
            spec = fields.text("spec", limit=2_000_000)
        self._tidy()
        model, found = self._shelf.upload(owner, weights, spec.encode("utf-8", "replace"))
        return {"model": model, "spec": to_json(found)}

    def _models(self, fields: Fields) -> Reply:
        return {"models": to_json(self._shelf.uploads(_owner(fields)))}

    def _start(self, fields: Fields) -> Reply:
        question = Question(
            owner=_owner(fields),
            kind=fields.choice("kind", (*TASKS, *GROUP_TASKS)),
            images=_images(fields),
            model=fields.text("model"),
            config=fields.table("config"),
            seed=fields.whole("seed", 0),
            device=fields.text("device", "auto"),
            precision=fields.choice("precision", PRECISIONS, "auto"),
        )
        self._tidy()
        job, state = self.opener.start(question)
        return {"job": job, "state": state}

    def _follow(self, fields: Fields) -> Reply:
        owner, name = _owner(fields), _run_id(fields)
        job = self.opener.job(owner, name)
        if job is not None:
            self._bench.follow(job)
            return _live(job) | self.opener.questions(owner, job.about)
        run = self._store.read(name, owner)
        progress = run.progress
        result = self._store.result(name) if progress.state == "finished" else None
        return {
            "job": name, "state": progress.state, "held": progress.held, "done": progress.done,
            "total": progress.total, "step": None, "result": result, "error": progress.error,
            "seconds": progress.seconds, "about": about(run),
        } | self.opener.questions(owner, run.request)  # fmt: skip

    def _change(self, fields: Fields, action: Callable[[Job], None]) -> Reply:
        owner, name = _owner(fields), _run_id(fields)
        job = self.opener.job(owner, name)
        if job is not None:
            action(job)
            return {"job": name, "state": job.progress.state}
        return {"job": name, "state": self._store.read(name, owner).progress.state}

    def _noise(self, fields: Fields) -> Reply:
        owner = _owner(fields)
        sigmas = fields.numbers("sigmas", limit=MAX_SIGMAS)
        image: ImageInput = image_of(self._store.belongings.image(owner, fields.text("image")))
        classifier = self._shelf.classifier(
            owner, fields.text("model"), fields.text("device", "auto"),
            fields.choice("precision", PRECISIONS, "auto"),
        )  # fmt: skip
        if image.pixels.shape != classifier.spec.input_shape:
            raise ParameterError("the image was read for another model: choose it again.")
        copies = noisy_copies(classifier, image, sigmas, seed=fields.whole("seed", 0))
        return {"sigmas": list(sigmas), "copies": to_json(copies)}

    def _arrange(self, fields: Fields) -> Reply:
        owner, name = _owner(fields), _run_id(fields)
        job, run = self.opener.job(owner, name), self._store.read(name, owner)
        finished = run.progress.state == "finished"
        result = self._store.result(name) if job is None and finished else job and job.result
        rule, order = fields.text("rule"), fields.raw("order")
        return {"arrangement": arrangement_of(run, result, rule, order)}

    def _forget(self, fields: Fields) -> Reply:
        owner = _owner(fields)
        for job in self._bench.of_owner(owner):
            self._bench.cancel(job)
        return {"runs": self._store.delete_owner(owner)}

    def _tidy(self) -> None:
        """Keep the store within its limits; once a minute is enough."""
        now = time.monotonic()
        if now - self._tidied > _TIDY_SECONDS or not self._tidied:
            self._tidied = now
            try:
                evict(self._store)
            except StoreError:
                # What was asked may need no index, and the next minute brings another try.
                _LOG.exception("the run store could not be tidied")


def _owner(fields: Fields) -> str:
    return owner_id(fields.text("owner"))


def _images(fields: Fields) -> tuple[str, ...]:
    """The ids that a start names: several for a question about several images, else one."""
    if fields.text("kind") in GROUP_TASKS:
        return fields.texts("images", limit=MAX_IMAGES)
    return (fields.text("image"),)


def _run_id(fields: Fields) -> str:
    """Whatever an address bar may hold: an id of any length is looked up, and not found."""
    return fields.text("job", limit=_LONGEST_ADDRESS)


def _shown(image: str, facts: dict[str, Any]) -> Reply:
    kept = facts["image"]
    return {
        "image": image, "pixels": kept["pixels"], "original": facts["original"],
        "name": kept["name"], "notes": kept["preprocessing"], "label": kept["label"],
        "inverted": facts["inverted"], "original_size": kept["original_size"],
    }  # fmt: skip


def _live(job: Job) -> Reply:
    progress = job.progress
    return {
        "job": job.id, "state": progress.state, "held": progress.held, "done": job.done,
        "total": job.total, "step": job.step, "result": job.result, "error": progress.error,
        "seconds": progress.seconds, "about": job.about,
    }  # fmt: skip
