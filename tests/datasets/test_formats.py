"""The readers take well-formed files exactly and refuse every other with one sentence."""

import gzip
import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from rs_core.datasets import formats as datafiles
from rs_core.datasets.formats import read_cifar_batch, read_idx_pair, read_jpeg_archive, read_npz
from rs_core.errors import DataError

RNG = np.random.default_rng(3)
DIGITS = RNG.integers(0, 256, (6, 28, 28), dtype=np.uint8)
PHOTOS = RNG.integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
LABELS = np.arange(6, dtype=np.uint8)


def idx(array: np.ndarray, magic: bytes | None = None) -> bytes:
    head = magic or bytes((0, 0, 8, array.ndim))
    return head + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def idx_pair(folder: Path, images: bytes, labels: bytes) -> tuple[Path, Path]:
    (folder / "images").write_bytes(images)
    (folder / "labels").write_bytes(labels)
    return folder / "images", folder / "labels"


def jpegs(photos: np.ndarray, size: tuple[int, int] = (32, 32)) -> list[bytes]:
    encoded = []
    for photo in photos:
        buffer = io.BytesIO()
        Image.fromarray(photo).resize(size).save(buffer, "JPEG", quality=75)
        encoded.append(buffer.getvalue())
    return encoded


def archive(path: Path, files: list[bytes], **changes: np.ndarray) -> Path:
    members = {
        "jpeg": np.frombuffer(b"".join(files), np.uint8),
        "offsets": np.cumsum([0, *map(len, files)]).astype(np.uint32),
        "labels": LABELS,
    }
    np.savez(path, **(members | changes))
    return path


def batch(path: Path, content: object) -> Path:
    path.write_bytes(pickle.dumps(content, protocol=3))
    return path


def planes(photos: np.ndarray) -> np.ndarray:
    return photos.transpose(0, 3, 1, 2).reshape(len(photos), -1)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_files_are_read_exactly(tmp_path: Path, pack: type[bytes]) -> None:
    pair = idx_pair(tmp_path, pack(idx(DIGITS)), pack(idx(LABELS)))
    images, labels = read_idx_pair(*pair)
    assert np.array_equal(images, DIGITS[..., None])
    assert np.array_equal(labels, LABELS)
    assert (images.dtype, labels.dtype) == (np.uint8, np.int64)


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (b"", idx(LABELS), "not an IDX file"),
        (idx(DIGITS, b"\0\0\x0d\3"), idx(LABELS), "not an IDX file"),
        (idx(DIGITS), idx(DIGITS), "not an IDX file of 1 dimensions"),
        (idx(DIGITS)[:-1], idx(LABELS), "promises 4704 values and holds 4703"),
        (idx(DIGITS) + b"\0", idx(LABELS), "promises 4704 values and holds 4705"),
        (idx(DIGITS)[:9], idx(LABELS), "not an IDX file"),
        (b"\0\0\x08\3" + b"\xff" * 12, idx(LABELS), "promises 79228162"),
        (idx(DIGITS[:0]), idx(LABELS[:0]), "promises 0 values"),
        (idx(DIGITS), idx(LABELS[:5]), "6 images for 5 labels"),
        (gzip.compress(idx(DIGITS))[:-20], idx(LABELS), "cannot be read"),
        (b"\x1f\x8b\x08\0" + bytes(40), idx(LABELS), "cannot be read"),
    ],
)
def test_damaged_idx_files_are_refused(
    tmp_path: Path, images: bytes, labels: bytes, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        read_idx_pair(*idx_pair(tmp_path, images, labels))


def test_a_gzip_bomb_and_a_missing_file_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datafiles, "MAX_FILE_BYTES", 1 << 20)
    pair = idx_pair(tmp_path, gzip.compress(bytes(3 << 20)), idx(LABELS))
    with pytest.raises(DataError, match="unpacks to more than 1 MB"):
        read_idx_pair(*pair)
    with pytest.raises(DataError, match="missing cannot be read"):
        read_idx_pair(tmp_path / "missing", pair[1])


