"""A network as people certify it: normalisation inside, device and precision fixed, ready to run.

Every prediction, attack and certificate of one `Classifier` uses the same prepared copy of its
network: evaluation mode, batch norm folded, channels-last, in the chosen precision. A
certificate concerns exactly that copy, which is why it records `precision` and `weights_id`.
"""

import copy
import hashlib
import importlib
import sys
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.fx.experimental.optimization import fuse

from rs_core.devices import resolve_device, resolve_precision
from rs_core.errors import ModelFileError, ParameterError
from rs_core.models.weights import load_model
from rs_core.results import ModelSpec

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class Classifier:
    """A prepared network: pixels of [0,1] in, float32 logits out.

    Args:
        module: any network from normalised (B, C, H, W) to logits (B, K); it is copied, never
            changed.
        spec: its input shape, class names and mean/std, which are applied after the noise.
        device: "auto", "cpu", "cuda", "cuda:1".
        precision: "fp32", "bf16", or "auto" (bf16 where the hardware has it).
        weights_id: name of these weights in certificates; a digest of the module by default.

    Raises:
        DeviceError: the device or precision is not available.
        ModelFileError: the network does not map the input shape to one logit per class, or
            lets the rows of a batch influence each other.
    """

    def __init__(
        self,
        module: nn.Module,
        spec: ModelSpec,
        *,
        device: str = "cpu",
        precision: str = "fp32",
        weights_id: str | None = None,
    ) -> None:
        self.spec = spec
        self.device = resolve_device(device)
        self.precision = resolve_precision(precision, self.device)
        self.weights_id = weights_id or _digest(module, spec)
        self.module = _prepare(module, spec, self.device, _DTYPES[self.precision])
        self._scale, self._shift = _affine(spec, self.device)
        _check_rows(self)

    @property
    def num_classes(self) -> int:
        """Number of classes K."""
        return len(self.spec.class_names)

    @property
    def block(self) -> int:
        """Noisy copies drawn from one generator: fixed per network and device (SPEC, hot loop)."""
        values = self.spec.input_shape[0] * self.spec.input_shape[1] * self.spec.input_shape[2]
        if self.device.type == "cpu":
            return 64 if values <= 16_384 else 4
        return 4096 if values <= 16_384 else 256

    def __call__(self, pixels: Tensor) -> Tensor:
        """Logits (B, K) float32 of pixels (B, C, H, W), float32 in the units of [0,1].

        Values outside [0,1] are allowed (noise is never clamped). The sum of image and noise
        arrives in float32; only here, after normalisation, is it cast.
        """
        if self._scale is not None and self._shift is not None:
            pixels = torch.addcmul(self._shift, pixels, self._scale)
        logits: Tensor = self.module(pixels.to(_DTYPES[self.precision]))
        return logits.float()


def load_classifier(
    model: str | Path, *, device: str = "auto", precision: str = "auto"
) -> Classifier:
    """A classifier from a bundled name, a model file, or a factory "package.module:function".

    A factory returns `(module, ModelSpec)` or a `Classifier`.

    Raises:
        WeightsNotFoundError, ModelFileError: no such model, or one that is damaged or unfit.
        DeviceError: the device or precision is not available.
    """
    if isinstance(model, str) and ":" in model and not Path(model).exists():
        return _from_factory(model, device, precision)
    module, spec = load_model(model)
    return Classifier(module, spec, device=device, precision=precision, weights_id=spec.sha256[:16])


def _prepare(
    module: nn.Module, spec: ModelSpec, device: torch.device, dtype: torch.dtype
) -> nn.Module:
    with torch.no_grad():
        network = _fold_batch_norm(copy.deepcopy(module).cpu().eval(), spec)
        network = network.to(device=device, dtype=dtype)
        network = cast(Any, network).to(memory_format=torch.channels_last)
        return cast(nn.Module, network).eval().requires_grad_(False)


def _fold_batch_norm(network: nn.Module, spec: ModelSpec) -> nn.Module:
    """The network with batch norm folded into its convolutions where tracing allows it.

    Tracing can fail, or freeze a branch that depends on the data; the copy is kept only if it
    reproduces the original on a probe.
    """
    if not any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in network.modules()):
        return network
    probe = torch.rand(2, *spec.input_shape, generator=torch.Generator().manual_seed(0))
    expected = _probe(network, probe, spec)
    try:
        folded = fuse(network)
        close = torch.allclose(folded(probe), expected, rtol=1e-3, atol=1e-3)
    except Exception:  # torch.fx raises a wide variety of errors on code it cannot trace
        return network
    return folded if close else network


