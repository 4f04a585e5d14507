"""Data sets to train on: what is learned from, and what is kept aside to measure with."""

import os
import time
from collections.abc import Generator
from concurrent.futures import Future
from functools import lru_cache
from threading import Thread
from typing import Any, NamedTuple

import numpy as np

from rs_core.datasets import DATASETS, Dataset, load_dataset
from rs_core.errors import DataError, UnknownNameError
from rs_core.events import PhaseStep
from rs_core.results import ModelSpec
from rs_core.training.identity import pixel_statistics
from rs_core.worker.sets import DATA_VARIABLE, offered_sets, split_words

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


def gathered(name: str) -> Generator[PhaseStep, None, Splits]:
    """The splits of a set, read in a thread: other runs have their turns meanwhile.

    Raises:
        UnknownNameError, DataError: as `bare_spec` and the files of the set say.
    """
    bare_spec(name)
    found: Future[Splits] = Future()

    def read() -> None:
        try:
            found.set_result(_splits(name, _folder(name)))
        except BaseException as error:  # whoever waits raises it again
            found.set_exception(error)

    Thread(target=read, name="data", daemon=True).start()
    while not found.done():
        time.sleep(_ASK_AGAIN)
        yield PhaseStep(0, 0, f"reading {DATASETS[name].title}")
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
