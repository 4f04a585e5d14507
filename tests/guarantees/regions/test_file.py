import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError, RsError, StoreError
from rs_core.guarantees.regions import file as module
from rs_core.guarantees.regions.file import (
    AllocationRecord,
    prepared,
    read_allocation,
    write_allocation,
)
from rs_core.results import to_json
from tests.conftest import Linear, spec_of
from tests.guarantees.regions.test_allocation import frozen

COUNT = 9


def record(**changes: Any) -> AllocationRecord:
    whole: dict[str, Any] = {
        "allocation": frozen(1, "label_aware"),
        "unfinished": None,
        "network": "stub",
        "prepared": "fp32 1x1x2 mean [] std []",
        "class_names": ("zero", "one", "two"),
        "names": tuple(f"name {k}" for k in range(COUNT)),
        "statements": ("said",) * COUNT,
        "degrees": tuple(range(COUNT)),
        "notes": ("a note",),
        "settings": {"selector": "Fixed()"},
        "program": "rs-lab 0",
    }
    return AllocationRecord(**whole | changes)


def sealed(content: dict[str, Any]) -> dict[str, Any]:
    """As a forger would write it: the seal fits."""
    plain = {key: value for key, value in content.items() if key != "seal"}
    return plain | {"seal": module._seal(plain)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "regions.json"
    write_allocation(path, record())
    return path


def test_what_was_written_is_read(file: Path) -> None:
    found = read_allocation(file)
    assert to_json(found) == to_json(record())
    assert found.allocation.hash == frozen(1, "label_aware").hash
    other = file.with_name("other.json")
    write_allocation(other, record(unfinished=frozen(2, "strict")))
    unfinished = read_allocation(other).unfinished
    assert unfinished is not None
    assert unfinished.hash == frozen(2, "strict").hash


def test_an_allocation_is_never_replaced(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(StoreError, match="certificates may rest on it"):
        write_allocation(file, record(notes=()))
    assert file.read_bytes() == before
    dangling = file.with_name("link")
    dangling.symlink_to("nowhere")
    with pytest.raises(StoreError, match="link exists"):
        write_allocation(dangling, record())
    with pytest.raises(StoreError, match="cannot be written"):
        write_allocation(file.parent / "missing" / "regions.json", record())


def edit(change: Callable[[dict[str, Any]], object], *, seal: bool) -> Callable[[Path], object]:
    def apply(path: Path) -> None:
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(sealed(content) if seal else content))

    return apply


def larger(content: dict[str, Any]) -> None:
    """Every radius a little larger, under the old hash."""
    old = frozen(1, "label_aware")
    content["allocation"]["radii"] = to_json(np.asarray(old.radii) * 1.01)


DAMAGES = {
    "missing": (lambda path: path.unlink(), "cannot be read"),
    "empty": (lambda path: path.write_bytes(b""), "no frozen allocation, or was cut off"),
    "bytes": (lambda path: path.write_bytes(b"\x89PNG\xff\x00" * 99), "no frozen allocation"),
    "cut off": (lambda path: path.write_bytes(path.read_bytes()[:-9]), "was cut off"),
    "list": (lambda path: path.write_text("[1, 2]"), "no frozen allocation"),
    "foreign": (lambda path: path.write_text('{"format": "else"}'), "no frozen allocation"),
    "deep": (lambda path: path.write_text("[" * 100_000), "no frozen allocation"),
    "version": (edit(lambda c: c.update(version=3), seal=True), "has version 3 and .* up to 2"),
    "certificates gone": (edit(lambda c: c.update(version=2), seal=True), "lack their certif"),
    "edited": (edit(lambda c: c.update(notes=["calm"]), seal=False), "seal is that of other"),
    "name": (edit(lambda c: c["names"].reverse(), seal=False), "seal is that of other"),
    "no seal": (edit(lambda c: c.pop("seal"), seal=False), "seal is that of other"),
    "radii": (edit(larger, seal=True), "content has hash"),
    "hash": (edit(lambda c: c["allocation"].update(hash="0" * 32), seal=True), "has hash"),
    "no field": (edit(lambda c: c.pop("names"), seal=True), "was changed"),
    "no points": (edit(lambda c: c["allocation"].pop("points"), seal=True), "not what it should"),
    "a word": (edit(lambda c: c.update(allocation="x"), seal=True), "not what it should"),
    "too few": (edit(lambda c: c.update(degrees=[1]), seal=True), "as many names"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_cannot_be_trusted_is_refused(file: Path, damage: str) -> None:
    change, said = DAMAGES[damage]
    change(file)
    with pytest.raises(StoreError, match=said) as caught:
        read_allocation(file)
    assert str(caught.value).startswith("regions.json ")
    assert "\n" not in str(caught.value)


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
arrays = st.sampled_from(["<f8", "<i8", "O", "<M8[s]", "bool", "nonsense", "<U1", "<c16", ""])
TOP = ("allocation", "names", "degrees", "class_names", "settings", "notes", "unfinished")
INNER = ("mode", "points", "labels", "sigmas", "radii", "owners", "digests", "fallback_sigma")


@settings(max_examples=150, deadline=None)
@given(value=values, place=st.sampled_from([*TOP, *INNER]), dtype=arrays, keep=st.booleans())
def test_a_forged_file_is_read_or_refused_but_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, value: Any, place: str, dtype: str, keep: bool
) -> None:
    path = tmp_path_factory.mktemp("forged") / "regions.json"
    write_allocation(path, record())
    content = json.loads(path.read_text())
    inner = content["allocation"]
    inner["hash"] = ""
    if place in INNER and keep and isinstance(inner[place], dict):
        inner[place]["dtype"] = dtype
    else:
        (inner if place in INNER else content)[place] = value
    path.write_text(json.dumps(sealed(content)))
    with suppress(RsError):
        read_allocation(path).allocation.check()


def test_only_the_network_that_was_frozen_may_answer() -> None:
    classifier = Classifier(Linear(np_weight(), 0.0), spec_of((1, 1, 2), 2), precision="fp32")
    mine = replace(frozen(1, "strict"), weights_id=classifier.weights_id, hash="")
    good = record(allocation=mine, prepared=prepared(classifier))
    good.hold(classifier)
    with pytest.raises(ParameterError, match="give the network it was frozen for"):
        record(prepared=prepared(classifier)).hold(classifier)
    with pytest.raises(ParameterError, match="its answers may differ"):
        replace(good, prepared="bf16 1x1x2 mean [] std []").hold(classifier)


def np_weight() -> Any:
    import torch

    return torch.tensor([1.0, 0.0])
