import dataclasses
import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from rs_core.errors import ModelFileError, ParameterError, UnknownNameError, WeightsNotFoundError
from rs_core.models import (
    WEIGHTS,
    bundled_stems,
    load_model,
    read_spec,
    save_model,
)
from rs_core.results import ModelSpec


def edit_json(saved: Path, **changes: object) -> None:
    path = saved.with_suffix(".json")
    data = json.loads(path.read_text())
    data.update(changes)
    path.write_text(json.dumps({k: v for k, v in data.items() if v != "REMOVED"}))


def test_a_saved_model_loads_as_it_was(network: nn.Module, spec: ModelSpec, saved: Path) -> None:
    module, read = load_model(saved)
    assert not module.training
    for name, tensor in network.state_dict().items():
        assert torch.equal(module.state_dict()[name], tensor)
    assert read == dataclasses.replace(spec, weights=saved.name, sha256=read.sha256)
    assert saved.stem == f"tiny-{read.sha256[:8]}"
    assert read_spec(saved) == read


def test_stem_json_and_path_lead_to_the_same_model(saved: Path) -> None:
    for path in (saved, saved.with_suffix(""), saved.with_suffix(".json"), str(saved)):
        assert load_model(path)[1].weights == saved.name


def test_saving_twice_gives_the_same_file(network: nn.Module, spec: ModelSpec, saved: Path) -> None:
    again = save_model(network.to(memory_format=torch.channels_last), spec, saved.parent / "again")
    assert again.weights == saved.name


def test_renamed_files_still_load(saved: Path) -> None:
    saved.with_suffix(".json").rename(saved.with_name("mine.json"))
    moved = saved.rename(saved.with_name("mine.safetensors"))
    assert load_model(moved)[1].weights == "mine.safetensors"


def test_loading_leaves_the_global_stream_alone(saved: Path) -> None:
    before = torch.random.get_rng_state()
    load_model(saved)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_loaded_network_takes_gradients(saved: Path) -> None:
    module, _ = load_model(saved)
    assert all(p.requires_grad and not p.is_meta for p in module.parameters())
    assert all(not b.is_meta for b in module.buffers())


def test_half_precision_weights_become_single(saved: Path) -> None:
    tensors = safetensors.torch.load_file(saved)
    halves = {k: v.half() if v.is_floating_point() else v for k, v in tensors.items()}
    rewrite(saved, halves)
    module, _ = load_model(saved)
    assert {p.dtype for p in module.parameters()} == {torch.float32}


def rewrite(saved: Path, tensors: dict[str, torch.Tensor]) -> None:
    from hashlib import sha256

    saved.write_bytes(safetensors.torch.save(tensors))
    edit_json(saved, sha256=sha256(saved.read_bytes()).hexdigest())


@pytest.mark.parametrize(
    ("changes", "listed"),
    [
        ({"options": {"widths": [2, 3, 4, 6]}}, r"head.weight is 3x5, the network needs 3x6"),
        ({"class_names": ["a", "b"]}, r"2 classes.*head.weight is 3x5, the network needs 2x5"),
        (
            {"input_shape": [3, 8, 8], "mean": [0, 0, 0], "std": [1, 1, 1]},
            r"features.0.0.weight is 2x1x3x3, the network needs 2x3x3x3",
        ),
        ({"architecture": "resnet20", "options": {}}, "is missing.*and [0-9]+ more"),
    ],
)
def test_unfit_weights_list_the_differing_keys(
    saved: Path, changes: dict[str, object], listed: str
) -> None:
    edit_json(saved, **changes)
    with pytest.raises(ModelFileError, match=listed):
        load_model(saved)


def test_missing_unexpected_and_mistyped_keys_are_listed(saved: Path) -> None:
    tensors = safetensors.torch.load_file(saved)
    tensors["extra"] = tensors.pop("head.bias")
    tensors["head.weight"] = tensors["head.weight"].long()
    rewrite(saved, tensors)
    with pytest.raises(ModelFileError) as caught:
        load_model(saved)
    for part in ("head.bias is missing", "extra is unexpected", "head.weight is torch.int64"):
        assert part in str(caught.value)


def test_nan_weights_are_refused_at_load(saved: Path) -> None:
    tensors = safetensors.torch.load_file(saved)
    tensors["head.bias"][1] = torch.nan
    rewrite(saved, tensors)
    with pytest.raises(ModelFileError, match=r"NaN or infinite weights in head\.bias"):
        load_model(saved)


