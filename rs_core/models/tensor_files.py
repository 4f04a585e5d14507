"""Tensors from a stranger's file: safetensors only, nothing is ever unpickled."""

import struct
from hashlib import sha256
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from rs_core.errors import ModelFileError

SIZE_CAP = 500_000_000
HEADER_CAP = 1_000_000
_LARGEST = torch.finfo(torch.bfloat16).max  # just below float32's
_INTEGERS = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
_DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64, *_INTEGERS)


def read_tensors(path: Path, expected_sha256: str) -> dict[str, Tensor]:
    """Tensors by name, on the CPU, every value finite.

    Args:
        path: a safetensors file of at most 500 MB.
        expected_sha256: hex digest that its bytes must have.

    Raises:
        ModelFileError: not a safetensors file, too large, damaged, or with NaN or infinity.
    """
    check_container(path)
    raw = path.read_bytes()
    found = sha256(raw).hexdigest()
    if found != expected_sha256:
        raise ModelFileError(
            f"{path.name} is damaged or was exchanged: its sha256 begins {found[:8]}, its json "
            f"says {expected_sha256[:8] or 'nothing'}; copy both files again."
        )
    tensors = _parse(raw, path.name)
    check_finite(tensors, path.name)
    return tensors


def check_container(path: Path) -> None:
    """Refuse a file that is no safetensors container, from its size and first bytes alone.

    Raises:
        ModelFileError: says what the file is instead, and what to do.
    """
    size = path.stat().st_size
    if size > SIZE_CAP:
        raise ModelFileError(
            f"{path.name} has {size / 1e6:.0f} MB; the limit is 500 MB: save only the weights."
        )
    with path.open("rb") as file:
        head = file.read(512)
    foreign = _foreign_kind(head)
    if foreign:
        raise ModelFileError(
            f"{path.name} is {foreign}, not safetensors, and was not opened; "
            "save the weights with safetensors.torch.save_file."
        )
    (length,) = struct.unpack_from("<Q", head)
    if length > HEADER_CAP:
        raise ModelFileError(
            f"{path.name} announces a header of {length} bytes; the limit is 1 MB: "
            "it is not a sound safetensors file, save it again."
        )
    if length > size - 8:
        raise ModelFileError(f"{path.name} ends before its header does; copy the file again.")


def check_finite(tensors: dict[str, Tensor], source: str) -> None:
    """Refuse tensors with NaN or infinity, or with what becomes one in float32 or bf16.

    Raises:
        ModelFileError: names them, as negative variances of batch norm, too.
    """
    floats = {name: tensor for name, tensor in tensors.items() if tensor.is_floating_point()}
    bad = [name for name, tensor in floats.items() if not bool(tensor.isfinite().all())]
    if bad:
        raise ModelFileError(
            f"{source} holds NaN or infinite weights in {', '.join(bad[:5])}; "
            "train again with a lower learning rate."
        )
    large = [name for name, tensor in floats.items() if _is_beyond(tensor)]
    if large:
        raise ModelFileError(
            f"{source} holds weights beyond {_LARGEST:.4g}, the largest number of bf16, in "
            f"{', '.join(large[:5])}: they would become infinite; scale them down."
        )
    spread = [n for n, t in floats.items() if n.endswith("running_var") and bool((t < 0).any())]
    if spread:
        raise ModelFileError(
            f"{source} holds negative variances in {', '.join(spread[:5])}: variances are 0 or "
            "above; save the weights of a trained network again."
        )


def _is_beyond(tensor: Tensor) -> bool:
    """Whether a value is too large for the precisions that networks run in."""
    return tensor.numel() > 0 and float(tensor.abs().max()) > _LARGEST


def _foreign_kind(head: bytes) -> str:
    if not head:
        return "empty"
    if head[:2] == b"PK":
        return "a zip archive (torch.save writes those)"
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "a Python pickle, which runs code when it is opened"
    # 8 bytes of header length and then "{": a length below 2^56 always has a zero byte
    if len(head) < 9 or b"\0" not in head[:8]:
        return "a text or foreign file"
    return "" if head[8:9] == b"{" else "a foreign file"


def _parse(raw: bytes, name: str) -> dict[str, Tensor]:
    try:
        tensors = dict(safetensors.torch.load(raw))
    except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError, OverflowError) as error:
        reason = str(error).splitlines()[0][:120]
        if "unknown variant `C64`" in reason:  # safetensors reads complex numbers from .7 on
            raise ModelFileError(_odd(name, "complex64")) from None
        raise ModelFileError(
            f"{name} is not a sound safetensors file ({reason}); save it again."
        ) from None
    odd = {str(t.dtype).removeprefix("torch.") for t in tensors.values() if t.dtype not in _DTYPES}
    if odd:
        raise ModelFileError(_odd(name, ", ".join(sorted(odd))))
    return tensors


def _odd(name: str, formats: str) -> str:
    return f"{name} holds {formats} tensors; save the weights as float32."
