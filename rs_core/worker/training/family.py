"""Runs that train a network: nobody need follow them, and they go on from where they were."""

import json
import logging
from dataclasses import replace
from functools import lru_cache, reduce
from hashlib import sha256
from pathlib import Path
from typing import Any

from rs_core.classifiers import Classifier, load_classifier
from rs_core.classifiers.devices import resolve_device
from rs_core.datasets import DATASETS
from rs_core.errors import ParameterError, RsError
from rs_core.events import Stream
from rs_core.images import ImageInput
from rs_core.results import ModelSpec, from_json, to_json
from rs_core.store import CHECKPOINT_FOLDER, Run, RunStore
from rs_core.training import EpochDone, Probes
from rs_core.training.checkpoints.files import load_checkpoint
from rs_core.worker.datasets import bare_spec
from rs_core.worker.models import UPLOAD, ModelCache
from rs_core.worker.pictures import image_of
from rs_core.worker.recounting import probe_subjects, risk_of_probe
from rs_core.worker.request import Asked, Request, look_of
from rs_core.worker.tasks.base import content_key, look_at
from rs_core.worker.training.config import TrainTask, train_task
from rs_core.worker.training.progress import after, empty_course, history
from rs_core.worker.training.run import Training

TRAIN = "train"
_LOG = logging.getLogger(__name__)


class TrainingRuns:
    """The family of the kind "train"."""

    working_folder = CHECKPOINT_FOLDER

    def __init__(self, store: RunStore, shelf: ModelCache) -> None:
        self._store, self._shelf = store, shelf

    def asked(self, question: Request) -> Asked:
        """The question about a data set and a network; its probe images are kept with it.

        Raises:
            NotFoundError: a probe image was deleted.
            ParameterError, UnknownNameError, DataError, DeviceError: a setting is wrong.
        """
        task, device = train_task(question.config), str(resolve_device(question.device))
        if task.options.base:
            task = self._with_base(question.owner, task)
        facts = [self._store.belongings.image(question.owner, one) for one in task.probes]
        pairs = zip(facts, task.labels, strict=True)
        images = tuple(replace(image_of(one), label=label) for one, label in pairs)
        if images:
            spec = bare_spec(task.options.dataset)
            _probes(task, images).check_fit(spec, task.recipe)
        request = {
            "config": task.config(),
            "seed": question.seed,
            "device": device,
            "images": to_json(images),
        }
        parts = {name: request[name] for name in ("config", "seed")}
        key = content_key({**parts, "kind": TRAIN, "on": device.partition(":")[0]})
        return Asked(key, _title(task), request)

    def stream(self, run: Run) -> Stream[Any]:
        """The training's steps and its outcome, from its last checkpoint where there is one."""
        self._store.read(run.job)  # what was deleted makes no folder again
        asked, task = run.request, train_task(run.request["config"])
        images = tuple(from_json(ImageInput, image) for image in asked["images"])

        def keep(spec: ModelSpec, weights: bytes, sigmas: bytes) -> tuple[str, ModelSpec]:
            return self._keep(run, task, spec, weights, sigmas)

        def base() -> Classifier:
            # In a turn of the run's own, which already keeps other loading out.
            path = self._shelf.path(run.owner, task.options.base)
            return load_classifier(path, device=asked["device"])

        probes = _probes(task, images) if images else None
        training = Training(
            task, probes, seed=asked["seed"], device=asked["device"],
            folder=self._store.folder(run.job) / self.working_folder, keep=keep,
            base=base if task.options.base else None,
        )  # fmt: skip
        return training.run()

    def _with_base(self, owner: str, task: TrainTask) -> TrainTask:
        """The task, its base named so that it keeps meaning exactly these weights.

        Raises:
            NotFoundError, UnknownNameError: there is no such network.
            ParameterError: it reads other images, or knows other classes.
        """
        own, spec = bare_spec(task.options.dataset), self._shelf.spec(owner, task.options.base)
        if (spec.input_shape, spec.class_names) != (own.input_shape, own.class_names):
            raise ParameterError(
                f"{spec.name} was told other classes or another input size than those of "
                f"{task.options.dataset}: choose a network that was trained on such images."
            )
        reference = self._shelf.reference(owner, task.options.base)
        return replace(task, options=replace(task.options, base=reference))

    def about(self, run: Run) -> dict[str, Any]:
        """What was asked, without the pixels."""
        if not isinstance(run.request["config"], dict):
            raise TypeError("the settings are no object")
        asked = {name: run.request[name] for name in ("config", "seed", "device")}
        names = [image["name"] for image in run.request["images"]]
        return {
            "kind": run.kind, "title": run.title, "created": run.created, **asked,
            "probe_names": names,
        }  # fmt: skip

    def left(self, run: Run) -> dict[str, Any] | None:
        """The epochs until the last checkpoint, as `TrainStep.course` has them."""
        folder = self._store.folder(run.job) / self.working_folder
        try:
            epochs = _epochs(folder, tuple(path.stat().st_mtime_ns for path in folder.glob("*")))
            if epochs is None:
                return None
            images = tuple(from_json(ImageInput, image) for image in run.request["images"])
            course = empty_course(train_task(run.request["config"]), images)
        except (RsError, OSError):  # what is gone meanwhile hides no reason and no button
            _LOG.exception("the course of an ended training cannot be shown")
            return None
        return {"course": to_json(reduce(after, epochs, course))}

    def questions(self, owner: str, asked: dict[str, Any]) -> tuple[int, float, int]:
        """None: a training's points share one risk, which it names."""
        return 0, 0.0, 0

    def _keep(
        self, run: Run, task: TrainTask, spec: ModelSpec, weights: bytes, sigmas: bytes
    ) -> tuple[str, ModelSpec]:
        """The network among its owner's models; what was said of the probes on it is counted.

        Raises:
            NotFoundError: the run was deleted meanwhile, by another process too.
        """
        self._store.read(run.job)
        digest = sha256(weights).hexdigest()
        spec = replace(spec, weights=f"{spec.name}-{digest[:8]}.safetensors", sha256=digest)
        raw = json.dumps(to_json(spec), indent=2).encode()
        model, _ = self._store.belongings.keep_model(run.owner, weights, raw, sigmas)
        subjects = probe_subjects(run.request, spec)
        looks = (look_of(look_at(task.sigma), run.request["seed"]),)
        risk = risk_of_probe(task.options.alpha, len(task.probes), task.recipe.epochs)
        self._store.belongings.note_question(run.owner, subjects, run.key, 1, risk, looks)
        return UPLOAD + model, spec


@lru_cache(maxsize=16)
def _epochs(folder: Path, changed: tuple[int, ...]) -> list[EpochDone] | None:
    """The epochs of a folder's checkpoint, None without one; read once after every change.

    A page asks again at every click, and the file of a large network takes half a second.
    """
    saved = load_checkpoint(folder)
    return None if saved is None else history(saved)


def _title(task: TrainTask) -> str:
    options = task.options
    title = DATASETS[options.dataset].title
    recipe = " with ".join(name for name in (options.recipe, task.per_image) if name)
    recipe = recipe.replace("_", " ")
    epochs = task.recipe.epochs
    course = f"sigma {task.recipe.sigma:g}, {epochs} epoch{'s' * (epochs != 1)}"
    return f"{title}, {options.architecture}, {recipe}, {course}"


def _probes(task: TrainTask, images: tuple[ImageInput, ...]) -> Probes:
    return Probes(images=images, n=task.options.probe_n, alpha=task.options.alpha)
