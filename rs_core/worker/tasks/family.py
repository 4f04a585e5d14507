"""Runs that ask a network about one image, or about several together."""

from typing import Any

from rs_core.errors import ModelFileError
from rs_core.events import Finished, Stream
from rs_core.seed_origin import with_seed_origin
from rs_core.store import Run, RunStore
from rs_core.worker.models import ModelCache
from rs_core.worker.pictures import image_of
from rs_core.worker.recounting import known_questions
from rs_core.worker.request import (
    Asked,
    Request,
    about,
    as_named_now,
    check_fit,
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
from rs_core.worker.tasks.base import Task

BATCH_SIZE = 256  # forward passes between two steps: few, so that turns stay short


class ImageRuns:
    """The family of `TASKS` and `GROUP_TASKS`."""

    working_folder = ""

    def __init__(self, store: RunStore, shelf: ModelCache) -> None:
        self._store, self._belongings, self._shelf = store, store.belongings, shelf

    def asked(self, question: Request) -> Asked:
        """The question about this owner's images; each is counted for the image and the network.

        Raises:
            NotFoundError: this owner has no such image or model.
            ParameterError: a setting is wrong, or the images do not fit.
        """
        facts = [self._belongings.image(question.owner, one) for one in question.images]
        images, origin = [image_of(one) for one in facts], origin_of(facts)
        classifier = self._shelf.classifier(
            question.owner, question.model, question.device, question.precision
        )
        check_fit(images, classifier)
        task = task_of(question.kind, question.config, origin)
        if not isinstance(task, Task):
            task.check(classifier, images)
        model = self._shelf.reference(question.owner, question.model)
        request = request_of(question, images, origin, task, model=model, classifier=classifier)
        key = key_of(question.kind, request, classifier)
        share = share_in(task, question.seed)
        request |= {"share": list(share)}
        self._belongings.note_question(question.owner, subjects(request), key, *share)
        return Asked(key, title_of(images, origin), request)

    def stream(self, run: Run) -> Stream[Any]:
        """The task's steps and its result, from the beginning.

        Raises:
            ModelFileError: the network is another one than when the run was started.
        """
        asked = run.request
        classifier = self._shelf.classifier(
            run.owner, asked["model"], asked["device"], asked["precision"]
        )
        if classifier.weights_id != asked["weights"]:
            raise ModelFileError(
                f"{asked['model']} was replaced since this run was started: start it again."
            )
        task = task_of(run.kind, as_named_now(asked["config"]), origin_in(asked))
        stream: Stream[Any] = task.run(
            classifier, images_in(asked), seed=asked["seed"], batch_size=BATCH_SIZE
        )
        return _ended(stream, asked, alone=isinstance(task, Task))

    def about(self, run: Run) -> dict[str, Any]:
        """What was asked, without the pixels."""
        return about(run)

    def left(self, run: Run) -> dict[str, Any] | None:
        """Nothing: such a run begins anew."""
        return None

    def questions(self, owner: str, asked: dict[str, Any]) -> tuple[int, float, int]:
        """Of several images the one that was asked most, the largest risk, the most looks.

        A count that was lost is made again of the runs that are still there.
        """
        about = asked["subjects"]
        # Whoever follows this run asked it: a count without it is not all there is.
        gone = not self._belongings.is_counted(owner, about)
        self._belongings.recount(owner, lambda: known_questions(self._store, owner), gone=gone)
        count, risk = self._belongings.questions(owner, about)
        return count, risk, self._belongings.looks(owner, about)


def _ended(stream: Stream[Any], asked: dict[str, Any], *, alone: bool) -> Stream[Any]:
    """The stream, whose result says where its seed is from; of one image it is that image's."""
    given: bool | None = asked.get("seed_given")  # a run of an older version does not say
    for event in stream:
        if not isinstance(event, Finished):
            yield event
            continue
        result = event.result[0] if alone else event.result
        if given is not None:
            result = with_seed_origin(result, given=given, seed=asked["seed"])
        yield Finished(result)
