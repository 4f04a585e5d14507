import pytest
import torch
from torch import nn

from rs_core.errors import ParameterError, UnknownNameError
from rs_core.models import MODELS, build_network, torchvision_names


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("name", sorted(MODELS))
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 17, 20)])
def test_every_network_maps_images_to_logits(name: str, shape: tuple[int, int, int]) -> None:
    network = build_network(name, shape, 7).eval()
    images = torch.rand(2, *shape)
    told = (torch.full((2,), 0.25),) if getattr(network, "takes_sigma", False) else ()
    logits = network(images, *told)
    assert logits.shape == (2, 7)
    if getattr(network, "injects_noise", False):  # says something else every time
        assert logits.isfinite().all()
        return
    assert torch.allclose(network(images[:1], *[t[:1] for t in told]), logits[:1], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "shape", "count"),
    [
        ("lenet", (1, 28, 28), 431_080),  # 520 + 25,050 + 400,500 + 5,010
        ("resnet20", (3, 32, 32), 269_722),  # 0.27 M in He et al. (2016), table 6
        ("resnet110", (3, 32, 32), 1_727_962),  # 1.7 M there
        ("cifar-resnet18", (3, 32, 32), 11_173_962),  # the usual CIFAR ResNet-18, 11.17 M
        ("mlp", (1, 1, 2), 3 * 64 + 65 * 64 + 65 * 10),
        ("conv4", (1, 28, 28), 288 + 18_432 + 36_864 + 73_728 + 2 * 288 + 1_290),
    ],
)
def test_parameter_counts_are_the_published_ones(
    name: str, shape: tuple[int, int, int], count: int
) -> None:
    assert parameters(build_network(name, shape, 10)) == count


def test_conv4_takes_widths() -> None:
    network = build_network("conv4", (3, 32, 32), 10, {"widths": [32, 64, 128, 256]})
    kernels = [m.out_channels for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert kernels == [32, 64, 128, 256]


def test_conv4_halves_the_image_twice() -> None:
    network = build_network("conv4", (3, 32, 32), 10)
    sizes: list[tuple[int, ...]] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda _, __, output: sizes.append(output.shape[1:]))
    network.eval()(torch.zeros(1, 3, 32, 32))
    assert sizes == [(32, 32, 32), (64, 16, 16), (64, 8, 8), (128, 8, 8)]


@pytest.mark.parametrize("widths", [[], [8, 8, 8], [8, 8, 8, 0], [8, 8, 8, 2.5], [8, 8, 8, True]])
def test_conv4_refuses_other_widths(widths: list[float]) -> None:
    with pytest.raises(ParameterError, match="four whole numbers"):
        build_network("conv4", (1, 8, 8), 3, {"widths": widths})


def test_lenet_refuses_small_images() -> None:
    with pytest.raises(ParameterError, match="at least 16x16"):
        build_network("lenet", (1, 15, 28), 10)


def test_torchvision_networks_by_either_name() -> None:
    assert "resnet18" in torchvision_names()
    with torch.device("meta"):
        plain = build_network("resnet18", (3, 32, 32), 10)
        prefixed = build_network("torchvision:resnet18", (3, 32, 32), 10)
    assert parameters(plain) == parameters(prefixed) == 11_181_642
    assert plain.fc.out_features == 10


def test_unknown_network_suggests_a_near_one() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'conv4'"):
        build_network("conv5", (1, 28, 28), 10)


def test_torchvision_networks_need_colour() -> None:
    with pytest.raises(ParameterError, match="3 colour channels, not 1"):
        build_network("resnet18", (1, 28, 28), 10)


def test_unknown_option_is_named() -> None:
    with pytest.raises(ParameterError, match="depth"):
        build_network("resnet20", (3, 32, 32), 10, {"depth": 3})


@pytest.mark.parametrize("name", ["num_classes", "image_size", "weights", "pretrained"])
@pytest.mark.parametrize("architecture", ["conv4", "resnet18"])
def test_options_cannot_contradict_the_shape_nor_fetch_weights(
    architecture: str, name: str
) -> None:
    with pytest.raises(ParameterError, match=f"{name} cannot be an option"):
        build_network(architecture, (3, 32, 32), 10, {name: 3})


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("resnet18", {"groups": 0}),
        ("resnet18", {"norm_layer": "BatchNorm2d"}),
        ("resnet18", {"replace_stride_with_dilation": [1]}),
        ("vit_b_16", {"image_size": 5}),
        ("vit_b_16", {"dropout": 7}),
        ("conv4", {"widths": 3}),
        ("conv4", {"widths": "wide"}),
    ],
)
def test_impossible_options_are_refused(architecture: str, options: dict[str, object]) -> None:
    with pytest.raises(ParameterError), torch.device("meta"):
        build_network(architecture, (3, 32, 32), 10, options)


def test_sigma_conv4_starts_as_conv4_and_learns_to_see_sigma() -> None:
    torch.manual_seed(0)
    network = build_network("conv4-sigma", (1, 8, 8), 3, {"widths": [4, 4, 4, 8]}).eval()
    images = torch.rand(4, 1, 8, 8)
    low, high = torch.full((4,), 0.12), torch.full((4,), 0.25)
    assert torch.equal(network(images, low), network(images, high))
    for scale in network.told:
        torch.nn.init.normal_(scale.affine.weight)
    logits = network(images, low)
    assert not torch.allclose(logits, network(images, high))
    mixed = network(images, torch.stack([low[0], high[0], low[0], high[0]]))
    assert torch.allclose(mixed[::2], logits[::2])
    assert torch.allclose(mixed[1::2], network(images, high)[1::2])


def test_lists_of_layers_are_no_options_of_torchvisions_networks() -> None:
    """[t, c, n, s] of mobilenet_v2 asks for n layers: a billion of them would never be built."""
    options = {"inverted_residual_setting": [[1, 16, 1_000_000_000, 1]]}
    with pytest.raises(ParameterError, match="inverted_residual_setting cannot be an option"):
        build_network("mobilenet_v2", (3, 32, 32), 10, options)


def test_plain_options_of_torchvisions_networks_are_taken() -> None:
    options = {"replace_stride_with_dilation": [False, True, True], "width_per_group": 32}
    assert build_network("resnet50", (3, 32, 32), 10, options).fc.out_features == 10
