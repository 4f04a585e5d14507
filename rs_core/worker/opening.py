"""How a run begins: asked for the first time, or taken over from a process that died."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rs_core.errors import ModelFileError, ParameterError, StoreError
from rs_core.events import Finished, Stream
from rs_core.store import OPEN, Claim, Progress, Run, RunStore, State
from rs_core.worker.asking import (
    Question,
    about,
    hold_fit,
    images_in,
    key_of,
    origin_in,
    origin_of,
    request_of,
    share_in,
    subjects,
    task_of,
    title_of,
)
from rs_core.worker.bench import Bench
from rs_core.worker.job import Job
from rs_core.worker.pictures import image_of
from rs_core.worker.shelf import Shelf
from rs_core.worker.tasks import Task

BATCH_SIZE = 256  # forward passes between two steps: few, so that turns stay short
MAX_OPEN = 20
MAX_STRIKES = 3


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
        facts = [self._store.belongings.image(question.owner, one) for one in question.images]
        images, origin = [image_of(one) for one in facts], origin_of(facts)
        classifier = self._shelf.classifier(
            question.owner, question.model, question.device, question.precision
        )
        hold_fit(images, classifier)
        task = task_of(question.kind, question.config, classifier, origin)
        if not isinstance(task, Task):
            task.check(classifier, images)
        model = self._shelf.reference(question.owner, question.model)
        request = request_of(question, images, origin, task, model=model, classifier=classifier)
        key = key_of(question.kind, request, classifier)
        self._store.belongings.note_question(
            question.owner, subjects(request), key, *share_in(task)
        )
        found = self._store.find(question.owner, key)
        if found is not None:
            return found
        if len(self._bench.of_owner(question.owner)) >= MAX_OPEN:
            raise ParameterError(
                f"{MAX_OPEN} runs are open already: wait for one of them, or cancel it."
            )
        run, claim = self._store.create(
            question.owner,
            key=key,
            kind=question.kind,
            title=title_of(images, origin),
            request=request,
        )
        self._bench.add(self._job(run, claim))
        return run.job, "queued"

    def questions(self, owner: str, asked: Mapping[str, Any]) -> dict[str, float]:
        """How many questions the owner has asked of a run's image and network, and their risk.

        Of several images the one that was asked most, and the largest risk.
        """
        count, risk = self._store.belongings.questions(owner, subjects(asked))
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

    def _job(self, run: Run, claim: Claim) -> Job:
        return Job(
            run.job, run.owner, lambda: self._stream(run), claim,
            about=about(run), progress=run.progress,
        )  # fmt: skip

    def _stream(self, run: Run) -> Stream[Any]:
        asked = run.request
        classifier = self._shelf.classifier(
            run.owner, asked["model"], asked["device"], asked["precision"]
        )
        if classifier.weights_id != asked["weights"]:
            raise ModelFileError(
                f"{asked['model']} was replaced since this run was started: start it again."
            )
        task = task_of(run.kind, asked["config"], classifier, origin_in(asked))
        stream: Stream[Any] = task.run(
            classifier, images_in(asked), seed=asked["seed"], batch_size=BATCH_SIZE
        )
        return _alone(stream) if isinstance(task, Task) else stream


def _alone(stream: Stream[tuple[Any, ...]]) -> Stream[Any]:
    """The stream of a task of one image, with that image's result for its whole result."""
    for event in stream:
        yield Finished(event.result[0]) if isinstance(event, Finished) else event


def _given_up() -> str:
    return (
        "failed: the compute process died three times in the midst of this run, most likely for "
        "want of memory; choose fewer noise levels or a smaller network."
    )
