"""Which device and which precision: resolved once, at the edge."""

from typing import Literal

import torch

from rs_core.errors import DeviceError

Precision = Literal["fp32", "bf16"]


def resolve_device(name: str) -> torch.device:
    """The torch device for "auto", "cpu", "cuda" or "cuda:N".

    Raises:
        DeviceError: no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise DeviceError(f"device {name!r} is not known: use auto, cpu or cuda.") from None
    if device.type not in ("cpu", "cuda"):
        raise DeviceError(f"device {name!r} is not supported: use auto, cpu or cuda.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(
            f"device {name!r} is not here ({torch.cuda.device_count()} CUDA devices found): "
            "use --device cpu."
        )
    return device


def resolve_precision(name: str, device: torch.device) -> Precision:
    """The precision for "auto", "fp32" or "bf16"; auto is bf16 where the hardware computes it.

    Where fp32 comes out for a GPU, the process's convolutions stop rounding to TF32 from then on:
    a certificate that says fp32 was computed in fp32.

    Raises:
        DeviceError: bf16 was asked for where the hardware lacks it, or the name is unknown.
    """
    if name not in ("auto", "fp32", "bf16"):
        raise DeviceError(f"precision {name!r} is not known: use auto, fp32 or bf16.")
    if name != "fp32" and has_bf16(device):
        return "bf16"
    if name == "bf16":
        raise DeviceError("this hardware does not compute bf16: use --precision fp32.")
    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = False
    return "fp32"


def has_bf16(device: torch.device) -> bool:
    """Whether the device has bf16 instructions (AVX-512 BF16 or AMX on a CPU)."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, probe, lambda: False)() for probe in probes)
