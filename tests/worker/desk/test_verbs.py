import base64
import io
import sqlite3
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rs_core import __version__
from rs_core.errors import ImageError, NotFoundError, ParameterError, StoreError, UnknownNameError
from rs_core.results import from_json
from tests.worker.conftest import Office, save_tiny


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stored = io.BytesIO()
    image.save(stored, kind, **options)
    return stored.getvalue()


def noise_image(mode: str = "RGB", side: int = 40) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def header_only(width: int, height: int) -> bytes:
    ihdr = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + ihdr
    body = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    end = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + body + end


def rotated() -> bytes:
    exif = Image.Exif()
    exif[274] = 6
    return saved(Image.new("RGB", (60, 40), "red"), "JPEG", exif=exif)


def animated() -> bytes:
    frames = [Image.new("L", (30, 30), level) for level in (10, 200)]
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("make", "note"),
    [
        (lambda: saved(noise_image("CMYK"), "JPEG"), "CMYK"),
        (lambda: saved(Image.fromarray(np.full((9, 9), 40_000, np.uint16))), "16-bit"),
        (rotated, "EXIF orientation 6"),
        (animated, "first frame"),
        (lambda: saved(noise_image("RGBA")), "alpha"),
        (lambda: saved(noise_image("P")), "palette"),
        (lambda: saved(noise_image()) + b"x" * 10_000, "resized"),
        (lambda: saved(noise_image(side=1)), "enlarged"),
    ],
)  # fmt: skip
def test_odd_images_are_read_and_the_change_is_noted(
    office: Office, make: Callable[[], bytes], note: str
) -> None:
    found = office.ask("decode", model=office.model(), data=b64(make()), name="x.png", invert=False)
    assert any(note in said for said in found["notes"]), found["notes"]
    pixels = from_json(np.ndarray, found["pixels"])
    assert pixels.shape == (1, 28, 28)
    assert Image.open(io.BytesIO(base64.b64decode(found["original"]))).format == "PNG"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: b"", "not a supported image"),
        (lambda: b"hello", "not a supported image"),
        (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a supported image"),
        (lambda: b"%!PS-Adobe-3.0 EPSF-3.0", "not a supported image"),
        (lambda: saved(noise_image(), "JPEG")[:400], "damaged or cut short"),
        (lambda: saved(noise_image())[:-30], "damaged or cut short"),
        (lambda: header_only(20_000, 20_000), "limit .* 16 million"),
        (lambda: header_only(13_300, 13_300), "limit .* 16 million"),
        (lambda: header_only(65_535, 65_535), "million"),
        (lambda: saved(Image.fromarray(np.full((9, 9), np.nan, np.float32)), "TIFF"), "NaN"),
    ],
)
def test_hostile_images_are_refused_in_one_sentence(
    office: Office, make: Callable[[], bytes], reason: str
) -> None:
    with pytest.raises(ImageError, match=reason) as caught:
        office.ask("decode", model=office.model(), data=b64(make()), name="x.png")
    assert "\n" not in str(caught.value)


def test_a_name_is_never_a_path(office: Office) -> None:
    data = b64(saved(noise_image()))
    names = {"../../etc/passwd": "passwd", "a\u202egnp.exe": "a gnp.exe", "x" * 500: "x" * 80}
    for given, shown in names.items():
        found = office.ask("decode", model=office.model(), data=data, name=given)
        assert found["name"] == shown


def test_a_sample_is_decoded_with_its_class(office: Office) -> None:
    found = office.ask("decode", model=office.model(), sample="digit-7")
    assert (found["label"], found["inverted"], found["notes"]) == (7, False, [])
    assert found["original_size"] == [28, 28]
    assert office.ask("image", image=found["image"]) == found
    other = office.ask("decode", model=office.model(), sample="digit-7", label=3)
    assert (other["label"], other["image"]) == (3, found["image"])
    with pytest.raises(NotFoundError, match="image not found"):
        office.ask("image", "eve", image=found["image"])


def test_a_paper_photo_is_inverted_unless_undone(office: Office, photo: np.ndarray) -> None:
    data = b64(saved(Image.fromarray(photo)))
    for given, inverted in (("auto", True), (None, True), (True, True), (False, False)):
        found = office.ask("decode", model=office.model(), data=data, name="x", invert=given)
        assert found["inverted"] is inverted


@pytest.mark.parametrize(
    "fields",
    [
        {"label": 10}, {"label": -1}, {"label": 1.5}, {"label": "seven"}, {"invert": "maybe"},
        {"sample": None}, {"model": None}, {"owner": ""},
    ],
)  # fmt: skip
def test_wrong_fields_are_refused(office: Office, fields: dict[str, object]) -> None:
    sound = {"owner": "ann", "model": office.model(), "sample": "digit-7"}
    with pytest.raises(ParameterError):
        office.desk("decode", {**sound, **fields})


def test_unknown_names_are_refused(office: Office) -> None:
    with pytest.raises(UnknownNameError, match="verb 'fly'"):
        office.ask("fly")
    with pytest.raises(UnknownNameError, match="sample image"):
        office.ask("decode", model=office.model(), sample="digit-6")


def test_follow_tells_everything(office: Office) -> None:
    job = office.start()
    waiting = office.follow(job)
    assert (waiting["state"], waiting["step"], waiting["result"]) == ("queued", None, None)
    steps = []
    while office.bench.turn():
        steps.append(office.follow(job))
    ended = office.follow(job)
    assert set(ended) == set(waiting)
    assert ended["state"] == "finished"
    assert ended["done"] == ended["total"] == 4 * 250
    assert ended["seconds"] > 0
    assert ended["error"] is None
    assert len(ended["result"]["certificates"]) == 3
    about = ended["about"]
    assert about == waiting["about"]
    assert (about["kind"], about["title"], about["seed"]) == ("sweep", "digit-7", 0)
    assert about["config"]["n"] == 200
    assert about["image_id"] == office.image()


