"""A person's own npz: every layout in use, official indices, and what contradicts itself."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rs_core.datasets import load_archive
from rs_core.errors import DataError, ParameterError
from tests.conftest import spec_of

RNG = np.random.default_rng(5)
PHOTOS = RNG.integers(0, 256, (4, 6, 5, 3), dtype=np.uint8)
LABELS = np.array([2, 0, 1, 2], np.uint8)
INDICES = np.array([0, 20, 40, 60])


def saved(path: Path, **members: Any) -> Path:
    np.savez(path, **members)
    return path


@pytest.fixture
def both(tmp_path: Path) -> Path:
    """The layout of cifar10_exact_subset.npz."""
    return saved(
        tmp_path / "subset.npz",
        x_train=PHOTOS[:2], y_train=LABELS[:2], i_train=np.arange(2),
        x_test=PHOTOS, y_test=LABELS, i_test=INDICES,
    )  # fmt: skip


def test_splits_and_official_indices_are_kept(both: Path) -> None:
    for split, count in ((None, 4), ("test", 4), ("train", 2)):
        data = load_archive(both, split=split)
        assert np.array_equal(data.images, PHOTOS[:count])
        assert data.labels.tolist() == LABELS[:count].tolist()
        assert data.split == (split or "test")
    test = load_archive(both)
    assert test.indices.tolist() == INDICES.tolist()
    assert test.image(3, spec_of((3, 6, 5), 3)).name == "subset test 60"
    assert "names no classes" in test.notes[0]
    assert load_archive(both, count=2).indices.tolist() == [0, 40]


def test_numbers_are_labels_of_any_network_that_has_them(both: Path) -> None:
    data = load_archive(both)
    assert data.image(0, spec_of((3, 6, 5), 3)).label == 2
    assert data.image(0, spec_of((3, 6, 5), 10)).label == 2
    assert data.image(0, spec_of((3, 6, 5), 2)).label is None


@pytest.mark.parametrize(
    ("images", "labels"),
    [("images", "labels"), ("x", "y"), ("data", "labels"), ("test_images", "test_labels")],
)
def test_other_layouts_are_read(images: str, labels: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npz", **{images: PHOTOS[..., 0], labels: LABELS[:, None]})
    data = load_archive(path)
    assert np.array_equal(data.images, PHOTOS[..., :1])
    assert data.indices.tolist() == [0, 1, 2, 3]
    assert data.split == ("test" if "test" in images else "")
    first = np.moveaxis(PHOTOS, 3, 1)
    path = saved(tmp_path / "b.npz", **{images: first, labels: LABELS})
    assert np.array_equal(load_archive(path).images, PHOTOS)


def test_named_classes_must_be_the_network_s(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npz", images=PHOTOS, labels=LABELS, class_names=["a", "b", "c"])
    data = load_archive(path)
    assert (data.class_names, data.notes, data.title) == (("a", "b", "c"), (), "a")
    assert data.image(0, spec_of((3, 6, 5), 3)).label is None


def test_jpeg_archives_are_read_and_said(tmp_path: Path) -> None:
    files = []
    for photo in PHOTOS:
        buffer = io.BytesIO()
        Image.fromarray(photo).save(buffer, "JPEG", quality=95)
        files.append(buffer.getvalue())
    members = {
        "jpeg": np.frombuffer(b"".join(files), np.uint8),
        "offsets": np.cumsum([0, *map(len, files)]),
        "labels": LABELS, "indices": INDICES,
    }  # fmt: skip
    data = load_archive(saved(tmp_path / "j.npz", **members))
    assert data.images.shape == PHOTOS.shape
    assert data.indices.tolist() == INDICES.tolist()
    assert "stored as JPEG" in data.notes[0]
    del members["offsets"]
    with pytest.raises(DataError, match="no data set"):
        load_archive(saved(tmp_path / "k.npz", **members))


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"images": PHOTOS}, "holds images, no data set"),
        ({"images": PHOTOS / 255, "labels": LABELS}, "not a readable npz"),
        ({"images": PHOTOS.astype(np.int64), "labels": LABELS}, "give uint8 of"),
        ({"images": PHOTOS, "labels": LABELS[:3]}, "give one label each"),
        ({"images": PHOTOS, "labels": np.array(3)}, "give one label each"),
        ({"images": PHOTOS[:0], "labels": LABELS[:0]}, "give uint8 of"),
        ({"images": PHOTOS, "labels": LABELS.astype(np.int64) - 1}, "labels from -1 to 1"),
        ({"images": PHOTOS[..., :2], "labels": LABELS}, "1 or 3 channels"),
        ({"images": PHOTOS, "labels": LABELS, "indices": [0, 1, 2]}, "indices of shape"),
        ({"images": PHOTOS, "labels": LABELS, "indices": [0, 1, 2, 2]}, "an index twice"),
        ({"images": PHOTOS, "labels": LABELS, "indices": [-1, 1, 2, 3]}, "from 0 up"),
        ({"images": PHOTOS, "labels": LABELS, "class_names": ["a", "b"]}, "labels from 0 to 2"),
        ({"images": PHOTOS, "labels": LABELS, "class_names": ["a", "a", "b"]}, "each once"),
        ({"images": PHOTOS, "labels": LABELS, "class_names": [1, 2, 3]}, "no list of words"),
        ({"images": np.array([{}]), "labels": LABELS}, "not a readable npz"),
    ],
)
def test_what_contradicts_itself_is_refused(
    members: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=said):
        load_archive(saved(tmp_path / "a.npz", **members))


def test_a_split_that_is_not_there_is_named(both: Path, tmp_path: Path) -> None:
    plain = saved(tmp_path / "plain.npz", images=PHOTOS, labels=LABELS)
    with pytest.raises(DataError, match="it has no splits at all"):
        load_archive(plain, split="test")
    only = saved(tmp_path / "only.npz", x_train=PHOTOS, y_train=LABELS)
    assert load_archive(only).split == "train"
    with pytest.raises(DataError, match="no test split: choose train"):
        load_archive(only, split="test")
    with pytest.raises(ParameterError, match="count=0"):
        load_archive(both, count=0)


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"no archive")
    for name in ("a.npz", "missing.npz"):
        with pytest.raises(DataError, match="not a readable npz"):
            load_archive(tmp_path / name)
