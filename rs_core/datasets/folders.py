"""The table of data sets, and where in a person's folder the files of each one lie."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from os import PathLike
from pathlib import Path

import numpy as np

from rs_core.datasets.formats import read_cifar_batch, read_idx_pair, read_jpeg_archive
from rs_core.datasets.plane import CLASSES
from rs_core.errors import DataError

_NUMERALS = tuple("0123456789")
_CLOTHES = (
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
_THINGS = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


@dataclass(frozen=True)
class DatasetFacts:
    """What `rs datasets` says about one data set.

    Fields:
        title: its name beside numbers.
        train, test: images in the official splits.
        input_shape: (C,H,W).
        class_names: one per class.
        licence: of the images.
        bundled: True where nothing has to be fetched.
        torchvision: the class that can download it, "" for none.
        folders: below the given folder, where its files may lie.
    """

    title: str
    train: int
    test: int
    input_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    licence: str
    bundled: bool = False
    torchvision: str = ""
    folders: tuple[str, ...] = ()


DATASETS: dict[str, DatasetFacts] = {
    "digits": DatasetFacts(
        "digits 8x8",
        1437,
        360,
        (1, 8, 8),
        _NUMERALS,
        "CC BY 4.0; cite Alpaydin and Kaynak (1998), optdigits",
        bundled=True,
    ),
    "mnist5k": DatasetFacts(
        "MNIST train (5,000)", 5000, 0, (1, 28, 28), _NUMERALS, "CC BY-SA 3.0", bundled=True
    ),
    "plane": DatasetFacts(
        "points in the plane", 1800, 300, (1, 1, 2), CLASSES, "MIT, like the code", bundled=True
    ),
    "mnist": DatasetFacts(
        "MNIST",
        60_000,
        10_000,
        (1, 28, 28),
        _NUMERALS,
        "CC BY-SA 3.0",
        torchvision="MNIST",
        folders=("mnist", "MNIST/raw", "."),
    ),
    "fashion-mnist": DatasetFacts(
        "Fashion-MNIST",
        60_000,
        10_000,
        (1, 28, 28),
        _CLOTHES,
        "MIT",
        torchvision="FashionMNIST",
        folders=("fashion-mnist", "FashionMNIST/raw", "."),
    ),
    "cifar10": DatasetFacts(
        "CIFAR-10",
        50_000,
        10_000,
        (3, 32, 32),
        _THINGS,
        "none stated; cite Krizhevsky (2009)",
        torchvision="CIFAR10",
        folders=("cifar-10-batches-py", ".", "cifar10"),
    ),
}

# MNIST and Fashion-MNIST share their file names; their first labels tell them apart.
_FIRST_LABELS = {
    ("mnist", "train"): (5, 0, 4, 1, 9, 2, 1, 3, 1, 4),
    ("mnist", "test"): (7, 2, 1, 0, 4, 1, 4, 9, 5, 9),
    ("fashion-mnist", "train"): (9, 0, 0, 3, 0, 2, 7, 2, 5, 5),
    ("fashion-mnist", "test"): (9, 2, 1, 1, 6, 1, 4, 6, 5, 7),
}


def find_files(
    name: str, split: str, root: str | PathLike[str] | None, *, download: bool
) -> tuple[Path, ...]:
    """The files of one split, fetched first where asked and needed.

    Raises:
        DataError: no folder given, nothing in it, or a download that failed.
    """
    facts = DATASETS[name]
    if root is None:
        raise DataError(
            f"{facts.title} does not come with the package: give the folder of its files as root "
            "(--data), and download=True (--download) to fetch them there."
        )
    folder = Path(root)
    found = _existing(name, split, folder)
    if found is None and download:
        _download(facts, split, folder)
        found = _existing(name, split, folder)
    if found is None:
        wanted = " or ".join(path.name for path in next(_candidates(name, split, folder)))
        where = folder.name or folder
        if not folder.is_dir():
            where = f"{where}, which is no folder here"
        raise DataError(
            f"no {facts.title} {split} files in {where} (looked for {wanted}): "
            "give the folder that holds them, or download=True (--download)."
        )
    return found


def read_files(
    name: str,
    split: str,
    files: tuple[Path, ...],
    choose: Callable[[int], np.ndarray] = np.arange,
) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (R,H,W,C) images and int64 (N,) labels of the files of one split.

    `choose` names the R rows of N that are wanted, all by default.

    Raises:
        DataError: damaged files, another image size, labels outside the classes, or the files
            of a data set that shares these names.
    """
    facts = DATASETS[name]
    if name != "cifar10":
        images, labels = read_idx_pair(*files)
        images = images[choose(len(labels))]
    elif files[0].suffix == ".npz":
        images, labels = read_jpeg_archive(files[0], facts.input_shape[1:], choose)
    else:
        batches = [read_cifar_batch(file) for file in files]
        labels = np.concatenate([classes for _, classes in batches])
        images = np.concatenate([pixels for pixels, _ in batches])[choose(len(labels))]
    channels, height, width = facts.input_shape
    if images.shape[1:] != (height, width, channels):
        raise DataError(
            f"{files[0].name} holds images of shape {images.shape[1:]}, {facts.title} has "
            f"{(height, width, channels)}: give its own files."
        )
    if labels.min() < 0 or labels.max() >= len(facts.class_names):
        raise DataError(
            f"{files[-1].name} has labels from {labels.min()} to {labels.max()}, {facts.title} "
            f"has 0 to {len(facts.class_names) - 1}: fetch it again."
        )
    _check_identity(name, split, labels, files[-1])
    return images, labels


def _check_identity(name: str, split: str, labels: np.ndarray, file: Path) -> None:
    first = tuple(int(label) for label in labels[:10])
    for (other, other_split), known in _FIRST_LABELS.items():
        if first == known and (other, other_split) != (name, split):
            raise DataError(
                f"{file.name} is the {other_split} split of {DATASETS[other].title}, not the "
                f"{split} split of {DATASETS[name].title}: give the right folder."
            )


def _existing(name: str, split: str, root: Path) -> tuple[Path, ...] | None:
    for files in _candidates(name, split, root):
        if all(file.is_file() for file in files):
            return files
    return None


def _candidates(name: str, split: str, root: Path) -> Iterator[tuple[Path, ...]]:
    """Sets of files that would do, the most exact first."""
    folders = [root / part for part in DATASETS[name].folders]
    if name == "cifar10":
        batches = [f"data_batch_{n}" for n in range(1, 6)] if split == "train" else ["test_batch"]
        yield from (tuple(folder / batch for batch in batches) for folder in folders)
        yield from ((folder / f"cifar10_{split}.npz",) for folder in folders)
        return
    stem = "train" if split == "train" else "t10k"
    pair = (f"{stem}-images-idx3-ubyte", f"{stem}-labels-idx1-ubyte")
    for folder in folders:
        for ending in ("", ".gz"):
            yield tuple(folder / f"{file}{ending}" for file in pair)


def _download(facts: DatasetFacts, split: str, root: Path) -> None:
    """Lets torchvision fetch and verify the files; only this needs torch and a network."""
    try:
        fetch = getattr(import_module("torchvision.datasets"), facts.torchvision)
        # Whatever it prints belongs beside the progress bars, not into --json.
        with contextlib.redirect_stdout(sys.stderr):
            fetch(str(root), train=split == "train", download=True)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise DataError(
            f"{facts.title} could not be downloaded ({' '.join(str(error).split())[:120]}): "
            "fetch its files elsewhere and give their folder as root."
        ) from None
