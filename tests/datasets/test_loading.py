"""Data sets: what is in them, where they are found, and what happens when they are not."""

import gzip
import io
import pickle
import struct
import sys
import types
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from rs_core.datasets import Dataset, dataset_names, load_dataset
from rs_core.datasets.folders import DATASETS
from rs_core.errors import DataError, ParameterError, UnknownNameError
from rs_core.results import ModelSpec

RNG = np.random.default_rng(4)
NUMERALS = tuple("0123456789")
SPEC8 = ModelSpec("net", "stub", (1, 8, 8), NUMERALS)
CLOTHES = (9, 0, 0, 3, 0, 2, 7, 2, 5, 5)
DIGITS = (5, 0, 4, 1, 9, 2, 1, 3, 1, 4)


def write_idx(folder: Path, stem: str, labels: tuple[int, ...], *, packed: bool = True) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    count = len(labels)
    pixels = np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)
    pictures = b"\0\0\x08\3" + struct.pack(">3I", *pixels.shape) + pixels.tobytes()
    classes = b"\0\0\x08\1" + struct.pack(">I", count) + bytes(labels)
    for kind, data in (("images-idx3-ubyte", pictures), ("labels-idx1-ubyte", classes)):
        name = f"{stem}-{kind}"
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(data, mtime=0))
        else:
            (folder / name).write_bytes(data)


def write_batches(folder: Path, per_batch: int = 3) -> np.ndarray:
    folder.mkdir(parents=True, exist_ok=True)
    photos = RNG.integers(0, 256, (6 * per_batch, 32, 32, 3), dtype=np.uint8)
    names = [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]
    for number, name in enumerate(names):
        part = photos[number * per_batch : (number + 1) * per_batch]
        content = {
            b"data": part.transpose(0, 3, 1, 2).reshape(per_batch, -1),
            b"labels": [number] * per_batch,
        }
        (folder / name).write_bytes(pickle.dumps(content, protocol=3))
    return photos


def write_jpegs(path: Path, labels: list[int]) -> list[bytes]:
    files = []
    for _ in labels:
        buffer = io.BytesIO()
        pixels = RNG.integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(buffer, "JPEG", quality=75)
        files.append(buffer.getvalue())
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        jpeg=np.frombuffer(b"".join(files), np.uint8),
        offsets=np.cumsum([0, *map(len, files)]).astype(np.uint32),
        labels=np.array(labels, np.uint8),
    )
    return files


@pytest.fixture
def small() -> Dataset:
    images = RNG.integers(0, 256, (10, 8, 8, 1), dtype=np.uint8)
    indices = np.arange(10, dtype=np.int64) * 20
    return Dataset("toy", "test", images, np.arange(10), NUMERALS, indices, "here")


def test_digits_split_once_and_for_all() -> None:
    train, test = load_dataset("digits", split="train"), load_dataset("digits")
    assert (len(train), len(test)) == (1437, 360)
    assert sorted([*train.indices, *test.indices]) == list(range(1797))
    assert test.indices[:5].tolist() == [0, 9, 13, 14, 19]
    assert set(Counter(test.labels.tolist())) == set(range(10))
    assert test.images.shape == (360, 8, 8, 1)
    assert np.unique(train.images).tolist() == [round(k * 255 / 16) for k in range(17)]


def test_mnist5k_holds_500_training_images_of_each_class() -> None:
    data = load_dataset("mnist5k", split="train")
    assert data.images.shape == (5000, 28, 28, 1)
    assert Counter(data.labels.tolist()) == dict.fromkeys(range(10), 500)
    assert (np.diff(data.indices) > 0).all()
    assert len(set(data.digests())) == 5000
    assert data.labels[:10].tolist() == list(DIGITS)
    assert data.notes


def test_mnist5k_says_why_it_has_no_test_split() -> None:
    with pytest.raises(DataError, match="MNIST training images only, so it has no test split: use"):
        load_dataset("mnist5k")


@pytest.mark.parametrize("below", ["", "mnist", "MNIST/raw"])
@pytest.mark.parametrize("packed", [True, False])
def test_mnist_is_found_in_a_folder(tmp_path: Path, below: str, packed: bool) -> None:
    write_idx(tmp_path / below, "train", DIGITS, packed=packed)
    write_idx(tmp_path / below, "t10k", (1, 2, 3), packed=packed)
    train = load_dataset("mnist", split="train", root=tmp_path)
    assert train.labels.tolist() == list(DIGITS)
    assert train.indices.tolist() == list(range(10))
    assert (train.name, train.split, train.class_names) == ("MNIST", "train", NUMERALS)
    assert train.notes == ("10 images where the official split has 60000",)
    assert load_dataset("mnist", root=str(tmp_path)).labels.tolist() == [1, 2, 3]


