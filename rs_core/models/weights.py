"""Model files: NAME.safetensors with its NAME.json, bundled or a user's own.

A file's stem ends in the first eight hex digits of its sha256. `WEIGHTS` says which stem a plain
name means at present; files that it no longer names stay loadable by their full stem.
"""

import dataclasses
import re
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from rs_core.assets import asset_path
from rs_core.durable import write_durably
from rs_core.errors import DataError, ModelFileError, ParameterError, RsError, WeightsNotFoundError
from rs_core.models.pricing import LIMIT, SHARED_LIMIT, Price, check_finite_answers, check_price
from rs_core.models.registry import build_network
from rs_core.models.spec_files import read_spec_file, write_spec
from rs_core.models.tensor_files import check_container, check_finite, read_tensors
from rs_core.results import ModelSpec

WEIGHTS: dict[str, str] = {
    "cifar10-conv4": "cifar10-conv4-fac8350c",
    "cifar10-conv4-s025": "cifar10-conv4-s025-00dccebe",
    "mnist-conv4": "mnist-conv4-5276a3b2",
    "mnist-conv4-s050": "mnist-conv4-s050-b9f1dca6",
    "plane-mlp": "plane-mlp-3c9155bb",
}
_SUFFIX = ".safetensors"
_LISTED = 6


def bundled_names() -> list[str]:
    """Plain names of the weights that ship, sorted."""
    return sorted(WEIGHTS)


def bundled_stems() -> list[str]:
    """Names with ids of all weights that ship, those without a plain name too, sorted."""
    return sorted(path.stem for path in asset_path("weights").glob(f"*{_SUFFIX}"))


def read_spec(name_or_path: str | Path) -> ModelSpec:
    """A model's spec, without reading its weights.

    Args:
        name_or_path: a bundled name, a full stem such as "mnist-conv4-1a2b3c4d", its id alone (the
            first eight or more hex digits of the sha256), or a path.

    Raises:
        WeightsNotFoundError: nothing there; close names are suggested.
        ModelFileError: the json is missing or unfit, or the weights are not safetensors.
    """
    path = _locate(name_or_path)
    check_container(path)
    spec = read_spec_file(path.with_suffix(".json"))
    return dataclasses.replace(spec, weights=path.name)


def load_model(name_or_path: str | Path) -> tuple[nn.Module, ModelSpec]:
    """The network, on the CPU and in eval mode, and its spec.

    Args:
        name_or_path: as for `read_spec`.

    Raises:
        WeightsNotFoundError: nothing there; close names are suggested.
        ModelFileError: foreign, damaged, too large, not finite, unfit for its architecture, too
            costly to run (`LIMIT`), or with answers that are not finite.
    """
    path = _locate(name_or_path)
    spec = read_spec(path)
    network = _fitting_network(spec, read_tensors(path, spec.sha256), path.name, LIMIT)
    check_finite_answers(network, spec)
    return network, spec


def check_shared(path: Path) -> None:
    """Refuse a model file whose passes others could not wait for; nothing is computed.

    Raises:
        ModelFileError: as `load_model` says, or `SHARED_LIMIT` is passed.
    """
    spec = read_spec(path)
    _fitting_network(spec, read_tensors(path, spec.sha256), path.name, SHARED_LIMIT)


def save_model(module: nn.Module, spec: ModelSpec, folder: Path) -> ModelSpec:
    """The spec as written, with `weights` and `sha256`; the files are "<name>-<8 hex>".

    The weights are written before the json, each in one step, so a crash leaves no model that
    loads wrongly.

    Raises:
        ParameterError: the name cannot be a file's name.
        ModelFileError: weights that are not finite, or do not fit the spec's architecture.
    """
    check_file_name(spec.name)
    tensors = {
        name: tensor.detach().cpu().contiguous().clone()
        for name, tensor in module.state_dict().items()
    }
    check_finite(tensors, spec.name)
    _fitting_network(spec, tensors, spec.name)
    raw = safetensors.torch.save(tensors)
    digest = sha256(raw).hexdigest()
    stem = f"{spec.name}-{digest[:8]}"
    spec = dataclasses.replace(spec, weights=stem + _SUFFIX, sha256=digest)
    folder.mkdir(parents=True, exist_ok=True)
    write_durably(folder / spec.weights, raw)
    write_spec(spec, folder / f"{stem}.json")
    return spec


