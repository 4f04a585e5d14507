"""How a run begins: asked for the first time, or taken over from a process that died."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from rs_core.classifiers import Classifier
from rs_core.errors import ModelFileError, ParameterError, StoreError
from rs_core.events import Stream
from rs_core.images import ImageInput
from rs_core.results import from_json, to_json
from rs_core.store import OPEN, Claim, Progress, Run, RunStore, State
from rs_core.worker.bench import Bench
from rs_core.worker.job import Job
from rs_core.worker.pictures import image_of
from rs_core.worker.shelf import Shelf
from rs_core.worker.tasks import build_task, config_of, content_key, risk_of

BATCH_SIZE = 256  # forward passes between two steps: few, so that turns stay short
MAX_OPEN = 20
MAX_STRIKES = 3
_ABOUT = ("model", "image_id", "label", "config", "seed", "device", "precision")


@dataclass(frozen=True)
class Question:
    """What a start asks for: the owner as `owner_id` gives it, the rest as the request says."""

    owner: str
    kind: str
    image: str
    model: str
    config: Mapping[str, Any]
    seed: int
    device: str
    precision: str


class Opener:
    """Puts runs on the bench."""

    def __init__(self, store: RunStore, shelf: Shelf, bench: Bench) -> None:
        self._store, self._shelf, self._bench = store, shelf, bench

    def start(self, question: Question) -> tuple[str, State]:
        """(job, state) of the run that answers a question: the same one for the same content.

        Raises:
            NotFoundError: this owner has no such image or model.
            ParameterError: a setting is wrong, or too many runs are open.
        """
        image = image_of(self._store.belongings.image(question.owner, question.image))
        classifier = self._shelf.classifier(
            question.owner, question.model, question.device, question.precision
        )
        _hold_fit(image, classifier)
        request = self._request(question, image, classifier)
        key = _key(question.kind, request, classifier)
        task = build_task(question.kind, question.config, classifier.num_classes)
        self._store.belongings.note_question(question.owner, _subject(request), key, risk_of(task))
        found = self._store.find(question.owner, key)
        if found is not None:
            return found
        if len(self._bench.of_owner(question.owner)) >= MAX_OPEN:
            raise ParameterError(
                f"{MAX_OPEN} runs are open already: wait for one of them, or cancel it."
            )
        run, claim = self._store.create(
            question.owner, key=key, kind=question.kind, title=image.name, request=request
        )
        self._bench.add(self._job(run, claim))
        return run.job, "queued"

    def questions(self, owner: str, asked: Mapping[str, Any]) -> dict[str, float]:
        """How many questions the owner has asked of a run's image and network, and their risk."""
        count, risk = self._store.belongings.questions(owner, _subject(asked))
        return {"questions": count, "risk": risk}

    def job(self, owner: str, job: str) -> Job | None:
        """The owner's run if it is open, taken over where no other process computes it.

        Raises:
            NotFoundError: no such run, or it is somebody else's.
        """
        found = self._bench.get(job)
        if found is not None and found.owner == owner:
            return found
        run = self._store.read(job, owner)
        return self.adopt(run) if run.progress.state in OPEN else None

    def adopt_all(self) -> None:
        """Take over every run that was under way when its process died."""
        for run in self._store.unfinished():
            if run.progress.state != "paused":
                self.adopt(run)

    def adopt(self, run: Run) -> Job | None:
        """The run on the bench, from its beginning; None if it is not to be had.

        A run in the midst of which three processes died is given up: a fourth would die too.
        """
        claim = self._store.claim(run.job)
        if claim is None:
            return None
        try:
            return self._taken_over(run, claim)
        except StoreError:  # free for the next try
            claim.release()
            raise

    def _taken_over(self, run: Run, claim: Claim) -> Job | None:
        progress = self._store.read(run.job).progress
        if progress.state not in OPEN:
            claim.release()
            return None
        strikes = progress.strikes + claim.died_in_turn
        if strikes >= MAX_STRIKES:
            self._store.update(run.job, Progress("failed", error=_given_up(), strikes=strikes))
            claim.release()
            return None
        state: State = "paused" if progress.held else "queued"
        progress = Progress(state, held=progress.held, strikes=strikes)
        self._store.update(run.job, progress)
        job = self._job(replace(run, progress=progress), claim)
        self._bench.add(job)
        return job

    def _request(
        self, question: Question, image: ImageInput, classifier: Classifier
    ) -> dict[str, Any]:
        """Everything that repeats the run, whatever becomes of the owner's images."""
        task = build_task(question.kind, question.config, classifier.num_classes)
        return {
            "model": self._shelf.reference(question.owner, question.model),
            "weights": classifier.weights_id,
            "image": to_json(image),
            "image_id": question.image,
            "label": image.label,
            "config": config_of(task),
            "seed": question.seed,
            "device": str(classifier.device),
            "precision": classifier.precision,
        }

    def _job(self, run: Run, claim: Claim) -> Job:
        return Job(
            run.job, run.owner, lambda: self._stream(run), claim,
            about=about(run), progress=run.progress,
        )  # fmt: skip

    def _stream(self, run: Run) -> Stream[tuple[Any, ...]]:
        asked = run.request
        classifier = self._shelf.classifier(
            run.owner, asked["model"], asked["device"], asked["precision"]
        )
        if classifier.weights_id != asked["weights"]:
            raise ModelFileError(
                f"{asked['model']} was replaced since this run was started: start it again."
            )
        task = build_task(run.kind, asked["config"], classifier.num_classes)
        image = from_json(ImageInput, asked["image"])
        return task.run(classifier, [image], seed=asked["seed"], batch_size=BATCH_SIZE)


def about(run: Run) -> dict[str, Any]:
    """What was asked, without the pixels: enough to fill a form again."""
    asked = {name: run.request[name] for name in _ABOUT}
    return {"kind": run.kind, "title": run.title, "created": run.created, **asked}


def _subject(asked: Mapping[str, Any]) -> str:
    return f"{asked['image_id']} {asked['model']}"


def _key(kind: str, request: Mapping[str, Any], classifier: Classifier) -> str:
    parts = {name: request[name] for name in ("image_id", "model", "weights", "config", "seed")}
    # Counts on a GPU repeat on the same kind of GPU only.
    device = classifier.device.type
    return content_key({**parts, "kind": kind, "precision": request["precision"], "on": device})


def _hold_fit(image: ImageInput, classifier: Classifier) -> None:
    shape = classifier.spec.input_shape
    if image.pixels.shape != shape:
        have, need = ("x".join(map(str, size)) for size in (image.pixels.shape, shape))
        raise ParameterError(
            f"{image.name} has {have} pixels and {classifier.spec.name} takes {need}: choose the "
            "image again for this model."
        )


def _given_up() -> str:
    return (
        "failed: the compute process died three times in the midst of this run, most likely for "
        "want of memory; choose fewer noise levels or a smaller network."
    )
