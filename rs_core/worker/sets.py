"""Data sets that this machine can offer: the bundled ones, and those in the folder of RS_DATA."""

import logging
import os
from functools import lru_cache
from typing import Any

from rs_core.datasets import DATASETS, Dataset, load_dataset
from rs_core.errors import DataError, ParameterError, UnknownNameError
from rs_core.results import ModelSpec

DATA_VARIABLE = "RS_DATA"
_SEEN = "Training images: a network trained on them has seen them"
_LOG = logging.getLogger(__name__)


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