def check_file_name(name: str) -> None:
    """Refuse a model's name that cannot be a file's name.

    Raises:
        ParameterError: the name has other characters than those of a plain file name.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", name):
        raise ParameterError(
            f"name={name!r} cannot name a file: use up to 80 letters, digits, '.', '_', '-', and "
            "begin with a letter or digit (a-z, 0-9)."
        )


def model_files(name_or_path: str | Path) -> tuple[Path, Path]:
    """The weights and the json of a model; arguments and errors are those of `read_spec`."""
    path = _locate(name_or_path)
    return path, path.with_suffix(".json")


def _locate(name_or_path: str | Path) -> Path:
    text = str(name_or_path)
    try:
        return asset_path("weights", f"{WEIGHTS.get(text, text)}{_SUFFIX}")
    except (DataError, OSError, ValueError):  # neither a bundled name nor an id: then a path
        pass
    path = Path(name_or_path).expanduser()
    if path.suffix == ".json":
        path = path.with_suffix(_SUFFIX)
    for candidate in (path, Path(f"{path}{_SUFFIX}")):
        if _is_file(candidate):
            return candidate
    if (stem := _stem_of(text)) is not None:
        return asset_path("weights", f"{stem}{_SUFFIX}")
    near = get_close_matches(text, [*bundled_names(), *bundled_stems()], n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise WeightsNotFoundError(
        f"no weights at {text!r}.{hint} Give a path, or one of: {', '.join(bundled_names())} (rs "
        "models also lists earlier ones)."
    )


def _stem_of(text: str) -> str | None:
    """The stem of shipped weights that an id means."""
    if not re.fullmatch(r"[0-9a-f]{8,64}", text):
        return None
    for stem in bundled_stems():
        if stem.endswith(f"-{text[:8]}") and read_spec(stem).sha256.startswith(text):
            return stem
    return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long for the file system, or with a null byte
        return False


def _fitting_network(
    spec: ModelSpec, tensors: dict[str, Tensor], source: str, limit: Price | None = None
) -> nn.Module:
    """The spec's network with these tensors; with a limit, one pass costs at most as much.

    It is laid out on the meta device first: a hostile spec then allocates nothing, and loading
    draws nothing from the global random stream.
    """
    try:
        with torch.device("meta"):
            network = build_network(
                spec.architecture, spec.input_shape, len(spec.class_names), spec.options
            )
    except RsError as error:
        raise ModelFileError(f"{source} cannot be built: {error}") from error
    expected = network.state_dict()
    _check_fit(expected, tensors, spec, source)
    if limit is not None:
        check_price(network.eval(), spec, limit)
    values = {name: tensors[name].to(expected[name].dtype) for name in expected}
    network.load_state_dict(values, strict=True, assign=True)
    return network.eval()


def _check_fit(
    expected: dict[str, Tensor], found: dict[str, Tensor], spec: ModelSpec, source: str
) -> None:
    differing = [f"{name} is missing" for name in expected if name not in found]
    differing += [f"{name} is unexpected" for name in found if name not in expected]
    for name in expected.keys() & found.keys():
        want, have = expected[name], found[name]
        if want.shape != have.shape:
            differing.append(f"{name} is {_size(have)}, the network needs {_size(want)}")
        elif want.is_floating_point() != have.is_floating_point():
            differing.append(f"{name} is {have.dtype}, the network needs {want.dtype}")
    if not differing:
        return
    shown = sorted(differing)[:_LISTED]
    more = len(differing) - len(shown)
    rest = f"; and {more} more" if more > 0 else ""
    raise ModelFileError(
        f"{source} does not fit {spec.architecture} with {len(spec.class_names)} classes and "
        f"input {spec.input_shape}: {'; '.join(shown)}{rest}. Correct the json or the weights."
    )


def _size(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a single number"