def test_a_jpeg_archive_is_decoded_image_by_image(tmp_path: Path) -> None:
    files = jpegs(PHOTOS)
    images, labels = read_jpeg_archive(archive(tmp_path / "a.npz", files), (32, 32))
    expected = [np.asarray(Image.open(io.BytesIO(file))) for file in files]
    assert np.array_equal(images, expected)
    assert np.array_equal(labels, LABELS)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels": LABELS[:5]}, "6 images for 5 labels"),
        ({"offsets": np.zeros(7, np.uint32)}, "offsets that do not fit"),
        ({"offsets": np.arange(7, dtype=np.uint32)}, "offsets that do not fit"),
        ({"jpeg": np.zeros(10, np.uint8)}, "offsets that do not fit"),
        ({"labels": LABELS[:0], "offsets": np.zeros(1, np.uint32)}, "offsets that do not fit"),
    ],
)
def test_a_jpeg_archive_that_does_not_fit_is_refused(
    tmp_path: Path, changes: dict[str, np.ndarray], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        read_jpeg_archive(archive(tmp_path / "a.npz", jpegs(PHOTOS), **changes), (32, 32))


def test_a_damaged_or_odd_sized_jpeg_is_named_by_its_number(tmp_path: Path) -> None:
    files = jpegs(PHOTOS)
    for bad in (files[4][: len(files[4]) // 2], jpegs(PHOTOS[:1], (31, 32))[0], b"no"):
        path = archive(tmp_path / "a.npz", [*files[:4], bad, files[5]])
        with pytest.raises(DataError, match="image 4 is not a whole 32x32 JPEG"):
            read_jpeg_archive(path, (32, 32))


def test_archives_are_read_without_pickles_and_up_to_a_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, labels=np.array([print], dtype=object))
    with pytest.raises(DataError, match="not a readable npz"):
        read_npz(path, ("labels",))
    np.savez_compressed(path, labels=np.zeros(3 << 20, np.uint8))
    with pytest.raises(DataError, match="is incomplete"):
        read_npz(path, ("labels", "images"))
    monkeypatch.setattr(datafiles, "MAX_FILE_BYTES", 1 << 20)
    with pytest.raises(DataError, match="unpacks to more than 1 MB"):
        read_npz(path, ("labels",))


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", jpegs(PHOTOS))
    whole = bytearray(path.read_bytes())
    whole[200] ^= 0xFF
    for data in (b"", b"text", bytes(whole[:-30]), bytes(whole)):
        path.write_bytes(data)
        with pytest.raises(DataError):
            read_jpeg_archive(path, (32, 32))
    with zipfile.ZipFile(path, "w") as empty:
        empty.writestr("labels.npy", b"no array")
    with pytest.raises(DataError):
        read_npz(path, ("labels",))


def test_a_cifar_batch_is_read_exactly(tmp_path: Path) -> None:
    content = {b"data": planes(PHOTOS), b"labels": LABELS.tolist(), b"batch_label": b"1 of 5"}
    images, labels = read_cifar_batch(batch(tmp_path / "data_batch_1", content))
    assert np.array_equal(images, PHOTOS)
    assert np.array_equal(labels, LABELS)


def test_a_cifar_batch_of_python_2_is_read_exactly(tmp_path: Path) -> None:
    """The official files are protocol 2, with strings that are bytes."""

    def short(text: bytes) -> bytes:
        return b"U" + bytes([len(text)]) + text

    data = planes(PHOTOS[:1]).tobytes()
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85" + short(b"b") + b"tR"
        b"(K\1K\1M" + struct.pack("<H", len(data)) + b"\x86"
        b"cnumpy\ndtype\n(" + short(b"u1") + b"K\0K\1tR"
        b"(K\3" + short(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
        b"\x89T" + struct.pack("<i", len(data)) + data + b"tb"
    )
    path = tmp_path / "test_batch"
    path.write_bytes(b"\x80\x02}(" + short(b"data") + array + short(b"labels") + b"](K\7eu.")
    images, labels = read_cifar_batch(path)
    assert np.array_equal(images, PHOTOS[:1])
    assert labels.tolist() == [7]


class Hostile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return os.system, (f"touch {self.path}",)


def test_a_hostile_cifar_batch_is_refused_and_does_not_run(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    content = {b"data": Hostile(touched), b"labels": [0]}
    with pytest.raises(DataError, match="test_batch is not a CIFAR-10 batch"):
        read_cifar_batch(batch(tmp_path / "test_batch", content))
    assert not touched.exists()


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_a_cifar_batch_that_python_3_wrote_is_read(tmp_path: Path, protocol: int) -> None:
    """Its keys are text, and under protocol 2 its bytes are latin-1 text."""
    path = tmp_path / "test_batch"
    content = {"data": planes(PHOTOS), "labels": LABELS.tolist(), "filenames": ["a.png"] * 6}
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    photos, labels = read_cifar_batch(path)
    assert np.array_equal(photos, PHOTOS)
    assert labels.tolist() == LABELS.tolist()


def test_an_array_that_lies_by_columns_is_not_read_as_rows(tmp_path: Path) -> None:
    content = {b"data": np.asfortranarray(planes(PHOTOS)), b"labels": LABELS.tolist()}
    with pytest.raises(DataError, match="test_batch is not a CIFAR-10 batch"):
        read_cifar_batch(batch(tmp_path / "test_batch", content))


@pytest.mark.parametrize(
    "content",
    [
        [],
        {b"data": planes(PHOTOS)},
        {b"data": planes(PHOTOS), b"labels": [0, 1]},
        {b"data": planes(PHOTOS), b"labels": ["cat"] * 6},
        {b"data": planes(PHOTOS)[:, :-1], b"labels": LABELS.tolist()},
        {b"data": planes(PHOTOS).astype(np.float32), b"labels": LABELS.tolist()},
        {b"data": b"text", b"labels": LABELS.tolist()},
        {b"data": planes(PHOTOS), b"labels": 3},
    ],
)
def test_a_malformed_cifar_batch_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(DataError, match="test_batch"):
        read_cifar_batch(batch(tmp_path / "test_batch", content))


@given(st.binary(max_size=200))
def test_random_bytes_raise_nothing_but_data_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "batch"
    path.write_bytes(data)
    for read in (lambda: read_idx_pair(path, path), lambda: read_cifar_batch(path)):
        with pytest.raises(DataError, match="batch"):
            read()