def test_fashion_mnist_is_not_mistaken_for_mnist(tmp_path: Path) -> None:
    write_idx(tmp_path / "FashionMNIST/raw", "train", CLOTHES)
    write_idx(tmp_path, "train", DIGITS)
    assert load_dataset("mnist", split="train", root=tmp_path).labels.tolist() == list(DIGITS)
    clothes = load_dataset("fashion-mnist", split="train", root=tmp_path)
    assert clothes.labels.tolist() == list(CLOTHES)
    assert clothes.class_names[9] == "ankle boot"
    with pytest.raises(DataError, match="is the train split of Fashion-MNIST, not the train split"):
        load_dataset("mnist", split="train", root=tmp_path / "FashionMNIST/raw")


def test_exact_cifar10_is_read_in_its_official_order(tmp_path: Path) -> None:
    photos = write_batches(tmp_path / "cifar-10-batches-py")
    train = load_dataset("cifar10", split="train", root=tmp_path)
    assert np.array_equal(train.images, photos[:15])
    assert train.labels.tolist() == [k for k in range(5) for _ in range(3)]
    assert train.name == "CIFAR-10"
    test = load_dataset("cifar10", root=tmp_path / "cifar-10-batches-py")
    assert np.array_equal(test.images, photos[15:])
    assert test.class_names[0] == "airplane"
    assert test.class_names[9] == "truck"


def test_jpeg_cifar10_is_named_so(tmp_path: Path) -> None:
    files = write_jpegs(tmp_path / "cifar10_test.npz", [3, 8])
    for jpeg in (None, 75):
        data = load_dataset("cifar10", root=tmp_path, jpeg=jpeg)
        assert data.name == "CIFAR-10 (JPEG 75)"
        assert "not comparable" in data.notes[-1]
        assert np.array_equal(data.images[1], np.asarray(Image.open(io.BytesIO(files[1]))))
    with pytest.raises(DataError, match="would compress them twice"):
        load_dataset("cifar10", root=tmp_path, jpeg=90)


def test_exact_cifar10_comes_before_jpeg(tmp_path: Path) -> None:
    write_jpegs(tmp_path / "cifar10_test.npz", [3, 8])
    photos = write_batches(tmp_path / "cifar-10-batches-py")
    assert np.array_equal(load_dataset("cifar10", root=tmp_path).images, photos[15:])


def test_exact_cifar10_can_be_re_encoded(tmp_path: Path) -> None:
    photos = write_batches(tmp_path)
    data = load_dataset("cifar10", root=tmp_path, jpeg=75)
    buffer = io.BytesIO()
    Image.fromarray(photos[15]).save(buffer, "JPEG", quality=75, subsampling=2)
    assert np.array_equal(data.images[0], np.asarray(Image.open(buffer)))
    assert data.name == "CIFAR-10 (JPEG 75)"
    assert "re-encoded by Pillow at JPEG quality 75, 4:2:0" in data.notes[-1]


def test_labels_outside_the_classes_are_refused(tmp_path: Path) -> None:
    write_idx(tmp_path, "t10k", (0, 10, 3))
    with pytest.raises(DataError, match="labels from 0 to 10, MNIST has 0 to 9"):
        load_dataset("mnist", root=tmp_path)


def test_images_of_another_size_are_refused(tmp_path: Path) -> None:
    data = b"\0\0\x08\3" + struct.pack(">3I", 2, 8, 8) + bytes(128)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(data)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(b"\0\0\x08\1\0\0\0\2\1\2")
    with pytest.raises(DataError, match=r"shape \(8, 8, 1\), MNIST has \(28, 28, 1\)"):
        load_dataset("mnist", root=tmp_path)


def test_missing_files_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not come with the package: give the folder"):
        load_dataset("mnist")
    with pytest.raises(DataError, match=r"no CIFAR-10 test files in .*test_batch.*download=True"):
        load_dataset("cifar10", root=tmp_path)
    write_idx(tmp_path, "t10k", (1, 2))
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match="t10k-images-idx3-ubyte or t10k-labels-idx1-ubyte"):
        load_dataset("mnist", root=tmp_path)
    with pytest.raises(DataError, match="files in nowhere, which is no folder here"):
        load_dataset("cifar10", split="test", root=tmp_path / "nowhere")


