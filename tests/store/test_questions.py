"""A count that was lost is never taken for 0."""

import json
from pathlib import Path

import pytest

from rs_core.store import Asked, Belongings
from rs_core.store.documents import read_document
from tests.store.conftest import ANN, BOB, DEEP

BAD = [
    b"null", b"[]", b"3", b"{", b"", DEEP, b'{"image model": 3}', b'{"image model": {"a": "x"}}',
    b'{"image model": {"a": [1]}}', b'{"image model": {"a": -1}}', b'{"image model": {"a": NaN}}',
    b'{"image model": {"a": [1.5, 0.1]}}', b'{"image model": {"a": true}}', b"flipped",
]  # fmt: skip


@pytest.fixture
def belongings(tmp_path: Path) -> Belongings:
    made = Belongings(tmp_path)
    made.note_question(ANN, ["image model"], "a", 1, 0.25)
    made.note_question(BOB, ["image model"], "a", 1, 0.5)
    return made


def damage(belongings: Belongings, content: bytes) -> Path:
    path = belongings.root / ANN / "questions.json"
    if content == b"flipped":
        content = path.read_bytes().replace(b"0.25", b"0.01")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("content", BAD)
@pytest.mark.parametrize("first", ["note", "look"])
def test_a_damaged_count_is_set_aside_and_said(
    belongings: Belongings, content: bytes, first: str
) -> None:
    damage(belongings, content)
    if first == "note":
        belongings.note_question(ANN, ["image model"], "b", 1, 0.125)
    assert belongings.count_is_lost(ANN)
    assert not belongings.count_is_lost(BOB)
    belongings.recount(ANN, lambda: [Asked(["image model"], "a", 1, 0.25)], gone=False)
    found = belongings.questions(ANN, ["image model"])
    assert found == ((2, 0.375) if first == "note" else (1, 0.25))
    again = Belongings(belongings.root.parent)
    assert (again.questions(ANN, ["image model"]), again.count_is_lost(ANN)) == (found, True)
    assert (belongings.root / ANN / "questions.damaged").exists()
    assert belongings.questions(BOB, ["image model"]) == (1, 0.5)


def test_what_is_still_known_is_counted_once(belongings: Belongings) -> None:
    damage(belongings, b"null")
    calls = []

    def known() -> list[Asked]:
        calls.append(1)
        return [Asked(["image model"], "a", 2, 0.25)]

    for _ in range(3):
        belongings.recount(ANN, known, gone=False)
    assert (len(calls), belongings.questions(ANN, ["image model"])) == (1, (2, 0.25))
    belongings.recount(BOB, known, gone=False)
    assert len(calls) == 1


def test_a_count_that_vanished_is_noticed_by_who_knows_better(belongings: Belongings) -> None:
    (belongings.root / ANN / "questions.json").unlink()
    assert not belongings.is_counted(ANN, ["image model"])
    belongings.recount(ANN, lambda: [Asked(["image model"], "a", 1, 0.25)], gone=True)
    assert belongings.is_counted(ANN, ["image model"])
    assert belongings.count_is_lost(ANN)
    assert belongings.questions(ANN, ["image model"]) == (1, 0.25)


def test_a_count_of_an_older_version_is_read_and_sealed(belongings: Belongings) -> None:
    path = damage(belongings, json.dumps({"image model": {"a": 0.25, "b": [2, 0.5]}}).encode())
    assert belongings.questions(ANN, ["image model"]) == (3, 0.75)
    belongings.note_question(ANN, ["image model"], "c", 1, 0.125)
    assert read_document(path).sealed
    assert belongings.questions(ANN, ["image model"]) == (4, 0.875)
    assert not belongings.count_is_lost(ANN)
