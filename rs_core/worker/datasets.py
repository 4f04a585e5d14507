"""Data sets that this machine can offer: the bundled ones, and those in the folder of RS_DATA."""

import logging
import os
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from functools import lru_cache
from threading import Thread
from typing import Any, NamedTuple, TypeVar

import numpy as np

from rs_core.datasets import DATASETS, Dataset, load_dataset
from rs_core.errors import DataError, ParameterError, UnknownNameError
from rs_core.events import PhaseStep
from rs_core.results import ModelSpec
from rs_core.training.checkpoints.fingerprint import pixel_statistics

DATA_VARIABLE = "RS_DATA"
_SEEN = "Training images: a network trained on them has seen them"
_LOG = logging.getLogger(__name__)
R = TypeVar("R")


def offered_sets() -> list[dict[str, Any]]:
    """What a page shows of each set: name, title, size, input_shape, note.

    A folder without readable sets is said to the log, in one line, and offers nothing. The
    bundled sets are not read: one of them would load scikit-learn at every start.
    """
    found = [
        _shown(name, facts.title, "" if facts.test else _SEEN)
        for name, facts in DATASETS.items()
        if facts.bundled
    ]
    folder, bundled = os.environ.get(DATA_VARIABLE), len(found)
    if not folder:
        return found
    for name in (name for name, facts in DATASETS.items() if not facts.bundled):
        try:
            data = _few(name, folder, 1)
        except DataError as error:
            refusal = str(error)
        except Exception:  # somebody's files may make their reader raise anything
            refusal = f"the files of {name} cannot be read."
            _LOG.exception("%s: %s", DATA_VARIABLE, refusal)
        else:
            found.append(_shown(name, data.name, "; ".join(data.notes)))
    if len(found) == bundled:
        _LOG.warning("%s offers no data set: %s", DATA_VARIABLE, refusal)
    return found


def spread_over_set(name: str, count: int, spec: ModelSpec) -> Dataset:
    """Up to `count` images for a network, evenly spread over the split that is offered.

    That is the test split, or the training split where there is no other.

    Raises:
        UnknownNameError: no set of that name.
        ParameterError: its images have another shape than the network's input.
        DataError: it does not come along, and RS_DATA does not hold it.
    """
    if name not in DATASETS:
        raise UnknownNameError("data set", name[:40], DATASETS)
    facts, folder = DATASETS[name], os.environ.get(DATA_VARIABLE)
    if not facts.bundled and not folder:
        raise DataError(
            f"{facts.title} does not come along: let {DATA_VARIABLE} name the folder of its files, "
            "then start the app again."
        )
    if facts.input_shape != spec.input_shape:
        have, need = ("x".join(map(str, shape)) for shape in (facts.input_shape, spec.input_shape))
        raise ParameterError(
            f"{facts.title} has {have} pixels and {spec.name} takes {need}: choose another set."
        )
    return _few(name, None if facts.bundled else folder, count)


def split_words(data: Dataset) -> str:
    """The set and its split, e.g. "MNIST test"."""
    return data.name if data.split in data.name else f"{data.name} {data.split}"


def index_words(data: Dataset) -> str:
    """The index set, e.g. "MNIST test, 20 images: 0, 500, 1000, ... 9500"."""
    first = ", ".join(str(index) for index in data.indices[:3])
    rest = f", ... {data.indices[-1]}" if len(data) > 3 else ""
    return f"{split_words(data)}, {len(data)} images: {first}{rest}"


@lru_cache(maxsize=8)
def _few(name: str, folder: str | None, count: int) -> Dataset:
    split = "test" if DATASETS[name].test else "train"
    return load_dataset(name, split=split, root=folder, count=count)


def _shown(name: str, title: str, note: str) -> dict[str, Any]:
    facts = DATASETS[name]
    return {
        "name": name,
        "title": title,
        "size": facts.test or facts.train,
        "input_shape": facts.input_shape,
        "note": note,
    }


HELD_OUT = 1000
_ASK_AGAIN = 0.02


class Splits(NamedTuple):
    """A data set to train on.

    Fields:
        train: the images that are learned from.
        held_out: at most 1,000 others, evenly spread; they measure.
        spec: what a network for them looks like, with mean and std of the training images.
        measured_on: which images measure, in words.
    """

    train: Dataset
    held_out: Dataset
    spec: ModelSpec
    measured_on: str


