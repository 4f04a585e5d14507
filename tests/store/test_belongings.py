import os
from pathlib import Path

import pytest

from rs_core.errors import DamagedError, NotFoundError
from rs_core.store import Belongings
from rs_core.store.belongings import SEED, SEED_LIMIT
from tests.store.conftest import ANN, BOB, DEEP

IMAGE = "a" * 32


@pytest.fixture
def belongings(tmp_path: Path) -> Belongings:
    return Belongings(tmp_path)


def test_images_belong_to_one_owner(belongings: Belongings) -> None:
    belongings.keep_image(ANN, IMAGE, {"label": 1})
    belongings.keep_image(ANN, IMAGE, {"label": 2})
    assert belongings.image(ANN, IMAGE) == {"label": 2}
    with pytest.raises(NotFoundError, match="image not found"):
        belongings.image(BOB, IMAGE)


def test_models_belong_to_one_owner(belongings: Belongings) -> None:
    model, path = belongings.keep_model(ANN, b"weights", b"spec")
    assert belongings.keep_model(ANN, b"weights", b"spec") == (model, path)
    assert belongings.keep_model(ANN, b"weights", b"other")[0] != model
    assert belongings.model(ANN, model) == path
    assert (path.read_bytes(), path.with_suffix(".json").read_bytes()) == (b"weights", b"spec")
    with pytest.raises(NotFoundError, match="model not found"):
        belongings.model(BOB, model)
    belongings.drop_model(ANN, model)
    with pytest.raises(NotFoundError):
        belongings.model(ANN, model)


@pytest.mark.parametrize("name", ["", "..", "../images", "/etc/passwd", "a" * 31, "A" * 32, "\0"])
def test_a_name_is_never_a_path(belongings: Belongings, name: str) -> None:
    for ask in (belongings.image, belongings.model):
        with pytest.raises(NotFoundError):
            ask(ANN, name)
        with pytest.raises(NotFoundError):
            ask(name, IMAGE)
    with pytest.raises(NotFoundError):
        belongings.delete_owner(name)


@pytest.mark.parametrize("content", [b"{", b"[]", b"null", DEEP, b'{"sha256": "0"}', b""])
def test_a_damaged_image_says_so_and_is_kept_anew(
    belongings: Belongings, tmp_path: Path, content: bytes
) -> None:
    belongings.keep_image(ANN, IMAGE, {"label": 1})
    path = next(tmp_path.rglob(f"{IMAGE}.json"))
    path.write_bytes(content if content != b'{"sha256": "0"}' else path.read_bytes()[:-3] + b"2}}")
    with pytest.raises(DamagedError, match=r"this image's file was changed .*: choose"):
        belongings.image(ANN, IMAGE)
    belongings.keep_image(ANN, IMAGE, {"label": 3})
    assert belongings.image(ANN, IMAGE) == {"label": 3}


def test_an_image_of_an_older_version_stays_readable(
    belongings: Belongings, tmp_path: Path
) -> None:
    belongings.keep_image(ANN, IMAGE, {})
    next(tmp_path.rglob(f"{IMAGE}.json")).write_text('{"label": 4}')
    assert belongings.image(ANN, IMAGE) == {"label": 4}