def test_an_abstaining_run_is_finished_not_blank(office: Office, tmp_path: Path) -> None:
    """Infinite logits vote for no class."""
    office.weights = save_tiny(tmp_path, mute=True)
    job = office.start()
    office.finish()
    found = office.follow(job)
    assert found["state"] == "finished"
    certificates = found["result"]["certificates"]
    assert [(c["predicted"], c["radius"]) for c in certificates] == [(None, 0.0)] * 3
    assert found["result"]["best"] is None


def test_each_kind_runs(office: Office) -> None:
    certified = office.start(kind="certify", config={"sigma": 0.25, "n": 100})
    predicted = office.start(kind="predict", config={"sigma": 0.25, "n": 100})
    office.finish()
    assert office.follow(certified)["result"]["sigma"] == 0.25
    assert office.follow(predicted)["result"]["n"] == 100
    with pytest.raises(ParameterError, match="sweep, certify, predict"):
        office.start(kind="transmute")


def test_bad_settings_start_nothing(office: Office) -> None:
    for config in ({"n": 0}, {"sigmas": [0]}, {"alpha": 1}, [], "n"):
        with pytest.raises(ParameterError):
            office.start(config=config)
    with pytest.raises(ParameterError):
        office.start(seed=-1)
    assert office.ask("runs")["runs"] == []
    assert not office.bench.turn()


def test_pause_resume_cancel(office: Office) -> None:
    job = office.start()
    assert office.ask("pause", job=job)["state"] == "paused"
    assert not office.bench.turn()
    assert office.follow(job)["held"]
    assert office.start() == job
    assert office.follow(job)["state"] == "paused"
    assert office.ask("resume", job=job)["state"] == "queued"
    office.bench.turn()
    assert office.ask("cancel", job=job)["state"] in ("cancelled", "finished")
    office.finish()
    assert office.ask("cancel", job=job)["state"] == office.follow(job)["state"]


def test_noisy_copies_for_thumbnails(office: Office) -> None:
    fields = {"model": office.model(), "image": office.image(), "seed": 3}
    found = office.ask("noise", sigmas=[0.1, 1], **fields)
    copies = from_json(np.ndarray, found["copies"])
    assert copies.shape == (2, 1, 28, 28)
    assert copies[1].std() > copies[0].std()
    assert found == office.ask("noise", sigmas=[0.1, 1], **fields)
    for sigmas in ([], [0], ["x"], None, [0.1] * 101):
        with pytest.raises(ParameterError, match="sigmas"):
            office.ask("noise", sigmas=sigmas, **fields)


def test_questions_about_an_image_are_counted_and_outlive_their_runs(office: Office) -> None:
    first = office.start(seed=0)
    alone = office.follow(first)
    assert (alone["questions"], alone["risk"]) == (1, pytest.approx(0.002))  # curve and best
    again, second = office.start(seed=0), office.start(seed=1)
    assert again == first
    office.ask("cancel", job=second)
    office.start("bob", seed=5)
    office.start(kind="certify", config={"sigma": 0.25, "n": 200, "alpha": 0.1})
    office.finish()
    found = office.follow(first)
    assert (found["questions"], found["risk"]) == (3, pytest.approx(0.104))
    other = office.start(image=office.image(sample="digit-3"))
    assert office.follow(other)["questions"] == 1
    office.ask("forget")
    assert office.follow(office.start(seed=0))["questions"] == 1


def test_a_cancelled_run_says_how_far_it_was(office: Office) -> None:
    job = office.start(config={"sigmas": [0.1, 0.25], "n": 100_000, "n0": 50})
    for _ in range(3):
        office.bench.turn()
    reached = office.follow(job)["done"]
    assert reached > 0
    office.ask("cancel", job=job)
    ended = office.follow(job)
    assert (ended["state"], ended["done"]) == ("cancelled", reached)
    assert ended["total"] == 3 * 100_050


def test_an_id_of_any_length_is_not_found(office: Office) -> None:
    for job in ("x", "x" * 22, "x" * 5000, "\0", "../../etc/passwd", "\ud800"):
        for verb in ("follow", "cancel", "pause", "resume"):
            with pytest.raises(NotFoundError, match="run not found"):
                office.ask(verb, job=job)


def test_a_locked_index_refuses_starts_and_nothing_else(office: Office) -> None:
    job = office.start()
    office.finish()
    office.store._index._lock_seconds = 0.1
    office.store.close()
    office.desk._tidied = 0.0
    other = sqlite3.connect(office.store.home / "index.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    image = office.image(sample="digit-8")
    assert office.follow(job)["result"]["certificates"]
    with pytest.raises(StoreError, match="finished runs can be read and exported"):
        office.start(image=image)
    other.execute("ROLLBACK")
    other.close()
    assert office.start(image=image) != job


def test_runs_are_listed_and_forgotten_with_their_images(office: Office) -> None:
    mine, running, others = office.start(), office.start(seed=1), office.start("bob")
    image = office.image()
    office.bench.turn()
    assert [run["job"] for run in office.ask("runs")["runs"]] == [running, mine]
    assert office.ask("forget") == {"runs": 2}
    assert office.ask("runs") == {"runs": []}
    for job in (mine, running):
        with pytest.raises(NotFoundError):
            office.follow(job)
    with pytest.raises(NotFoundError):
        office.ask("image", image=image)
    office.finish()
    assert office.follow(others, "bob")["state"] == "finished"


def test_ping(office: Office) -> None:
    assert office.ask("ping") == {"version": __version__}
