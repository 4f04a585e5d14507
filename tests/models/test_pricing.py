import dataclasses
import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from rs_core.classifiers import Classifier
from rs_core.errors import ModelFileError
from rs_core.models import MODELS, build_network, load_model, save_model
from rs_core.models.pricing import (
    LIMIT,
    SHARED_LIMIT,
    check_finite_answers,
    check_price,
    pass_price,
    pass_rows,
    price_bound,
)
from rs_core.models.weights import check_shared
from rs_core.results import ModelSpec
from tests.models.test_weights import rewrite

COLOUR = (3, 32, 32)


def laid_out(
    architecture: str, shape: tuple[int, int, int], classes: int = 10, **options: object
) -> tuple[nn.Module, ModelSpec]:
    names = tuple(map(str, range(classes)))
    with torch.device("meta"):
        network = build_network(architecture, shape, classes, options)
    return network.eval(), ModelSpec("big", architecture, shape, names, options=dict(options))


def test_multiply_adds_are_those_of_the_architecture() -> None:
    """LeNet by hand: two convolutions of 5x5, two matrices; its first layer has most values."""
    price = pass_price(*laid_out("lenet", (1, 28, 28)), rows=2)
    once = 20 * 25 * 24 * 24 + 50 * 20 * 25 * 8 * 8 + 800 * 500 + 500 * 10
    assert price.multiply_adds == 2 * once
    assert price.memory == 2 * 2 * 20 * 24 * 24 * 4  # ReLU reads and writes it


@pytest.mark.parametrize(
    ("architecture", "shape", "classes", "billions"),
    [
        ("resnet50", (3, 224, 224), 1000, 4.09),
        ("vit_b_16", (3, 224, 224), 1000, 17.56),
        ("resnet110", COLOUR, 10, 0.253),
    ],
)
def test_prices_are_the_published_ones(
    architecture: str, shape: tuple[int, int, int], classes: int, billions: float
) -> None:
    network, spec = laid_out(architecture, shape, classes)
    assert pass_price(network, spec, 1).multiply_adds / 1e9 == pytest.approx(billions, rel=0.01)
    check_price(network, spec)


@pytest.mark.parametrize("architecture", sorted(a for a in MODELS if not a.endswith("pni")))
@pytest.mark.parametrize("shape", [(1, 28, 28), COLOUR, (3, 40, 24)])
def test_the_bound_from_the_weights_is_one(architecture: str, shape: tuple[int, int, int]) -> None:
    network, spec = laid_out(architecture, shape)
    price, bound = pass_price(network, spec, 8), price_bound(network, spec, 8)
    assert price.multiply_adds <= bound.multiply_adds
    assert price.memory <= bound.memory


def test_a_kernel_for_every_row_has_its_price() -> None:
    """The bound knows nothing of them: adding the noise reads and writes such."""
    network, spec = laid_out("resnet20-pni", (1, 8, 8))
    price, bound = pass_price(network, spec, 128), price_bound(network, spec, 128)
    assert price.memory >= 2 * 128 * (64 * 64 * 9) * 4 > 4 * bound.memory
    with pytest.raises(ModelFileError, match="MB for one layer"):
        check_price(network, spec, dataclasses.replace(LIMIT, memory=2 * bound.memory))


@pytest.mark.parametrize("architecture", sorted(MODELS))
def test_networks_of_small_images_are_within_what_others_can_wait_for(architecture: str) -> None:
    network, spec = laid_out(architecture, COLOUR)
    check_price(network, spec, SHARED_LIMIT)


@pytest.mark.parametrize(
    ("architecture", "shape", "said"),
    [
        ("conv4", (3, 2048, 2048), r"on 8 images of 3x2048x2048 takes 8,590 MB for one layer"),
        ("resnet110", (3, 512, 512), r"takes 518 billion multiply-adds \(the limit is 500\)"),
        ("mlp", (64, 2048, 2048), "the limit is 1,000"),
        ("resnet50", (3, 2048, 2048), "billion multiply-adds .* and .* MB for one layer"),
    ],
)
def test_what_no_machine_should_try_is_refused_beforehand(
    architecture: str, shape: tuple[int, int, int], said: str
) -> None:
    with pytest.raises(ModelFileError, match=said):
        check_price(*laid_out(architecture, shape), LIMIT)


def test_a_shape_that_the_network_cannot_take_is_named() -> None:
    with pytest.raises(ModelFileError, match=r"vit_b_16 does not accept input \(3, 64, 64\)"):
        check_price(*laid_out("vit_b_16", (3, 64, 64)))


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 74, 74), (1, 128, 128), (5, 64, 64)])
def test_a_pass_is_two_blocks_of_a_classifier(shape: tuple[int, int, int]) -> None:
    class Mean(nn.Module):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            mean = inputs.mean((1, 2, 3))
            return torch.stack([mean, 1 - mean], dim=1)

    spec = ModelSpec("mean", "mine", shape, ("dark", "light"))
    assert pass_rows(spec) == 2 * Classifier(Mean(), spec).block


def grown(saved: Path, side: int) -> None:
    """The model's json, asking for images of another size than conv4 was trained on."""
    path = saved.with_suffix(".json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"input_shape": [1, side, side]}))


def test_a_file_is_priced_before_it_runs(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grown(saved, 4096)
    monkeypatch.setattr(
        "rs_core.models.weights.check_finite_answers", lambda *_: pytest.fail("it ran")
    )
    with pytest.raises(ModelFileError, match=r"MB for one layer \(the limit is 1,000\)"):
        load_model(saved)


def test_where_others_wait_the_limit_is_lower(saved: Path) -> None:
    grown(saved, 2048)
    with pytest.raises(ModelFileError, match=r"MB for one layer \(the limit is 250\)"):
        check_shared(saved)
    grown(saved, 8)
    check_shared(saved)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_answers_that_are_no_numbers_are_refused(
    network: nn.Module, spec: ModelSpec, bad: float
) -> None:
    network.state_dict()["head.bias"][1] = bad
    with pytest.raises(ModelFileError, match="ordinary image with NaN or infinity"):
        check_finite_answers(network, spec)


def test_products_that_overflow_are_refused(saved: Path) -> None:
    tensors = safetensors.torch.load_file(saved)
    tensors["features.0.0.weight"] *= 1e30
    tensors["features.2.0.weight"] *= 1e30
    rewrite(saved, tensors)
    with pytest.raises(ModelFileError, match="ordinary image with NaN or infinity"):
        load_model(saved)


def test_a_trained_network_is_saved_whatever_it_costs(tmp_path: Path) -> None:
    """Prices are for what comes from outside: a training's hours are not thrown away."""
    shape, names = (1, 2048, 2048), ("a", "b")
    spec = ModelSpec("wide", "conv4", shape, names, options={"widths": [16, 1, 1, 1]})
    made = build_network("conv4", shape, 2, spec.options)
    assert save_model(made, spec, tmp_path) == dataclasses.replace(
        spec, weights=next(tmp_path.glob("*.safetensors")).name,
        sha256=save_model(made, spec, tmp_path).sha256,
    )  # fmt: skip