def test_of_many_images_the_longest_unused_go(
    belongings: Belongings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rs_core.store.belongings.MOST_IMAGES", 3)
    ids = [f"{number:032x}" for number in range(5)]
    for age, image in enumerate(ids):
        belongings.keep_image(ANN, image, {"n": image})
        os.utime(next(tmp_path.rglob(f"{image}.json")), (1e9 + age, 1e9 + age))
        belongings.keep_image(BOB, image, {}) if age < 2 else None
    for image in ids[:2]:
        with pytest.raises(NotFoundError):
            belongings.image(ANN, image)
        assert belongings.image(BOB, image) == {}
    assert [belongings.image(ANN, image)["n"] for image in ids[2:]] == ids[2:]


def test_an_owners_folder_does_not_show_the_key(belongings: Belongings, tmp_path: Path) -> None:
    belongings.keep_image(ANN, IMAGE, {})
    assert not [p for p in tmp_path.rglob("*") if p.name == "ann"]
    assert (tmp_path / "owners" / ANN / "images").stat().st_mode & 0o077 == 0


def test_questions_are_counted_per_owner_and_subject(belongings: Belongings) -> None:
    for key, risk in (("a", 0.001), ("b", 0.1), ("a", 0.001)):
        belongings.note_question(ANN, ["image model"], key, 1, risk)
    belongings.note_question(ANN, ["image other"], "a", 1, 0.5)
    assert belongings.questions(ANN, ["image model"]) == (2, pytest.approx(0.101))
    assert belongings.questions(ANN, ["image other"]) == (1, 0.5)
    assert belongings.questions(BOB, ["image model"]) == (0, 0)
    again = Belongings(belongings.root.parent)
    assert again.questions(ANN, ["image model"]) == (2, pytest.approx(0.101))
    belongings.delete_owner(ANN)
    assert belongings.questions(ANN, ["image model"]) == (0, 0)


def test_an_owners_models_are_listed_last_used_last(belongings: Belongings) -> None:
    first, path = belongings.keep_model(ANN, b"one", b"spec")
    second, _ = belongings.keep_model(ANN, b"two", b"spec")
    os.utime(path.parent, (1, 1))
    assert belongings.models(ANN) == [first, second]
    os.utime(path.parent, (2**33, 2**33))
    assert belongings.models(ANN) == [second, first]
    assert belongings.models(BOB) == []


def test_a_seed_is_drawn_once_and_anew_after_everything_was_deleted(tmp_path: Path) -> None:
    belongings = Belongings(tmp_path)
    first, other = belongings.seed(ANN), belongings.seed(BOB)
    assert first != other
    assert 0 <= first < SEED_LIMIT == 2**53
    assert [Belongings(tmp_path).seed(ANN) for _ in range(3)] == [first] * 3
    belongings.delete_owner(ANN)
    assert belongings.seed(ANN) != first
    assert belongings.seed(BOB) == other


@pytest.mark.parametrize("content", [b"", b"{", b'"7"', b"-1", str(2**53).encode(), b"true"])
def test_a_damaged_seed_is_drawn_anew_and_kept(tmp_path: Path, content: bytes) -> None:
    belongings = Belongings(tmp_path)
    belongings.seed(ANN)
    (belongings.root / ANN / SEED).write_bytes(content)
    seed = belongings.seed(ANN)
    assert 0 <= seed < SEED_LIMIT
    assert belongings.seed(ANN) == seed


def test_a_full_disk_leaves_a_seed_that_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rs_core.store.belongings.write_document", refuse)
    assert 0 <= Belongings(tmp_path).seed(ANN) < SEED_LIMIT


def test_looks_are_counted_once_each(tmp_path: Path) -> None:
    belongings = Belongings(tmp_path)
    belongings.note_question(ANN, ["i m"], "a", 1, 0.001, ("sigma 0.25, seed 1",))
    assert belongings.looks(ANN, ["i m"]) == 1
    belongings.note_question(ANN, ["i m"], "b", 1, 0.01, ("sigma 0.25, seed 1",))
    belongings.note_question(ANN, ["i m"], "c", 1, 0.001)
    assert belongings.looks(ANN, ["i m"]) == 1
    belongings.note_question(ANN, ["i m"], "d", 1, 0.001, ("sigma 0.5, seed 1", "grid, seed 1"))
    assert (belongings.looks(ANN, ["i m", "i n"]), belongings.looks(BOB, ["i m"])) == (3, 0)
    assert belongings.questions(ANN, ["i m"]) == (4, pytest.approx(0.013))
    assert Belongings(tmp_path).looks(ANN, ["i m"]) == 3