@pytest.mark.parametrize(
    ("number", "dtype"),
    [(3.4e38, torch.float32), (-3.4e38, torch.float32), (1e300, torch.float64)],
)
def test_weights_that_become_infinite_are_refused(
    saved: Path, number: float, dtype: torch.dtype
) -> None:
    """3.4e38 is a float32 that bf16 rounds to infinity; 1e300 is beyond both."""
    tensors = safetensors.torch.load_file(saved)
    tensors["head.bias"] = tensors["head.bias"].to(dtype)
    tensors["head.bias"][1] = number
    rewrite(saved, tensors)
    with pytest.raises(ModelFileError, match=r"beyond 3\.39e\+38, .* in head\.bias"):
        load_model(saved)


def test_float64_weights_within_float32_are_taken(saved: Path) -> None:
    tensors = safetensors.torch.load_file(saved)
    rewrite(saved, {k: v.double() if v.is_floating_point() else v for k, v in tensors.items()})
    module, _ = load_model(saved)
    assert {p.dtype for p in module.parameters()} == {torch.float32}


@pytest.mark.parametrize("value", [-1e-9, -1.0])
def test_negative_variances_are_refused(saved: Path, value: float) -> None:
    tensors = safetensors.torch.load_file(saved)
    tensors["features.0.1.running_var"][0] = value
    rewrite(saved, tensors)
    with pytest.raises(ModelFileError, match=r"negative variances in features\.0\.1\.running_var"):
        load_model(saved)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_nan_weights_are_refused_at_save(
    network: nn.Module, spec: ModelSpec, tmp_path: Path, bad: float
) -> None:
    network.state_dict()["head.bias"][0] = bad
    with pytest.raises(ModelFileError, match="NaN or infinite"):
        save_model(network, spec, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_could_not_be_loaded_is_not_saved(
    network: nn.Module, spec: ModelSpec, tmp_path: Path
) -> None:
    with pytest.raises(ModelFileError, match="2 classes"):
        save_model(network, dataclasses.replace(spec, class_names=("a", "b")), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "a/b", "..", "x" * 81, "ü"])
def test_a_name_that_is_no_file_name_is_refused(
    network: nn.Module, spec: ModelSpec, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ParameterError, match="cannot name a file"):
        save_model(network, dataclasses.replace(spec, name=name), tmp_path)


def test_a_hostile_spec_allocates_nothing(saved: Path) -> None:
    edit_json(saved, options={"widths": [4096] * 4})
    with pytest.raises(ModelFileError, match="4096x4096x3x3"):
        load_model(saved)


@pytest.mark.parametrize("name", ["conv44", "os.system", "torchvision:nothing"])
def test_an_unknown_architecture_is_a_model_error(saved: Path, name: str) -> None:
    edit_json(saved, architecture=name)
    with pytest.raises(ModelFileError, match="unknown network") as caught:
        load_model(saved)
    assert isinstance(caught.value.__cause__, UnknownNameError)


@pytest.mark.parametrize("name", ["", "x\0y", "x" * 5000, "../pyproject", "weights/", "."])
def test_impossible_names_are_not_found(name: str) -> None:
    with pytest.raises(WeightsNotFoundError, match="no weights at"):
        load_model(name)


def test_missing_weights_suggest_near_names(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFoundError, match="Did you mean 'mnist-conv4'"):
        load_model("mnist-conv")
    with pytest.raises(WeightsNotFoundError, match="no weights at"):
        load_model(tmp_path / "nothing.safetensors")


def test_an_id_alone_names_weights_of_any_age() -> None:
    for stem in bundled_stems():
        spec = read_spec(stem)
        assert stem.endswith(spec.sha256[:8])
        for name in (spec.sha256[:8], spec.sha256[:16], spec.sha256):
            assert read_spec(name) == spec
    assert set(WEIGHTS.values()) < set(bundled_stems())
    wrong = read_spec("mnist-conv4").sha256[:8] + "00000000"
    with pytest.raises(WeightsNotFoundError, match="no weights at"):
        read_spec(wrong)


def test_earlier_weights_are_suggested_too() -> None:
    stem = next(s for s in bundled_stems() if s not in WEIGHTS.values())
    with pytest.raises(WeightsNotFoundError, match=f"Did you mean '{stem}'"):
        read_spec(stem[:-1])
