"""The file formats of image data sets, read without trusting a byte of them.

Every reader returns uint8 images and int64 labels that agree in number, or raises a DataError
that names the file.
"""

import gzip
import pickle
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from rs_core.errors import DataError

# MNIST's 60,000 training images take 47 MB, the JPEG archive of CIFAR-10 46 MB unpacked.
MAX_FILE_BYTES = 128 * 2**20

_IDX_UBYTE = 8
_CIFAR_PIXELS = 3 * 32 * 32


def read_idx_pair(images: Path, labels: Path) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (N,H,W,1) and int64 (N,) of an IDX image file and its label file, .gz or raw.

    Raises:
        DataError: missing, not IDX, cut short, too long, or counts that disagree.
    """
    pixels, classes = _read_idx(images, 3), _read_idx(labels, 1)
    _check_counts(len(pixels), len(classes), images)
    return pixels[..., None], classes.astype(np.int64)


def read_jpeg_archive(
    path: Path,
    shape: tuple[int, int] | None,
    choose: Callable[[int], np.ndarray] = np.arange,
) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (R,H,W,3) and int64 (N,) of an npz with `jpeg` bytes, `offsets` (N+1), `labels`.

    Only the R rows that `choose` names of N are decoded, all by default. Without a `shape` all
    must have that of the first one.

    Raises:
        DataError: a missing member, offsets that do not fit, a damaged or odd-sized JPEG.
    """
    members = read_npz(path, ("jpeg", "offsets", "labels"))
    stream = members["jpeg"].tobytes()
    offsets = members["offsets"].astype(np.int64).ravel()
    labels = members["labels"].astype(np.int64).ravel()
    _check_counts(len(offsets) - 1, len(labels), path)
    if (
        len(labels) < 1
        or offsets[0] != 0
        or offsets[-1] != len(stream)
        or (np.diff(offsets) < 1).any()
    ):
        raise DataError(f"{path.name} has offsets that do not fit its JPEG bytes: fetch it again.")
    rows = choose(len(labels))
    shape = shape or _jpeg_shape(stream[: offsets[1]], path)
    if len(rows) * shape[0] * shape[1] * 3 > 2 * MAX_FILE_BYTES:
        raise _too_large(path)
    pixels = np.empty((len(rows), *shape, 3), dtype=np.uint8)
    for place, row in enumerate(rows):
        pixels[place] = _decode_jpeg(stream[offsets[row] : offsets[row + 1]], shape, row, path)
    return pixels, labels


def read_npz(path: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The named integer arrays of an npz, without pickles and up to `MAX_FILE_BYTES` unpacked.

    Raises:
        DataError: missing, not an npz, a missing member, too large, damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MAX_FILE_BYTES:
            raise _too_large(path)
        with np.load(path, allow_pickle=False) as archive:
            members = {name: archive[name] for name in names}
        # numpy hands out the bare bytes of a member that is no array.
        if all(
            isinstance(array, np.ndarray) and array.dtype.kind in "iu" for array in members.values()
        ):
            return members
        raise ValueError("a member is no integer array")
    except KeyError as error:
        raise DataError(f"{path.name} is incomplete ({error}): fetch it again.") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError):
        raise DataError(f"{path.name} is not a readable npz archive: fetch it again.") from None


def member_names(path: Path) -> tuple[str, ...]:
    """The names of an npz's members; nothing of them is read.

    Raises:
        DataError: missing, or not an npz.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
        raise DataError(
            f"{path.name} is not a readable npz archive ({error}): give one that numpy.savez wrote."
        ) from None
    return tuple(name.removesuffix(".npy") for name in names if name.endswith(".npy"))


def read_names(path: Path, member: str) -> tuple[str, ...]:
    """A member of an npz that holds words, without pickles and up to `MAX_FILE_BYTES` unpacked.

    Raises:
        DataError: not one-dimensional text, or with an empty or a repeated word.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_FILE_BYTES:
                raise _too_large(path)
        with np.load(path, allow_pickle=False) as archive:
            words = archive[member]
        if words.ndim != 1 or words.dtype.kind != "U":
            raise ValueError("no list of words")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path.name}: {member} cannot be read ({error}).") from None
    names = tuple(words.tolist())
    if len(set(names)) < len(names) or "" in names or len(names) < 2:
        raise DataError(f"{path.name}: {member} must name two or more classes, each once.")
    return names


