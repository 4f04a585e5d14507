import json
import pickle
import struct
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rs_core.errors import ModelFileError
from rs_core.models import load_model, tensor_files
from rs_core.models.tensor_files import read_tensors


class Bomb:
    """Unpickling this creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


def read_trusting(path: Path) -> dict[str, torch.Tensor]:
    """Read with the digest that the file has: what is left are the container checks."""
    return read_tensors(path, sha256(path.read_bytes()).hexdigest())


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_is_refused_and_not_run(saved: Path, protocol: int) -> None:
    mark = saved.with_name("mark")
    saved.write_bytes(pickle.dumps(Bomb(mark), protocol))
    with pytest.raises(ModelFileError, match="not safetensors, and was not opened"):
        load_model(saved)
    assert not mark.exists()


def test_a_torch_file_is_refused_under_its_own_name(saved: Path) -> None:
    mark = saved.with_name("mark")
    path = saved.with_name("model.pt")
    torch.save({"bomb": Bomb(mark)}, path)
    with pytest.raises(ModelFileError, match="zip archive"):
        load_model(path)
    assert not mark.exists()


def test_old_torch_files_and_archives_are_refused(tmp_path: Path) -> None:
    old = tmp_path / "old.pt"
    torch.save({"a": torch.zeros(2)}, old, _use_new_zipfile_serialization=False)
    archive = tmp_path / "deflated.safetensors"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("data", b"\0" * 1_000_000)
    for path in (old, archive):
        with pytest.raises(ModelFileError, match="not safetensors"):
            read_trusting(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"weights", "text or foreign"),
        (b"<html>not found</html>", "text or foreign"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "text or foreign"),
        (struct.pack("<Q", 2) + b"[]", "foreign"),
        (struct.pack("<Q", 1_000_001) + b"{" + b" " * 1_000_001, "limit is 1 MB"),
        (struct.pack("<Q", 1 << 40) + b"{}", "limit is 1 MB"),
        (struct.pack("<Q", 100) + b"{}", "ends before its header"),
    ],
)
def test_other_containers_are_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=said):
        read_trusting(path)


def header_file(path: Path, header: object, data: bytes) -> Path:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(raw)) + raw + data)
    return path


def entry(
    dtype: object = "F32", shape: object = (2,), offsets: object = (0, 8)
) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize(
    "header",
    [
        b"{not json",
        b"{}}",
        b'{"a": \xff\xfe}',
        {"a": 3},
        {"a": {"dtype": "F32"}},
        {"a": entry(dtype="PICKLE")},
        {"a": entry(shape=[-2])},
        {"a": entry(shape=[3])},
        {"a": entry(shape=[10**11], offsets=[0, 4 * 10**11])},
        {"a": entry(shape=[2**62, 2**62])},
        {"a": entry(offsets=[8, 0])},
        {"a": entry(offsets=[0, 16])},
        {"a": entry(), "b": entry()},
        {"a": entry(shape=[1], offsets=[4, 8])},
    ],
)
def test_malformed_headers_are_refused(tmp_path: Path, header: object) -> None:
    path = header_file(tmp_path / "x.safetensors", header, b"\0" * 8)
    with pytest.raises(ModelFileError, match="not a sound safetensors file"):
        read_trusting(path)


@pytest.mark.parametrize("dtype", ["F8_E4M3", "C64"])
def test_odd_number_formats_are_refused(tmp_path: Path, dtype: str) -> None:
    size = 8 if dtype == "C64" else 1
    header = {"a": entry(dtype=dtype, shape=[8 // size])}
    path = header_file(tmp_path / "x.safetensors", header, b"\0" * 8)
    with pytest.raises(ModelFileError, match="save the weights as float32"):
        read_trusting(path)


def test_a_sound_header_passes(tmp_path: Path) -> None:
    path = header_file(tmp_path / "x.safetensors", {"a": entry()}, b"\0" * 8)
    assert read_trusting(path)["a"].tolist() == [0, 0]


@given(position=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_flipped_bit_is_found(saved: Path, position: int, bit: int) -> None:
    sound = saved.read_bytes()
    damaged = bytearray(sound)
    damaged[position % len(sound)] ^= 1 << bit
    try:
        saved.write_bytes(damaged)
        with pytest.raises(ModelFileError):
            load_model(saved)
    finally:
        saved.write_bytes(sound)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.999])
def test_truncated_weights_are_refused(saved: Path, share: float) -> None:
    raw = saved.read_bytes()
    saved.write_bytes(raw[: int(len(raw) * share)])
    with pytest.raises(ModelFileError):
        load_model(saved)


def test_exchanged_weights_are_refused(saved: Path) -> None:
    raw = bytearray(saved.read_bytes())
    raw[-1] ^= 1
    saved.write_bytes(raw)
    with pytest.raises(ModelFileError, match="damaged or was exchanged"):
        load_model(saved)


def test_the_size_is_checked_first(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensor_files, "SIZE_CAP", 100)
    with pytest.raises(ModelFileError, match="the limit is 500 MB"):
        load_model(saved)
