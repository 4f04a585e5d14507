"""How two JPEG copies of CIFAR-10 differ: files made by another encoder, and `jpeg=75` of ours.

    .venv/bin/python scripts/compare_jpeg.py EXACT.npz CIFAR10_FOLDER

EXACT.npz holds exact images with their official positions (`x_train`, `i_train`, `x_test`,
`i_test`); CIFAR10_FOLDER the JPEG files `cifar10_train.npz` and `cifar10_test.npz`.
"""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

QUALITY = 75


def pairs(exact: Path, folder: Path) -> Iterator[tuple[bytes, bytes]]:
    """The two files of each image: Pillow's, and the other encoder's."""
    known = np.load(exact)
    for split in ("train", "test"):
        stored = np.load(folder / f"cifar10_{split}.npz")
        stream, offsets = stored["jpeg"].tobytes(), stored["offsets"]
        for pixels, row in zip(known[f"x_{split}"], known[f"i_{split}"], strict=True):
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "JPEG", quality=QUALITY)
            yield file.getvalue(), stream[offsets[row] : offsets[row + 1]]


def decoded(file: bytes) -> np.ndarray:
    """Pixels (H, W, 3) of RGB."""
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB")).astype(int)


def brightness(file: bytes) -> np.ndarray:
    """The brightness plane (H, W) as it is stored."""
    image = Image.open(io.BytesIO(file))
    image.draft("YCbCr", None)
    return np.asarray(image)[..., 0]


def main(exact: Path, folder: Path) -> None:
    files = list(pairs(exact, folder))
    gap = np.stack([decoded(one) - decoded(other) for one, other in files])
    same_plane = sum(np.array_equal(brightness(a), brightness(b)) for a, b in files)
    l2 = np.sqrt((gap**2).sum(axis=(1, 2, 3))) / 255
    same = int((gap == 0).all(axis=(1, 2, 3)).sum())
    print(f"images {len(files):,}, identical brightness planes {same_plane:,}")
    print(f"identical RGB images {same} ({same / len(files):.1%})")
    print(f"differing RGB values {(gap != 0).mean():.1%}, by at most {np.abs(gap).max()}")
    print(
        f"l2 median {np.median(l2):.2f}, 99th percentile {np.quantile(l2, 0.99):.2f}, "
        f"largest {l2.max():.2f}"
    )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