def _affine(spec: ModelSpec, device: torch.device) -> tuple[Tensor | None, Tensor | None]:
    """(scale, shift) with scale*x + shift = (x - mean)/std, both None for no normalisation.

    They are laid out at full (1, C, H, W) size, channels-last: broadcasting over a last
    dimension of 3 would fall off the vectorised path.
    """
    if not spec.mean:
        return None, None
    mean = torch.tensor(spec.mean).view(1, -1, 1, 1).expand(1, *spec.input_shape)
    std = torch.tensor(spec.std).view(1, -1, 1, 1).expand(1, *spec.input_shape)
    layout = torch.channels_last
    scale = (1 / std).to(device).contiguous(memory_format=layout)
    return scale, (-mean / std).to(device).contiguous(memory_format=layout)


@torch.no_grad()
def _check_rows(classifier: Classifier) -> None:
    """Refuse a network whose rows depend on their batch-mates: its votes would not be i.i.d."""
    rows = min(classifier.block, 16)
    generator = torch.Generator().manual_seed(0)
    pixels = torch.rand(rows, *classifier.spec.input_shape, generator=generator)
    pixels = pixels.to(classifier.device).contiguous(memory_format=torch.channels_last)
    logits = _probe(classifier, pixels, classifier.spec)
    if logits.shape != (rows, classifier.num_classes):
        raise ModelFileError(
            f"{classifier.spec.name}: the network returns {tuple(logits.shape[1:])} values per "
            f"image for {classifier.num_classes} class names; make the two agree."
        )
    mixed = torch.cat([pixels[:1], torch.zeros_like(pixels[1:])])
    alone = _probe(classifier, mixed, classifier.spec)[0]
    scale = logits[0].abs().max().clamp(min=1.0)
    if bool(logits[0].isfinite().all()) and float((alone - logits[0]).abs().max() / scale) > 0.02:
        raise ModelFileError(
            f"{classifier.spec.name}: the output for an image changes with the other images of "
            "its batch (batch norm in training mode?); votes would not be independent. "
            "Make the network treat each image alone in eval()."
        )


def _probe(network: nn.Module | Classifier, pixels: Tensor, spec: ModelSpec) -> Tensor:
    try:
        result = network(pixels)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        reason = str(error).splitlines()[0][:200]
        raise ModelFileError(
            f"{spec.name}: the network does not accept input {spec.input_shape} ({reason}); "
            "correct input_shape or the network."
        ) from error
    if not isinstance(result, Tensor) or result.ndim != 2:
        raise ModelFileError(
            f"{spec.name}: the network must return one (batch, classes) tensor of logits."
        )
    return result


def _digest(module: nn.Module, spec: ModelSpec) -> str:
    """16 hex digits naming a wrapped module: its structure, its state, its normalisation."""
    digest = hashlib.sha256(f"{type(module).__qualname__}|{module!r}".encode())
    digest.update(f"{spec.input_shape}|{spec.mean}|{spec.std}".encode())
    for name, tensor in sorted(module.state_dict().items()):
        flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        digest.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}".encode())
        digest.update(flat.numpy().tobytes())
    return digest.hexdigest()[:16]


def _from_factory(reference: str, device: str, precision: str) -> Classifier:
    package, _, attribute = reference.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")  # as `python -m` does, so that a module beside the user is found
    try:
        factory = getattr(importlib.import_module(package), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ModelFileError(
            f"--model {reference!r} cannot be imported ({error}); name it package.module:function."
        ) from error
    made = factory()
    if isinstance(made, Classifier):
        return made
    if not (isinstance(made, tuple) and len(made) == 2 and isinstance(made[1], ModelSpec)):
        raise ModelFileError(f"{reference} must return (module, ModelSpec) or a Classifier.")
    if not isinstance(made[0], nn.Module):
        raise ParameterError(f"{reference} must return a torch.nn.Module first.")
    # A foreign module keeps its own precision unless another is asked for by name.
    chosen = "fp32" if precision == "auto" else precision
    return Classifier(made[0], made[1], device=device, precision=chosen)