def read_cifar_batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (N,32,32,3) and int64 (N,) of one file of cifar-10-batches-py.

    These files are pickles. They are read here, not through torchvision, because this reader
    needs no torch and may only build arrays: a pickle that names anything else is refused
    before it runs.

    Raises:
        DataError: missing, too large, another content, or sizes that disagree.
    """
    raw = _read_limited(path)
    try:
        content = _ArrayUnpickler(BytesIO(raw), encoding="bytes").load()
        # Python 2 wrote the published files; what Python 3 writes has text for keys.
        content = {k.encode() if isinstance(k, str) else k: v for k, v in content.items()}
        flat = content[b"data"].as_bytes()
        labels = np.array(content[b"labels"], dtype=np.int64)
    # A hostile pickle can raise anything from inside the unpickler.
    except Exception as error:
        raise DataError(
            f"{path.name} is not a CIFAR-10 batch ({type(error).__name__}): fetch it again."
        ) from None
    _check_counts(len(flat) / _CIFAR_PIXELS, labels.size if labels.ndim == 1 else -1, path)
    planes = np.frombuffer(flat, dtype=np.uint8).reshape(-1, 3, 32, 32)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels


class _Inert:
    """Stands for numpy's classes in a pickle: it keeps what it is given and does nothing."""

    def __init__(self, *args: Any) -> None:
        self.made = self.state = args

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def as_bytes(self) -> bytes:
        """The raw bytes of a pickled uint8 array, row by row.

        Raises:
            ValueError: it holds something else than uint8, or lies column by column.
        """
        _, _, kind, by_columns, data = self.state
        if by_columns or kind.made[0] not in ("u1", b"u1", "uint8", b"uint8"):
            raise ValueError("no uint8 array in rows")
        return data if isinstance(data, bytes) else bytes(data.state[0], "latin-1")


class _ArrayUnpickler(pickle.Unpickler):
    _ALLOWED = frozenset(
        {
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
            ("_codecs", "encode"),
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        """Never the named object itself: an inert stand-in, for the names of an array."""
        if (module, name) not in self._ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
        return _Inert


def _read_idx(path: Path, dimensions: int) -> np.ndarray:
    """The uint8 array of one IDX file: 00 00 08 D, D big-endian sizes, the values."""
    raw = _read_limited(path)
    head = 4 + 4 * dimensions
    if len(raw) < head or raw[:4] != bytes((0, 0, _IDX_UBYTE, dimensions)):
        raise DataError(
            f"{path.name} is not an IDX file of {dimensions} dimensions: fetch it again."
        )
    sizes = [int(size) for size in np.frombuffer(raw, dtype=">u4", count=dimensions, offset=4)]
    expected = int(np.prod(sizes, dtype=object))
    if len(raw) - head != expected or expected == 0:
        raise DataError(
            f"{path.name} promises {expected} values and holds {len(raw) - head}: fetch it again."
        )
    return np.frombuffer(raw, dtype=np.uint8, offset=head).reshape(sizes)


def _read_limited(path: Path) -> bytes:
    """The bytes of a file, gunzipped where its content is gzip."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_FILE_BYTES + 1)
        if raw[:2] == b"\x1f\x8b":
            with gzip.open(BytesIO(raw)) as unpacked:
                raw = unpacked.read(MAX_FILE_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path.name} cannot be read ({error}): fetch it again.") from None
    if len(raw) > MAX_FILE_BYTES:
        raise _too_large(path)
    return raw


def _decode_jpeg(data: bytes, shape: tuple[int, int], row: int, path: Path) -> np.ndarray:
    try:
        with Image.open(BytesIO(data), formats=("JPEG",)) as image:
            if (image.height, image.width) != shape:
                raise ValueError(f"{image.width}x{image.height}")
            return np.asarray(image.convert("RGB"))
    # As in the decoding room: Pillow's readers raise whatever the bytes lead them into.
    except Exception as error:
        raise DataError(
            f"{path.name}: image {row} is not a whole {shape[1]}x{shape[0]} JPEG ({error})."
        ) from None


def _jpeg_shape(data: bytes, path: Path) -> tuple[int, int]:
    try:
        with Image.open(BytesIO(data), formats=("JPEG",)) as image:
            return image.height, image.width
    except Exception as error:  # as in `_decode_jpeg`
        raise DataError(f"{path.name}: image 0 is no JPEG ({error}).") from None


def _check_counts(images: float, labels: int, path: Path) -> None:
    if images != labels:
        raise DataError(f"{path.name} has {images:g} images for {labels} labels: fetch it again.")


def _too_large(path: Path) -> DataError:
    return DataError(
        f"{path.name} unpacks to more than {MAX_FILE_BYTES // 2**20} MB: not a data set."
    )