def fake_torchvision(monkeypatch: pytest.MonkeyPatch, fetch: object) -> None:
    module = types.ModuleType("torchvision.datasets")
    module.MNIST = fetch
    monkeypatch.setitem(sys.modules, "torchvision", types.ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.datasets", module)


def test_download_goes_through_torchvision_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = []

    def fetch(root: str, *, train: bool, download: bool) -> None:
        print("progress")
        calls.append((root, train, download))
        write_idx(Path(root) / "MNIST/raw", "t10k", (1, 2, 3))

    fake_torchvision(monkeypatch, fetch)
    for _ in range(2):
        data = load_dataset("mnist", root=tmp_path, download=True)
        assert data.labels.tolist() == [1, 2, 3]
    assert calls == [(str(tmp_path), False, True)]
    assert capsys.readouterr().out == ""


def test_a_failed_download_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(root: str, *, train: bool, download: bool) -> None:
        raise RuntimeError("Error downloading\ntrain-images")

    fake_torchvision(monkeypatch, fetch)
    with pytest.raises(DataError, match=r"could not be downloaded \(Error downloading train"):
        load_dataset("mnist", root=tmp_path, download=True)
    monkeypatch.setitem(sys.modules, "torchvision.datasets", None)
    with pytest.raises(DataError, match="could not be downloaded"):
        load_dataset("mnist", root=tmp_path, download=True)


@pytest.mark.parametrize("jpeg", [0, 96, -5])
def test_options_out_of_range_are_refused(jpeg: int) -> None:
    with pytest.raises(ParameterError, match="give 1 to 95"):
        load_dataset("cifar10", jpeg=jpeg)
    with pytest.raises(ParameterError, match="cifar10 only"):
        load_dataset("digits", jpeg=75)
    with pytest.raises(ParameterError, match="choose train or test"):
        load_dataset("digits", split="valid")
    with pytest.raises(UnknownNameError, match="Did you mean 'mnist'"):
        load_dataset("mnst")


def test_the_table_agrees_with_what_is_loaded() -> None:
    assert dataset_names() == (
        "digits", "mnist5k", "plane", "mnist", "fashion-mnist", "cifar10"
    )  # fmt: skip
    for name, facts in DATASETS.items():
        assert len(facts.class_names) == (3 if name == "plane" else 10)
        assert facts.bundled == (not facts.torchvision)
        if facts.bundled:
            data = load_dataset(name, split="train")
            assert len(data) == facts.train
            assert data.images.shape[1:] == (*facts.input_shape[1:], facts.input_shape[0])
            assert data.class_names == facts.class_names


def test_a_subset_keeps_rows_together(small: Dataset) -> None:
    for rows in (slice(0, None, 3), [0, 3, 6, 9], np.array([0, 3, 6, 9])):
        part = small.subset(rows)
        assert part.labels.tolist() == [0, 3, 6, 9]
        assert part.indices.tolist() == [0, 60, 120, 180]
        assert np.array_equal(part.images, small.images[::3])
        assert part.name == small.name
    assert len(small.subset([])) == 0


@pytest.mark.parametrize("rows", [[10], [-1], [[0, 1]], [0, 10**6]])
def test_a_row_that_is_not_there_is_refused(small: Dataset, rows: list[int]) -> None:
    with pytest.raises(ParameterError, match="rows 0 to 9"):
        small.subset(rows)


def test_a_mask_picks_the_rows_where_it_is_true(small: Dataset) -> None:
    mask = small.labels % 3 == 0
    for rows in (mask, mask.tolist(), torch.from_numpy(mask)):
        assert small.subset(rows).labels.tolist() == [0, 3, 6, 9]
    assert len(small.subset(np.zeros(10, bool))) == 0
    for size in (1, 9, 11):
        with pytest.raises(ParameterError, match=f"mask has {size} values: .* rows 0 to 9"):
            small.subset(np.ones(size, bool))


@pytest.mark.parametrize(
    "rows",
    [[0.7], [1.0], np.zeros((0, 2)), np.zeros((2, 2), int), [[0], [1, 2]], "12", None, 3, {1, 2},
     [None], [2**70], ["1"], torch.zeros(2, requires_grad=True)],
)  # fmt: skip
def test_what_are_no_row_numbers_is_refused(small: Dataset, rows: object) -> None:
    with pytest.raises(ParameterError, match=r"are no row numbers: toy test has rows 0 to 9\.$"):
        small.subset(rows)


def test_rows_of_any_whole_kind_are_taken(small: Dataset) -> None:
    for rows in ([2, 1], np.array([2, 1], np.uint8), torch.tensor([2, 1]), range(2, 0, -1)):
        assert small.subset(rows).labels.tolist() == [2, 1]
    assert len(small.subset([])) == 0
    assert small.image(np.int64(3), SPEC8).label == 3


@pytest.mark.parametrize("row", [1.9, True, "1", None, [1]])
def test_an_image_has_a_whole_row(small: Dataset, row: object) -> None:
    with pytest.raises(ParameterError, match="is no row number: toy test has rows 0 to 9"):
        small.image(row, SPEC8)


@pytest.mark.parametrize("name", [None, 3, ["digits"], b"digits"])
def test_what_names_no_data_set_is_refused(name: object) -> None:
    with pytest.raises(ParameterError, match="is no data set: choose one of"):
        load_dataset(name)


def test_samples_can_be_kept_unseen(small: Dataset) -> None:
    digests = small.digests()
    assert len(set(digests)) == 10
    kept = small.without(digests[2:4])
    assert kept.labels.tolist() == [0, 1, 4, 5, 6, 7, 8, 9]
    assert small.without(()).labels.tolist() == list(range(10))
    assert len(small.without(digests)) == 0


def test_an_image_is_named_by_its_official_index(small: Dataset) -> None:
    spec = ModelSpec("net", "stub", (1, 8, 8), NUMERALS)
    image = small.image(3, spec)
    assert (image.name, image.label) == ("toy test 60", 3)
    assert np.array_equal(image.pixels[0] * 255, small.images[3, ..., 0])


def test_labels_mean_nothing_to_a_network_with_other_classes(small: Dataset) -> None:
    twisted = (*NUMERALS[1:], NUMERALS[0])
    for names in (("no", "yes"), twisted, ("cat", "dog", *NUMERALS[2:])):
        spec = ModelSpec("net", "stub", (1, 8, 8), names)
        assert not small.fits(spec)
        assert small.image(3, spec).label is None
        assert small.image(0, spec).label is None


@given(st.lists(st.integers(0, 39), max_size=20), st.sets(st.integers(0, 39), max_size=20))
def test_subset_and_without_agree_with_the_rows(rows: list[int], gone: set[int]) -> None:
    images = np.random.default_rng(9).integers(0, 4, (40, 1, 2, 1), dtype=np.uint8)
    data = Dataset("toy", "test", images, np.zeros(40, np.int64), NUMERALS, np.arange(40), "here")
    digests = data.digests()
    refused = {digests[row] for row in gone}
    part = data.subset(rows).without(refused)
    assert part.indices.tolist() == [data.indices[r] for r in rows if digests[r] not in refused]


@pytest.mark.parametrize("count", [1, 3, 4, 7, 10, 99])
def test_a_count_is_spread_evenly(count: int, tmp_path: Path) -> None:
    labels = (7, 2, 1, 0, 4, 1, 4, 9, 5, 8)
    write_idx(tmp_path, "t10k", labels)
    write_jpegs(tmp_path / "cifar10_test.npz", list(labels))
    for name in ("mnist", "cifar10"):
        whole = load_dataset(name, root=tmp_path)
        some = load_dataset(name, root=tmp_path, count=count)
        rows = [k * 10 // min(count, 10) for k in range(min(count, 10))]
        assert some.indices.tolist() == rows
        assert np.array_equal(some.images, whole.images[rows])
        assert some.labels.tolist() == [labels[row] for row in rows]
        assert (some.name, some.notes) == (whole.name, whole.notes)
    digits = load_dataset("digits", count=count)
    assert len(digits) == count
    assert digits.indices[0] == load_dataset("digits").indices[0]


def test_only_the_images_asked_for_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_jpegs(tmp_path / "cifar10_test.npz", [3] * 10)
    decoded: list[int] = []

    def count(data: bytes, shape: tuple[int, int], row: int, path: Path) -> np.ndarray:
        decoded.append(row)
        return np.zeros((*shape, 3), np.uint8)

    monkeypatch.setattr("rs_core.datasets.formats._decode_jpeg", count)
    load_dataset("cifar10", root=tmp_path, count=2)
    assert decoded == [0, 5]


@pytest.mark.parametrize("count", [0, -1, 1.5, "3"])
def test_a_count_below_one_is_refused(count: int) -> None:
    with pytest.raises(ParameterError, match="1 or more"):
        load_dataset("mnist5k", split="train", count=count)
