"""The images of a table: those that are certified, and those that are learned from."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import numpy as np

from rs_core.datasets import Dataset, load_dataset
from rs_core.papers.table import Table


@dataclass(frozen=True, eq=False)
class TableImages:
    """Images that are there already.

    Fields:
        certified: evenly spread over their split.
        learned: training images by (data set, how many; None for all).
    """

    certified: Dataset
    learned: Mapping[tuple[str, int | None], Dataset]

    @cached_property
    def digests(self) -> dict[str, str]:
        """sha256 (hex) of each part's images, labels and indices, and of their order."""
        learned = {
            f"{name} {count or 'all'}": _digest(own) for (name, count), own in self.learned.items()
        }
        return {"certified": _digest(self.certified), **learned}


def load_images(
    table: Table, count: int, root: str | os.PathLike[str] | None = None
) -> TableImages:
    """The images of a table, `count` of them to certify.

    Raises:
        DataError: the data are missing or damaged.
        UnknownNameError: no such data set.
    """
    asked = table.certified
    certified = load_dataset(asked.dataset, split=asked.split, root=root, count=count)
    keys = sorted({(one.dataset, one.images) for one in table.trainings}, key=str)
    return TableImages(
        certified,
        {key: load_dataset(key[0], split="train", root=root, count=key[1]) for key in keys},
    )


def _digest(data: Dataset) -> str:
    digest = sha256(repr((data.name, data.images.shape)).encode())
    for part in (data.images, data.labels, data.indices):
        digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()
