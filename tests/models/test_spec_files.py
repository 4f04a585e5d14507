import dataclasses
import json
from pathlib import Path

import pytest

from rs_core.errors import ModelFileError
from rs_core.models.spec_files import check_spec, read_spec_file, write_spec
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
        ("input_shape", [3, 4096, 4096]),
        ("input_shape", [64, 2048, 2048]),
        ("mean", [10**400]),
        ("mean", [-(10**40)]),
        ("mean", [1e40]),
        ("std", [10**400]),
        ("std", [1e-30]),
        ("train_sigma", [0, 10**400]),
        ("class_names", [str(index) for index in range(100_000)]),
        ("class_names", ["a", "  "]),
        ("class_names", ["a", "b", "a"]),
        ("class_names", ["a", "b" * 201]),
        ("name", "x" * 201),
        ("name", " "),
        ("options", {"widths": [2, 3, 4, 10**400]}),
        ("options", {"dropout": float("nan")}),
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
        (b'{"a": ' * 65 + b"1" + b"}" * 65, "nested deeper than 64 levels"),
        (b'{"mean": ' + b"9" * 5000 + b"}", "is not json"),
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
        ("mean", [10**400], "1 finite numbers, one per channel, from -1e.06 to 1e.06"),
        ("std", [1e-7], "from 1e-06 to 1e.06"),
        ("input_shape", [3, 4096, 4096], "50,331,648 values is too large, the limit is 16,777,216"),
        ("class_names", ["a"] * 22_001, "2 to 22,000 names of at most 200 characters"),
        ("class_names", ["a", "b", "b", "b"], "classes 1 and 2 and 3; tell them apart"),
        ("class_names", ["a", ""], "class 1 has no name"),
    ],
)
def test_the_sentence_says_the_limit(path: Path, key: str, value: object, said: str) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(ModelFileError, match=said):
        read_spec_file(path)


@pytest.mark.parametrize(
    "value", [10**400, -(10**5000), float("nan")], ids=["huge", "longer", "nan"]
)
def test_a_spec_made_in_python_is_held_to_the_same_limits(spec: ModelSpec, value: float) -> None:
    with pytest.raises(ModelFileError, match="finite numbers, one per channel"):
        check_spec(dataclasses.replace(spec, mean=(value,)))


def test_all_classes_of_the_largest_public_set_are_taken(path: Path) -> None:
    names = [f"synset {index}" for index in range(21_841)]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"class_names": names}))
    assert read_spec_file(path).class_names == tuple(names)
