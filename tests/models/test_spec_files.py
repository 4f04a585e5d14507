import dataclasses
import json
from pathlib import Path

import pytest

from rs_core.errors import ModelFileError
from rs_core.models.spec_files import read_spec_file, write_spec
from rs_core.results import ModelSpec


@pytest.fixture
def path(spec: ModelSpec, tmp_path: Path) -> Path:
    written = tmp_path / "tiny.json"
    write_spec(dataclasses.replace(spec, weights="tiny.safetensors", sha256="0" * 64), written)
    return written


def test_a_spec_survives_its_file(spec: ModelSpec, path: Path) -> None:
    assert read_spec_file(path) == dataclasses.replace(
        spec, weights="tiny.safetensors", sha256="0" * 64
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"mean": [], "std": []},
        {"train_sigma": None},
        {"train_sigma": [0.25, 0.25]},
        {"provenance": {}},
    ],
)
def test_optional_parts_may_be_empty(path: Path, changes: dict[str, object]) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    spec = read_spec_file(path)
    assert list(spec.mean) == changes.get("mean", [0.5])


@pytest.mark.parametrize("key", [f.name for f in dataclasses.fields(ModelSpec)])
def test_a_missing_key_is_named(path: Path, key: str) -> None:
    data = json.loads(path.read_text())
    del data[key]
    path.write_text(json.dumps(data))
    with pytest.raises(ModelFileError, match=f"lacks {key}"):
        read_spec_file(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", ""),
        ("name", 3),
        ("name", "half a pair: \ud800"),
        ("architecture", None),
        ("sha256", 7),
        ("input_shape", [28, 28]),
        ("input_shape", [1, 28, 0]),
        ("input_shape", [1, 28, -28]),
        ("input_shape", [1, 28, 28.5]),
        ("input_shape", [1, 10**9, 28]),
        ("input_shape", "1x28x28"),
        ("input_shape", [True, 28, 28]),
        ("class_names", "abc"),
        ("class_names", ["a"]),
        ("class_names", [1, 2, 3]),
        ("class_names", ["a", "half a pair: \udfff"]),
        ("options", []),
        ("provenance", "none"),
        ("mean", [0.5, 0.5]),
        ("mean", ["0.5"]),
        ("mean", [float("nan")]),
        ("std", []),
        ("std", [0]),
        ("std", [-1]),
        ("std", [float("inf")]),
        ("train_sigma", 0.5),
        ("train_sigma", [1, 0]),
        ("train_sigma", [-1, 1]),
        ("train_sigma", [0.5]),
    ],
)
def test_a_wrong_value_is_named(path: Path, key: str, value: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(ModelFileError, match=f"tiny.json has {key}="):
        read_spec_file(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not json"),
        (b"{", "is not json"),
        (b"\xff\xfe\x00", "is not json"),
        (b"[" * 100_000, "is not json"),
        (b'{"mean": [0], "mean": [1]}', "the key 'mean' occurs twice"),
        (b"[]", "does not hold a json object"),
        (b" " * (1 << 20) + b"{}", "larger than 1 MB"),
    ],
)
def test_other_content_is_refused(path: Path, content: bytes, said: str) -> None:
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=said):
        read_spec_file(path)


def test_a_missing_file_says_that_a_model_is_two(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="a model is two files"):
        read_spec_file(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("input_shape", [1, 5000, 28], "1 to 64 channels, height and width from 1 to 4096"),
        ("name", "", "text, and not empty"),
        ("std", [float("nan")], r"std=\[NaN\]"),
    ],
)
def test_the_sentence_says_the_limit(path: Path, key: str, value: object, said: str) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(ModelFileError, match=said):
        read_spec_file(path)