def trainable_sets() -> list[dict[str, Any]]:
    """What a page shows of each set of images: name, title, classes, images to train on, note."""
    return [
        {
            "name": one["name"],
            "title": one["title"],
            "input_shape": one["input_shape"],
            "class_names": DATASETS[one["name"]].class_names,
            "train": training_size(one["name"]),
            "held_out": min(HELD_OUT, DATASETS[one["name"]].test or HELD_OUT),
        }
        for one in offered_sets()
        if min(one["input_shape"][1:]) > 1
    ]


def bare_spec(name: str) -> ModelSpec:
    """The shape and the classes of a set, for reading images as it has them.

    Raises:
        UnknownNameError: no set of that name.
        DataError: it does not come along, and RS_DATA names no folder.
    """
    if name not in DATASETS:
        raise UnknownNameError("data set", name[:40], DATASETS)
    facts = DATASETS[name]
    if not facts.bundled and not os.environ.get(DATA_VARIABLE):
        raise DataError(
            f"{facts.title} does not come along: let {DATA_VARIABLE} name the folder of its files, "
            "then start the app again."
        )
    return ModelSpec(name, "", facts.input_shape, facts.class_names)


def training_size(name: str) -> int:
    """How many images of a set are learned from, by its official size."""
    facts = DATASETS[name]
    return facts.train if facts.test else facts.train - HELD_OUT


def held_out_images(name: str, count: int) -> Dataset:
    """Up to `count` images, evenly spread over those that no training here learns from.

    Raises:
        UnknownNameError, DataError: as `bare_spec` and the files of the set say.
    """
    bare_spec(name)
    held = _held_out(name, _folder(name))
    return held.subset(np.arange(min(count, len(held))) * len(held) // min(count, len(held)))


def training_images(name: str, indices: Sequence[int]) -> Dataset:
    """Some of the images that a training here learns from, by their places among them.

    Raises:
        ParameterError: there are not so many.
        UnknownNameError, DataError: as `bare_spec` and the files of the set say.
    """
    bare_spec(name)
    train = _splits(name, _folder(name)).train
    if max(indices) >= len(train):
        raise ParameterError(
            f"index {max(indices)} is out of range: {name} has {len(train):,} training images, "
            "numbered from 0."
        )
    return train.subset(np.array(indices))


def gathered(name: str) -> Generator[PhaseStep, None, Splits]:
    """The splits of a set, read in a thread: other runs have their turns meanwhile.

    Raises:
        UnknownNameError, DataError: as `bare_spec` and the files of the set say.
    """
    bare_spec(name)
    words = f"reading {DATASETS[name].title}"
    return (yield from read_aside(lambda: _splits(name, _folder(name)), words))


def read_aside(read: Callable[[], R], phase: str) -> Generator[PhaseStep, None, R]:
    """What `read` returns or raises, called in a thread; steps that say the phase until then."""
    found: Future[R] = Future()

    def work() -> None:
        try:
            found.set_result(read())
        except BaseException as error:  # whoever waits raises it again
            found.set_exception(error)

    Thread(target=work, name="data", daemon=True).start()
    while not found.done():
        time.sleep(_ASK_AGAIN)
        yield PhaseStep(0, 0, phase)
    return found.result()


def _folder(name: str) -> str | None:
    return None if DATASETS[name].bundled else os.environ.get(DATA_VARIABLE)


@lru_cache(maxsize=2)
def _splits(name: str, folder: str | None) -> Splits:
    train, held = load_dataset(name, split="train", root=folder), _held_out(name, folder)
    words = f"{len(held):,} images of {split_words(held)}"
    if not DATASETS[name].test:
        train = train.without(held.digests())
        words += " that are kept out of the training"
    mean, std = pixel_statistics(train.images)
    spec = ModelSpec(name, "", DATASETS[name].input_shape, train.class_names, mean=mean, std=std)
    return Splits(train, held, spec, words)


@lru_cache(maxsize=4)
def _held_out(name: str, folder: str | None) -> Dataset:
    """Of the test split; of a set without one, of its only split, and then not trained on."""
    split = "test" if DATASETS[name].test else "train"
    return load_dataset(name, split=split, root=folder, count=HELD_OUT)
