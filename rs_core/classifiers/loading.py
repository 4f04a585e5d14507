"""A classifier by a shipped name, by a file, or by a factory of the user's own."""

import importlib
import sys
from os import PathLike
from pathlib import Path

from torch import nn

from rs_core.classifiers.classifier import Classifier
from rs_core.classifiers.devices import resolve_device
from rs_core.classifiers.fingerprints import file_id
from rs_core.classifiers.probe import told
from rs_core.errors import ModelFileError, ParameterError, RsError
from rs_core.fields import shown
from rs_core.models.weights import load_model
from rs_core.results import ModelSpec


def load_classifier(
    model: str | PathLike[str], *, device: str = "auto", precision: str = "auto"
) -> Classifier:
    """A classifier from a bundled name, a model file, or a factory "package.module:function".

    A factory returns `(module, ModelSpec)` or a `Classifier`.

    Args:
        model: the name, path or reference.
        device: "auto", "cpu", "cuda", "cuda:1".
        precision: "fp32", "bf16", or "auto": bf16 where the hardware has it, but fp32 for a
            factory's module; a factory's `Classifier` is in the precision and on the device that
            it was made for.

    Raises:
        WeightsNotFoundError, ModelFileError: no such model, or one that is damaged or unfit.
        ParameterError: `model` is neither text nor a path, or a factory's `Classifier` is not
            what `device` and `precision` ask for.
        DeviceError: the device or precision is not available.
    """
    if not isinstance(model, str | PathLike):
        raise ParameterError(
            f"model={shown(model)} is no model: give a shipped name, a path, or "
            "'package.module:function'."
        )
    if isinstance(model, str) and ":" in model and not _exists(model):
        return _from_factory(model, device, precision)
    module, spec = load_model(Path(model) if isinstance(model, PathLike) else model)
    return Classifier(module, spec, device=device, precision=precision, weights_id=file_id(spec))


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # too long for the file system, or with a null byte
        return False


def _from_factory(reference: str, device: str, precision: str) -> Classifier:
    package, _, attribute = reference.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")  # as `python -m` does, so that a module beside the user is found
    try:
        factory = getattr(importlib.import_module(package), attribute)
    except (Exception, SystemExit) as error:  # importing runs foreign code
        raise ModelFileError(
            f"--model {shown(reference)} cannot be imported ({told(error)}); name it "
            "package.module:function."
        ) from error
    try:
        made = factory()
    except RsError:
        raise
    except (Exception, SystemExit) as error:
        raise ModelFileError(
            f"--model {shown(reference)} cannot be called ({told(error)}); give a function without "
            "arguments that returns (module, ModelSpec)."
        ) from error
    if isinstance(made, Classifier):
        return _as_asked(made, reference, device, precision)
    if not (isinstance(made, tuple) and len(made) == 2 and isinstance(made[1], ModelSpec)):
        raise ModelFileError(f"{reference} must return (module, ModelSpec) or a Classifier.")
    if not isinstance(made[0], nn.Module):
        raise ParameterError(f"{reference} must return a torch.nn.Module first.")
    # A foreign module keeps its own precision unless another is asked for by name.
    chosen = "fp32" if precision == "auto" else precision
    return Classifier(made[0], made[1], device=device, precision=chosen)


def _as_asked(made: Classifier, reference: str, device: str, precision: str) -> Classifier:
    """A factory's own classifier, if it is on the device and in the precision asked for."""
    on = made.device if device == "auto" else resolve_device(device)
    elsewhere = (on.type, on.index or 0) != (made.device.type, made.device.index or 0)
    if elsewhere or precision not in ("auto", made.precision):
        raise ParameterError(
            f"{reference} returns a Classifier, in {made.precision} on {made.device}: leave "
            f"--device {device} and --precision {precision} out, or let it return "
            "(module, ModelSpec), which runs as asked."
        )
    return made
