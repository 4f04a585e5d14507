import base64
import json
from collections.abc import Callable
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rs_core import __version__
from rs_core.assets import sample_names
from rs_core.fields import describe_fields
from rs_core.models import bundled_names, read_spec
from rs_core.results import to_json
from rs_core.smoothing import Certify, Predict, Sweep
from rs_core.store import read_description
from rs_core.worker.__main__ import _leave_description
from rs_core.worker.desk.describe import describe
from rs_core.worker.pictures import sample_thumbnail

describing = import_module("rs_core.worker.desk.describe")


def test_the_kept_description_equals_the_dataclasses(tmp_path: Path) -> None:
    _leave_description(tmp_path)
    kept = read_description(tmp_path)
    assert kept is not None
    for kind, task in (("sweep", Sweep), ("certify", Certify), ("predict", Predict)):
        assert kept["forms"][kind] == to_json(describe_fields(task))
    assert kept["version"] == __version__
    assert kept == describe()
    json.dumps(kept, allow_nan=False)


def test_models_samples_and_devices_are_listed() -> None:
    found = describe()
    assert [spec["name"] for spec in found["models"]] == bundled_names()
    assert [sample["name"] for sample in found["samples"]] == list(sample_names())
    for sample in found["samples"]:
        card = Image.open(BytesIO(base64.b64decode(sample["thumbnail"])))
        assert card.size == (104, 104)
    assert found["devices"][:2] == ["auto", "cpu"]


def test_one_damaged_item_fails_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    def fragile(read: Callable[[str], Any], bad: str) -> Callable[[str], Any]:
        return lambda name: 1 / 0 if name == bad else read(name)

    whole = describe()
    monkeypatch.setattr(describing, "read_spec", fragile(read_spec, "mnist-conv4"))
    monkeypatch.setattr(describing, "sample_thumbnail", fragile(sample_thumbnail, "cat"))
    found = describe()
    for kind, bad in (("models", "mnist-conv4"), ("samples", "cat")):
        assert found[kind] == [one for one in whole[kind] if one["name"] != bad]
        assert len(found[kind]) == len(whole[kind]) - 1


def test_a_description_that_cannot_be_kept_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    _leave_description(tmp_path)
    assert read_description(tmp_path) is None
