import base64
import io
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rs_core.datasets import load_dataset
from rs_core.errors import DataError, ParameterError, UnknownNameError
from rs_core.images import image_from_array
from rs_core.results import from_json
from rs_core.store import owner_id, read_description, write_description
from rs_core.worker.datasets import _few, offered_sets
from rs_core.worker.pictures import image_of
from tests.datasets.test_loading import write_idx, write_jpegs
from tests.worker.conftest import Office, save_tiny

LABELS = (7, 2, 1, 0, 4, 1, 4, 9, 5, 9, 0, 6)  # as MNIST's test split begins


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "data"
    write_idx(made / "mnist", "t10k", LABELS)
    write_jpegs(made / "cifar10_test.npz", [3, 8])
    monkeypatch.setenv("RS_DATA", str(made))
    return made


@pytest.fixture(autouse=True)
def _no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RS_DATA", raising=False)


def names() -> list[str]:
    return [one["name"] for one in offered_sets()]


def test_bundled_sets_are_always_offered() -> None:
    found = {one["name"]: one for one in offered_sets()}
    assert {"digits", "mnist5k"} <= set(found)
    assert not {"mnist", "cifar10"} & set(found)
    assert found["mnist5k"]["size"] == 5000
    assert found["mnist5k"]["input_shape"] == (1, 28, 28)
    assert "has seen them" in found["mnist5k"]["note"]
    assert found["digits"] == {
        "name": "digits", "title": "digits 8x8", "size": 360, "input_shape": (1, 8, 8), "note": "",
    }  # fmt: skip


def test_the_folder_adds_what_it_holds(folder: Path) -> None:
    found = {one["name"]: one for one in offered_sets()}
    assert {"mnist", "cifar10"} <= set(found)
    assert "fashion-mnist" not in found
    assert found["mnist"]["size"] == 10_000
    assert found["cifar10"]["title"] == "CIFAR-10 (JPEG 75)"
    assert "JPEG quality 75" in found["cifar10"]["note"]


