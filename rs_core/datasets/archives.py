"""A person's own data set in one npz file: images, labels, and their official indices.

Members are found by name, in the layouts that are in use: `x_test`, `y_test`, `i_test` (and
`_train`), `test_images`, `test_labels`, `test_indices`; without splits `images`, `labels`,
`indices`, or `x`, `y`, `i`; or JPEG files one after the other as `jpeg`, `offsets`, `labels`.
Indices may be left out, and so may `class_names`.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from rs_core.datasets.dataset import Dataset, chooser
from rs_core.datasets.formats import member_names, read_jpeg_archive, read_names, read_npz
from rs_core.errors import DataError

SUFFIX = ".npz"
_CHANNELS = (1, 3)
_UNNAMED = "it names no classes, so its labels are taken as the network's class numbers"


class _Layout(NamedTuple):
    """Names of the members; `split` is "" where the archive has none."""

    images: str
    labels: str
    indices: str
    split: str = ""


_WHOLE = (
    _Layout("images", "labels", "indices"),
    _Layout("x", "y", "i"),
    _Layout("data", "labels", "indices"),
    _Layout("jpeg", "labels", "indices"),
)
_SPLITS = tuple(
    layout
    for split in ("test", "train")
    for layout in (
        _Layout(f"x_{split}", f"y_{split}", f"i_{split}", split),
        _Layout(f"{split}_images", f"{split}_labels", f"{split}_indices", split),
        _Layout(f"images_{split}", f"labels_{split}", f"indices_{split}", split),
    )
)


def load_archive(
    path: Path,
    *,
    split: str | None = None,
    count: int | None = None,
) -> Dataset:
    """The images of an archive, each with its own index.

    Args:
        path: of the npz file.
        split: "train" or "test", by default the test split; None for an archive without splits.
        count: only so many images, evenly spread as in `load_dataset`; all by default.

    Raises:
        DataError: it is no such archive, has no such split, or its members contradict each other.
    """
    choose = chooser(count)
    present = member_names(path)
    layout = _layout(path, present, split)
    if layout.images == "jpeg":
        images, labels = read_jpeg_archive(path, None, choose)
        rows = choose(len(labels))
    else:
        members = read_npz(path, (layout.images, layout.labels))
        labels = np.atleast_1d(members[layout.labels]).astype(np.int64)
        labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
        rows = choose(len(labels))
        images = _channels_last(path, layout, members[layout.images], labels)[rows]
    names = read_names(path, "class_names") if "class_names" in present else ()
    _check_labels(path, labels, names)
    indices = np.arange(len(labels))
    if layout.indices in present:
        indices = _held_indices(path, read_npz(path, (layout.indices,))[layout.indices], labels)
    notes = ["its images were stored as JPEG"] if layout.images == "jpeg" else []
    return Dataset(
        name=path.stem,
        split=layout.split,
        images=images,
        labels=labels[rows],
        class_names=names or tuple(map(str, range(int(labels.max()) + 1))),
        indices=indices[rows],
        source=path.name,
        notes=tuple(f"{path.name}: {note}" for note in (*notes, *([] if names else [_UNNAMED]))),
        numbered=not names,
    )


def _layout(path: Path, present: tuple[str, ...], split: str | None) -> _Layout:
    """How the members are called.

    Raises:
        DataError: no layout fits, or none has the split.
    """
    found = [one for one in (*_SPLITS, *_WHOLE) if {one.images, one.labels} <= set(present)]
    if not found or (found[0].images == "jpeg" and "offsets" not in present):
        raise DataError(
            f"{path.name} holds {', '.join(present)[:80] or 'nothing'}, no data set: give an npz "
            "with images and labels, x_test and y_test, or jpeg, offsets and labels."
        )
    wanted = [one for one in found if split in (None, one.split)]
    if not wanted:
        has = " and ".join(dict.fromkeys(one.split for one in found if one.split))
        raise DataError(
            f"{path.name} has no {split} split: "
            + (f"choose {has}." if has else "it has no splits at all, so leave --split out.")
        )
    return wanted[0]


def _channels_last(
    path: Path, layout: _Layout, images: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """uint8 (N,H,W,C) of (N,H,W), (N,H,W,C) or (N,C,H,W)."""
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or not images.size:
        raise DataError(
            f"{path.name} holds {layout.images} of {images.dtype} {images.shape}: give uint8 of "
            "shape (N,H,W) or (N,H,W,C), from 0 to 255."
        )
    if labels.shape != (len(images),):
        raise DataError(
            f"{path.name} has {len(images)} images and labels of shape {labels.shape}: give one "
            "label each."
        )
    if images.ndim == 3:
        return images[..., None]
    if images.shape[3] not in _CHANNELS and images.shape[1] in _CHANNELS:
        images = images.transpose(0, 2, 3, 1)
    if images.shape[3] not in _CHANNELS:
        raise DataError(
            f"{path.name} holds images of shape {images.shape[1:]}: give 1 or 3 channels, last."
        )
    return np.ascontiguousarray(images)


def _check_labels(path: Path, labels: np.ndarray, names: tuple[str, ...]) -> None:
    if labels.min() < 0 or (names and labels.max() >= len(names)):
        last = f"0 to {len(names) - 1}, its class names" if names else "0 and more"
        raise DataError(
            f"{path.name} has labels from {labels.min()} to {labels.max()}: give {last}."
        )


def _held_indices(path: Path, indices: np.ndarray, labels: np.ndarray) -> np.ndarray:
    indices = indices.astype(np.int64)
    if indices.shape != labels.shape or indices.min() < 0:
        raise DataError(
            f"{path.name} has indices of shape {indices.shape} for {len(labels)} images: give one "
            "each, from 0 up."
        )
    if len(np.unique(indices)) < len(indices):
        raise DataError(f"{path.name} has an index twice: give each image its own.")
    return indices
