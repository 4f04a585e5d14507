"""What a run was asked: the request that repeats it, and who may compare it with what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple, Protocol

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Stream
from rs_core.images import ImageInput
from rs_core.results import ModelSpec, from_json, to_json
from rs_core.store import Run
from rs_core.worker.tasks.base import (
    GroupTask,
    Origin,
    Share,
    Task,
    build_task,
    config_of,
    content_key,
    share_of,
)
from rs_core.worker.tasks.kinds import GROUP_TASKS

MAX_IMAGES = 200
_MAX_VALUES = 4_000_000  # of all images of a run: a request is kept and read as one piece of JSON
_ABOUT = (
    "model", "image_id", "image_ids", "label", "labels", "dataset", "indices", "config", "seed",
    "seed_given", "device", "precision", "origin",
)  # fmt: skip
_KINDS = {"model": str, "config": dict, "seed": int, "device": str, "precision": str}


@dataclass(frozen=True)
class Request:
    """What a start asks for: the owner as `owner_id` gives it, the rest as the request says.

    `images` are ids; kinds of `TASKS` take exactly one, a training none and no model. `seed_given`
    is False for the seed that was drawn for the owner.
    """

    owner: str
    kind: str
    config: Mapping[str, Any]
    seed: int
    device: str
    images: tuple[str, ...] = ()
    model: str = ""
    precision: str = "auto"
    seed_given: bool = True


def task_of(kind: str, config: Mapping[str, Any], origin: Origin) -> Task | GroupTask:
    """The checked task of any kind.

    Raises:
        ParameterError: a setting is unknown, of another kind, or out of its range.
    """
    if kind in GROUP_TASKS:
        return GROUP_TASKS[kind](config, origin)
    return build_task(kind, config)


def request_of(
    question: Request,
    images: Sequence[ImageInput],
    origin: Origin,
    task: Task | GroupTask,
    *,
    model: str,
    classifier: Classifier,
) -> dict[str, Any]:
    """Everything that repeats the run, whatever becomes of the owner's images.

    Args:
        model: the name that keeps meaning exactly these weights.
    """
    if question.kind in GROUP_TASKS:
        shown = {
            "images": to_json(tuple(images)),
            "image_ids": list(question.images),
            "labels": [image.label for image in images],
            "dataset": origin.dataset,
            "indices": list(origin.indices),
        }
    else:
        (image,) = images
        place = {"dataset": origin.dataset, "index": origin.indices[0]}
        shown = {"image": to_json(image), "image_id": question.images[0], "label": image.label}
        shown["origin"] = place  # for files of the result; the same image is the same question
    return {
        **shown,
        "model": model,
        "weights": classifier.weights_id,
        "config": config_of(task) if isinstance(task, Task) else task.config(),
        "seed": question.seed,
        "seed_given": question.seed_given,
        "device": str(classifier.device),
        "precision": classifier.precision,
    }


def as_named_now(config: Mapping[str, Any]) -> dict[str, Any]:
    """A stored run's settings; an older version's "rigorous" says which noise was drawn."""
    named = {
        name: as_named_now(value) if isinstance(value, dict) else value
        for name, value in config.items()
    }
    if "rigorous" in named:
        named["noise"] = "exact" if named.pop("rigorous") is True else "idealised"
    return named


def images_in(request: Mapping[str, Any]) -> tuple[ImageInput, ...]:
    """The images of a request."""
    asked = request["images"] if "images" in request else [request["image"]]
    return tuple(from_json(ImageInput, image) for image in asked)


def origin_in(request: Mapping[str, Any]) -> Origin:
    """Where the images of a request come from."""
    return Origin(request.get("dataset", ""), tuple(request.get("indices", (0,))))


def origin_of(facts: Sequence[Mapping[str, Any]]) -> Origin:
    """Where images come from, of what the store keeps of them."""
    places = [one.get("origin") or {"dataset": ""} for one in facts]
    names = {place["dataset"] for place in places}
    if len(names) == 1 and "" not in names:
        return Origin(names.pop(), tuple(int(place["index"]) for place in places))
    return Origin("", tuple(range(len(facts))))


def about(run: Run) -> dict[str, Any]:
    """What was asked, without the pixels: enough to fill a form again.

    Raises:
        KeyError, TypeError: the request of a run without checksum is not what was written.
    """
    for name, kind in _KINDS.items():
        if not isinstance(run.request[name], kind):
            raise TypeError(f"{name} is {type(run.request[name])}")
    if not all(isinstance(subject, str) for subject in _image_ids(run.request)):
        raise TypeError("the ids of images are no texts")
    asked = {name: run.request[name] for name in _ABOUT if name in run.request}
    asked["config"] = as_named_now(asked["config"])
    return {
        "kind": run.kind, "title": run.title, "created": run.created, **asked,
        "subjects": subjects(run.request),
    }  # fmt: skip


def subjects(request: Mapping[str, Any]) -> list[str]:
    """What is counted: each different image of a request, by its pixels, with the network's name.

    The same pixels under another file name, and the same weights under another title, are the
    same subject.
    """
    shown = request["images"] if "images" in request else [request["image"]]
    digests = dict.fromkeys(image["digest"] for image in shown)
    return [subject_of(digest, request["weights"]) for digest in digests]


def subject_of(digest: str, weights: str) -> str:
    """The subject of an image's digest and a network's weights id."""
    return f"{digest} {weights}"


def _image_ids(asked: Mapping[str, Any]) -> Sequence[str]:
    ids: Sequence[str] = asked["image_ids"] if "image_ids" in asked else [asked["image_id"]]
    return ids


def share_in(task: Task | GroupTask, seed: int) -> Share:
    """What a task asks of each of its images; another seed is another look."""
    share = share_of(task) if isinstance(task, Task) else task.share
    return share._replace(looks=tuple(look_of(look, seed) for look in share.looks))


def look_of(look: str, seed: int) -> str:
    """The name of a look under a seed."""
    return f"{look}, seed {seed}"


def key_of(kind: str, request: Mapping[str, Any], classifier: Classifier) -> str:
    """The content of a request."""
    names = ("image_id", "image_ids", "labels", "dataset", "indices", "model", "weights", "config")
    parts = {name: request[name] for name in (*names, "seed") if name in request}
    # Counts on a GPU repeat on the same kind of GPU only.
    device = classifier.device.type
    return content_key({**parts, "kind": kind, "precision": request["precision"], "on": device})


def title_of(images: Sequence[ImageInput], origin: Origin) -> str:
    """A run's name for people."""
    if len(images) == 1:
        return images[0].name
    return f"{len(images)} images" + (f" of {origin.dataset}" if origin.dataset else "")


