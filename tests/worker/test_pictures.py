import base64
import errno
import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rs_core.assets import sample_names, sample_path
from rs_core.errors import ImageError, ParameterError, StoreError, UnknownNameError
from rs_core.images import load_image
from rs_core.images.decoding import Decoded
from rs_core.results import ModelSpec
from rs_core.worker.pictures import (
    decode,
    image_of,
    picture_id,
    picture_json,
    sample_data,
)
from tests.worker.conftest import DIGITS, Office

GREY = ModelSpec("digits", "conv4", (1, 28, 28), DIGITS)
RAMP = np.arange(784, dtype=np.uint32).reshape(28, 28).astype(np.uint8)
COLOUR = ModelSpec("things", "conv4", (3, 32, 32), ("a", "b"))


def png(pixels: np.ndarray) -> bytes:
    stored = io.BytesIO()
    Image.fromarray(pixels).save(stored, "PNG")
    return stored.getvalue()


@pytest.mark.parametrize("spec", [GREY, COLOUR])
@pytest.mark.parametrize("name", sample_names())
def test_the_network_sees_what_load_image_gives(name: str, spec: ModelSpec) -> None:
    path = sample_path(name)
    picture = decode(path.read_bytes(), spec, name=path.name, label=1, invert=False)
    assert not picture.inverted
    expected = load_image(path, spec, label=1)
    np.testing.assert_array_equal(picture.image.pixels, expected.pixels)
    assert vars(picture.image) | {"pixels": 0} == vars(expected) | {"pixels": 0}


def test_a_paper_photo_is_inverted_and_says_so(photo: np.ndarray) -> None:
    data = png(photo)
    automatic = decode(data, GREY, name="one.png", label=None, invert=None)
    assert automatic.inverted
    assert automatic.image.pixels[0, 0, 0] == 0
    assert automatic.image.pixels.max() == 1
    assert "inverted" in automatic.image.preprocessing[0]
    assert automatic.image.original_size == (180, 240)
    undone = decode(data, GREY, name="one.png", label=None, invert=False)
    assert not undone.inverted
    assert undone.image.pixels[0, 0, 0] > 0.5
    assert picture_id(undone.image) != picture_id(automatic.image)


def test_only_networks_that_read_digits_invert_by_themselves(photo: np.ndarray) -> None:
    data = png(photo)
    clothes = replace(GREY, class_names=tuple(f"class {d}" for d in DIGITS))
    assert not decode(data, clothes, name="x", label=None, invert=None).inverted
    assert decode(data, clothes, name="x", label=None, invert=True).inverted
    assert not decode(data, COLOUR, name="x", label=None, invert=True).inverted


@pytest.mark.parametrize("name", ["digit-3", "digit-7", "digit-8", "digit-9"])
def test_bright_digits_stay_as_they_are(name: str) -> None:
    data, label = sample_data(name, GREY)
    picture = decode(data, GREY, name=name, label=label, invert=None)
    assert not picture.inverted
    assert picture.image.label == int(name[-1])


def test_a_samples_class_is_known_where_the_network_knows_it() -> None:
    assert sample_data("cat", GREY)[1] is None
    assert sample_data("digit-7", COLOUR)[1] is None
    with pytest.raises(UnknownNameError, match="digit-7"):
        sample_data("digit-6", GREY)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((400, 300, 3), np.uint8),
        np.zeros((5, 9), np.uint8),
        np.zeros((2, 3000), np.uint8),
    ],
)
def test_the_original_is_shown_small(pixels: np.ndarray) -> None:
    picture = decode(png(pixels), COLOUR, name="x", label=None, invert=None)
    shown = Image.open(io.BytesIO(picture.original))
    assert shown.format == "PNG"
    assert max(shown.size) <= 256
    assert max(shown.size) == min(256, max(pixels.shape[:2]))


def test_a_picture_is_kept_and_read_back(photo: np.ndarray) -> None:
    picture = decode(png(photo), GREY, name="one.png", label=1, invert=None)
    again = image_of(picture_json(picture))
    np.testing.assert_array_equal(again.pixels, picture.image.pixels)
    assert vars(again) | {"pixels": 0} == vars(picture.image) | {"pixels": 0}


def test_what_is_no_image_or_no_class_is_refused(tmp_path: Path) -> None:
    for data in (b"", b"<svg/>", b"%PDF-1.7", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n"):
        with pytest.raises(ImageError):
            decode(data, GREY, name=str(tmp_path / "x.png"), label=None, invert=None)
    with pytest.raises(ParameterError, match="label=10 is outside the 10 classes"):
        decode(sample_data("cat", GREY)[0], GREY, name="x", label=10, invert=None)


@pytest.mark.parametrize("shape", [(20_000, 1), (1, 20_000), (9, 1), (1, 1), (300, 80)])
def test_a_thin_original_is_shown_on_ground_of_a_shape_that_fits_a_page(
    shape: tuple[int, int],
) -> None:
    picture = decode(png(np.full(shape, 255, np.uint8)), COLOUR, name="x", label=None, invert=None)
    shown = Image.open(io.BytesIO(picture.original))
    assert max(shown.size) <= min(4 * min(shown.size) + 3, 256)
    seen = np.asarray(shown.convert("RGBA"))
    assert (seen[..., 3] == 255).any()
    assert (seen[seen[..., 3] == 255] == 255).all()


@pytest.mark.parametrize("invert", [None, True, False])
def test_app_command_line_and_python_decide_alike(photo: np.ndarray, invert: bool | None) -> None:
    picture = decode(png(photo), GREY, name="one.png", label=1, invert=invert)
    loaded = load_image(png(photo), GREY, name="one.png", label=1, invert=invert)
    assert vars(picture.image) | {"pixels": 0} == vars(loaded) | {"pixels": 0}
    np.testing.assert_array_equal(picture.image.pixels, loaded.pixels)
    assert loaded.original_size == (180, 240)


def test_a_strangers_file_is_decoded_in_another_process(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(*args: object) -> Decoded:
        raise AssertionError("decoded in the compute process")

    model = office.model()
    monkeypatch.setattr("rs_core.images.decoding._open_and_decode", here)
    data = base64.b64encode(png(RAMP)).decode()
    shown = office.ask("decode", model=model, data=data, name="mine.png", invert=False)
    assert list(shown["original_size"]) == [28, 28]
    with pytest.raises(ImageError, match="decoded in the compute process"):
        office.ask("decode", model=model, sample="digit-7")


def test_a_jpeg_of_thousands_of_scans_is_refused(office: Office) -> None:
    stored = io.BytesIO()
    Image.new("RGB", (64, 64), (9, 8, 7)).save(stored, "JPEG", progressive=True)
    data = stored.getvalue()
    last = data.rindex(b"\xff\xda")
    bomb = base64.b64encode(data[:-2] + data[last:-2] * 5_000 + data[-2:]).decode()
    with pytest.raises(ImageError, match="more than 100 scans"):
        office.ask("decode", model=office.model(), data=bomb, name="bomb.jpg")


def test_an_image_that_a_full_disk_does_not_keep_is_refused_for_that_and_kept_later(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes, *, private: bool = False) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    fields = {"model": office.model(), "data": base64.b64encode(png(RAMP)).decode(), "name": "x"}
    with monkeypatch.context() as patched:
        patched.setattr("rs_core.store.belongings.write_durably", full)
        with pytest.raises(StoreError, match=r"No space left on device.*free some space"):
            office.ask("decode", **fields)
    image = office.ask("decode", **fields)["image"]
    assert office.follow(office.start(image=image))["state"] == "queued"
