"""The weights that ship: complete, small, described, and good at what they are for."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch

from rs_core.assets import asset_path
from rs_core.datasets import load_dataset
from rs_core.models import WEIGHTS, bundled_names, load_model, read_spec

FILES = sorted(asset_path("weights").glob("*.safetensors"))


def test_five_models_ship() -> None:
    assert bundled_names() == [
        "cifar10-conv4",
        "cifar10-conv4-s025",
        "mnist-conv4",
        "mnist-conv4-s050",
        "plane-mlp",
    ]


@pytest.mark.parametrize("name", bundled_names())
def test_a_plain_name_and_an_id_mean_the_same_model(name: str) -> None:
    module, spec = load_model(name)
    assert (spec.name, spec.weights) == (name, f"{WEIGHTS[name]}.safetensors")
    assert load_model(WEIGHTS[name])[1] == read_spec(name) == spec
    assert module(torch.zeros(1, *spec.input_shape)).shape == (1, len(spec.class_names))


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_every_file_is_small_named_by_its_digest_and_listed(file: Path) -> None:
    digest = sha256(file.read_bytes()).hexdigest()
    assert file.stat().st_size < 3_000_000
    assert file.stem.endswith(digest[:8])
    assert digest in asset_path("SOURCES.md").read_text(encoding="utf-8")
    assert load_model(file.stem)[1].sha256 == digest


@pytest.mark.parametrize("name", bundled_names())
def test_the_description_says_how_to_repeat_it(name: str) -> None:
    spec = read_spec(name)
    facts = spec.provenance
    assert f"--name {name} " in facts["command"]
    assert f"--seed {facts['seed']} " in facts["command"]
    assert f"--sigma {facts['settings']['sigma']:g} " in facts["command"]
    assert f"--epochs {facts['settings']['epochs']} " in facts["command"]
    assert spec.train_sigma is not None
    assert spec.train_sigma[1] == facts["settings"]["sigma"]
    assert len(facts["data_sha256"]) == 64
    assert facts["command"] in asset_path("SOURCES.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "sigma", "least"),
    [
        ("mnist-conv4", "sigma 0.25", 0.98),
        ("mnist-conv4", "sigma 1", 0.94),
        ("cifar10-conv4", "sigma 0.12", 0.71),
        ("cifar10-conv4", "sigma 0.25", 0.68),
        ("plane-mlp", "sigma 0.05", 0.92),
    ],
)
def test_the_measured_table_meets_the_floor(name: str, sigma: str, least: float) -> None:
    assert read_spec(name).provenance["measured"][sigma] >= least


@pytest.mark.parametrize(
    ("name", "sigma", "least"),
    [("mnist-conv4", 0.0, 0.96), ("mnist-conv4", 0.5, 0.93), ("mnist-conv4-s050", 0.5, 0.95)],
)
def test_digits_never_trained_on_are_recognised(name: str, sigma: float, least: float) -> None:
    """The 5,000 embedded digits were left out of the training: every tenth, one noisy copy each."""
    module, spec = load_model(name)
    data = load_dataset("mnist5k", split="train").subset(np.arange(0, 5000, 10))
    pixels = torch.from_numpy(data.images).permute(0, 3, 1, 2) / 255
    noise = torch.randn(pixels.shape, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        logits = module((pixels + sigma * noise - spec.mean[0]) / spec.std[0])
    right = logits.argmax(1).numpy() == data.labels
    assert right.mean() >= least


@pytest.mark.parametrize(("sigma", "least"), [(0.0, 0.92), (0.05, 0.8)])
def test_points_never_trained_on_are_recognised(sigma: float, least: float) -> None:
    module, spec = load_model("plane-mlp")
    data = load_dataset("plane", split="test")
    pixels = torch.from_numpy(data.images).permute(0, 3, 1, 2) / 255
    noise = torch.randn(pixels.shape, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        logits = module((pixels + sigma * noise - spec.mean[0]) / spec.std[0])
    assert (logits.argmax(1).numpy() == data.labels).mean() >= least