def check_fit(images: Sequence[ImageInput], classifier: Classifier) -> None:
    """Refuse images of another shape than the network's input, and too many values together.

    Raises:
        ParameterError: names the image, or the limit.
    """
    shape = classifier.spec.input_shape
    for image in images:
        if image.pixels.shape != shape:
            have, need = ("x".join(map(str, size)) for size in (image.pixels.shape, shape))
            raise ParameterError(
                f"{image.name} has {have} pixels and {classifier.spec.name} takes {need}: choose "
                "the image again for this model."
            )
    check_count(len(images), classifier.spec)


def check_count(count: int, spec: ModelSpec) -> None:
    """Refuse more images of a network's input size than one run may have.

    Raises:
        ParameterError: names the limit.
    """
    most = max(_MAX_VALUES // prod(spec.input_shape), 1)
    if count > most:
        raise ParameterError(
            f"{count} images of this size are too many for one run: the limit is {most}."
        )


class Asked(NamedTuple):
    """A question that was understood: its content's key, a title, and all that repeats it."""

    key: str
    title: str
    request: dict[str, Any]


class RunKind(Protocol):
    """Kinds of run that are asked and begun alike.

    Attributes:
        working_folder: below a run's folder, where a run of this family keeps what it goes on
            from, whatever happens; "" for runs that begin anew and that nobody waits for.
    """

    working_folder: str

    def asked(self, question: Request) -> Asked:
        """The question, checked and counted.

        Raises:
            RsError: it cannot be answered; one sentence says why.
        """
        ...

    def stream(self, run: Run) -> Stream[Any]:
        """The run's steps and its result, as JSON or as a result of the engine."""
        ...

    def about(self, run: Run) -> dict[str, Any]:
        """What was asked, without what is large: enough to fill a form again."""
        ...

    def questions(self, owner: str, asked: dict[str, Any]) -> tuple[int, float, int]:
        """(how many questions of its subject were asked, the sum of their risks, looks at it)."""
        ...

    def left(self, run: Run) -> dict[str, Any] | None:
        """What a run that ended without a result left to be seen; None for nothing."""
        ...