@pytest.mark.parametrize("make", ["nothing", "empty", "file", "damaged"])
def test_a_bad_folder_offers_nothing_and_says_so_once(
    make: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad = tmp_path / "bad"
    if make == "file":
        bad.write_text("in the way")
    elif make != "nothing":
        bad.mkdir()
    if make == "damaged":
        (bad / "t10k-images-idx3-ubyte").write_bytes(b"xx")
        (bad / "t10k-labels-idx1-ubyte").write_bytes(b"xx")
        (bad / "cifar10_test.npz").write_bytes(b"xx")
    alone = names()
    monkeypatch.setenv("RS_DATA", str(bad))
    with caplog.at_level(logging.WARNING):
        assert names() == alone
    assert len(caplog.records) == 1
    assert caplog.messages[0].startswith("RS_DATA offers no data set: ")
    assert "\n" not in caplog.messages[0]


def test_a_reader_that_fails_on_one_set_hides_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fragile(name: str, **choice: Any) -> Any:
        return 1 / 0 if name == "mnist" else load_dataset(name, **choice)

    before = names()
    monkeypatch.setattr("rs_core.worker.datasets.load_dataset", fragile)
    _few.cache_clear()
    assert names() == [name for name in before if name != "mnist"]
    assert "mnist" in before
    assert any("the files of mnist cannot be read" in message for message in caplog.messages)


def test_images_are_spread_over_the_set_and_kept(office: Office, folder: Path) -> None:
    found = office.ask("images_of_set", model=office.model(), set="mnist", count=4)
    assert [one["index"] for one in found["images"]] == [0, 3, 6, 9]
    assert [one["label"] for one in found["images"]] == [7, 0, 4, 9]
    assert [one["name"] for one in found["images"]][1] == "MNIST test 3"
    assert found["set"] == "MNIST test, 4 images: 0, 3, 6, ... 9"
    data = load_dataset("mnist", root=folder)
    for one in found["images"]:
        reply = office.ask("image", image=one["image"])
        kept = image_of(office.store.belongings.image(owner_id("ann"), one["image"]))
        spec = office.desk._shelf.spec(owner_id("ann"), office.model())
        assert np.array_equal(kept.pixels, data.image(one["index"], spec).pixels)
        assert np.array_equal(from_json(np.ndarray, reply["pixels"]), kept.pixels)
        head, _, raw = one["thumbnail"].partition(",")
        assert head == "data:image/png;base64"
        card = np.asarray(Image.open(io.BytesIO(base64.b64decode(raw))))
        assert np.array_equal(card, data.images[one["index"], ..., 0])
    again = office.ask("images_of_set", model=office.model(), set="mnist", count=4)
    assert again == found
    job = office.start(image=found["images"][2]["image"], kind="predict", config={"sigma": 0.5})
    office.finish()
    assert office.follow(job)["about"]["title"] == "MNIST test 6"


def test_more_than_there_are_gives_all(office: Office, folder: Path) -> None:
    found = office.ask("images_of_set", model=office.model(), set="mnist", count=200)
    assert [one["index"] for one in found["images"]] == list(range(12))


def test_the_bundled_set_needs_no_folder(office: Office) -> None:
    found = office.ask("images_of_set", model=office.model(), set="mnist5k", count=10)
    data = load_dataset("mnist5k", split="train").subset(range(0, 5000, 500))
    assert [one["label"] for one in found["images"]] == data.labels.tolist()
    assert [one["index"] for one in found["images"]] == data.indices.tolist()
    assert found["set"].startswith("MNIST train (5,000), 10 images: ")


def test_the_same_pixels_keep_where_they_come_from(office: Office, folder: Path) -> None:
    """A set's image that is uploaded by hand afterwards is still that image of the set."""
    (one, *_) = office.ask("images_of_set", model=office.model(), set="mnist", count=2)["images"]
    raw = one["thumbnail"].partition(",")[2]
    again = office.ask(
        "decode", model=office.model(), data=raw, name="mine.png", invert=False, label=1
    )
    assert again["image"] == one["image"]
    kept = office.store.belongings.image(owner_id("ann"), one["image"])
    assert kept["origin"] == {"dataset": "MNIST test", "index": 0}
    assert kept["image"]["label"] == 1


@pytest.mark.parametrize("count", [0, -1, 201, 1.5, "3", None, True])
def test_a_count_out_of_range_is_refused(office: Office, count: object) -> None:
    with pytest.raises(ParameterError, match="count"):
        office.ask("images_of_set", model=office.model(), set="mnist5k", count=count)


def test_sets_that_do_not_fit_or_are_not_there(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = office.model()
    with pytest.raises(UnknownNameError, match="data set"):
        office.ask("images_of_set", model=model, set="../../etc", count=1)
    with pytest.raises(DataError, match="let RS_DATA name the folder"):
        office.ask("images_of_set", model=model, set="mnist", count=1)
    with pytest.raises(ParameterError, match="digits 8x8 has 1x8x8 pixels and tiny takes 1x28x28"):
        office.ask("images_of_set", model=model, set="digits", count=1)
    monkeypatch.setenv("RS_DATA", str(tmp_path / "empty"))
    with pytest.raises(DataError, match="no MNIST test files"):
        office.ask("images_of_set", model=model, set="mnist", count=1)


def test_a_network_with_other_classes_gets_no_labels(
    office: Office, folder: Path, tmp_path: Path
) -> None:
    office.weights = save_tiny(tmp_path, class_names=tuple("abcdefghij"))
    found = office.ask("images_of_set", model=office.model(), set="mnist", count=2)
    assert [one["label"] for one in found["images"]] == [None, None]


def test_the_kept_description_is_of_this_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_description({"sets": []}, tmp_path)
    assert read_description(tmp_path) == {"sets": []}
    monkeypatch.setenv("RS_DATA", str(tmp_path))
    assert read_description(tmp_path) is None
    write_description({"sets": ["mnist"]}, tmp_path)
    assert read_description(tmp_path) == {"sets": ["mnist"]}
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_a_row_is_the_image_that_the_engine_makes(office: Office) -> None:
    found = office.ask("images_of_set", model=office.model(), set="mnist5k", count=3)
    data = load_dataset("mnist5k", split="train", count=3)
    spec = office.desk._shelf.spec(owner_id("ann"), office.model())
    kept = image_of(office.store.belongings.image(owner_id("ann"), found["images"][1]["image"]))
    assert kept.digest == image_from_array(data.images[1], spec).digest
