"""The noise of PNI and CPNI against its equations, and whose it is."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from rs_core.errors import ParameterError
from rs_core.models import build_network, load_model, save_model
from rs_core.models.injected_noise import (
    ColouredNoise,
    InjectedConv,
    InjectedLinear,
    PlainNoise,
    fixed_chance,
    injects_noise,
)
from rs_core.results import ModelSpec

SHAPE, WIDTHS = (1, 8, 8), [4, 4, 4, 8]
DRAWS = 100_000


def small(**options: Any) -> nn.Module:
    torch.manual_seed(5)
    return build_network("conv4-cpni", SHAPE, 3, {"widths": WIDTHS, **options}).eval()


def coloured(size: int, rank: int) -> ColouredNoise:
    """Noise with parameters of both signs, as training leaves them."""
    made = ColouredNoise(size, rank)
    generator = torch.Generator().manual_seed(1)
    made.alpha_d.data.normal_(generator=generator)
    made.alpha_f.data.normal_(generator=generator)
    return made


def test_the_noise_starts_as_published() -> None:
    made = ColouredNoise(7, 5)
    assert torch.equal(made.alpha_d, torch.full((7,), 0.25**2))
    assert torch.equal(made.alpha_f, torch.full((7, 5), 0.01))
    assert PlainNoise(7).alpha.tolist() == [0.25]


@pytest.mark.parametrize("rank", [1, 3])
def test_the_covariance_is_the_diagonal_times_std_plus_l_l_transposed(rank: int) -> None:
    """Measured on the noise of two rows at once, which are independent of each other."""
    made, std, n = coloured(3, rank), torch.tensor(0.3), 3
    torch.manual_seed(2)
    with torch.no_grad():
        drawn = made.added(torch.zeros(n), std, 2 * DRAWS).view(DRAWS, 2 * n)
        low = made.alpha_f @ made.alpha_f.T
        of_a_row = torch.diag((std * made.alpha_d).abs()) + low
    expected = torch.block_diag(of_a_row, of_a_row)
    own = expected.diagonal()
    error = ((own[:, None] * own + expected**2) / DRAWS).sqrt()  # of a Gaussian's covariance
    found = torch.cov(drawn.T)
    assert ((found - expected).abs() < 5 * error).all()
    assert (drawn.mean(0).abs() < 5 * (own / DRAWS).sqrt()).all()

    def is_far(other: Tensor) -> bool:
        return bool(((found[:n, :n] - other).abs() > 10 * error[:n, :n]).any())

    with torch.no_grad():
        assert is_far(torch.diag(made.alpha_d.abs()) + low)  # not scaled by std
        assert is_far(torch.diag((std * made.alpha_d) ** 2) + low)  # a deviation, no variance
        if rank == n:  # else the shapes of the printed form do not agree
            printed = made.alpha_f.T @ made.alpha_f
            assert is_far(torch.diag((std * made.alpha_d).abs()) + printed)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kind", ["cpni", "pni"])
def test_every_row_has_a_kernel_of_its_own(kind: str, stride: int) -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(3, 4, 3, stride=stride, padding=1, bias=False)
    n = plain.weight.numel()
    noise = coloured(n, 2) if kind == "cpni" else PlainNoise(n)
    layer, images = InjectedConv(plain, weights=noise), torch.randn(5, 3, 6, 7)
    torch.manual_seed(3)
    found = layer(images)
    torch.manual_seed(3)
    z1, std = torch.randn(5, n), plain.weight.std()
    if isinstance(noise, ColouredNoise):
        z2 = torch.randn(5, 2)
        drawn = (std * noise.alpha_d).abs().sqrt() * z1 + z2 @ noise.alpha_f.T
    else:
        drawn = noise.alpha * std * z1
    kernels = plain.weight + drawn.view(5, *plain.weight.shape)
    rows = [
        functional.conv2d(image[None], kernel, stride=stride, padding=1)
        for image, kernel in zip(images, kernels, strict=True)
    ]
    torch.testing.assert_close(found, torch.cat(rows), atol=1e-5, rtol=1e-4)


def test_every_row_has_a_matrix_of_its_own() -> None:
    torch.manual_seed(0)
    plain = nn.Linear(6, 4)
    layer, features = InjectedLinear(plain, PlainNoise(24)), torch.randn(5, 6)
    torch.manual_seed(3)
    found = layer(features)
    torch.manual_seed(3)
    matrices = plain.weight + 0.25 * plain.weight.std() * torch.randn(5, 24).view(5, 4, 6)
    expected = torch.einsum("bkf,bf->bk", matrices, features) + plain.bias
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("side", ["inputs", "outputs"])
def test_activations_are_noisy_by_their_own_rows_deviation(side: str) -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(2, 3, 3, padding=1, bias=False)
    n = {"inputs": 2, "outputs": 3}[side] * 20
    noise = coloured(n, 2)
    layer: nn.Module = InjectedConv(plain, **{side: noise})  # type: ignore[arg-type]
    images = torch.randn(4, 2, 4, 5) * torch.tensor([0.1, 1.0, 3.0, 9.0])[:, None, None, None]
    torch.manual_seed(3)
    found = layer(images)
    torch.manual_seed(3)
    z1, z2 = torch.randn(4, n), torch.randn(4, 2)
    before = images if side == "inputs" else plain(images)
    std = before.flatten(1).std(dim=1, correction=0)
    drawn = (std[:, None] * noise.alpha_d).abs().sqrt() * z1 + z2 @ noise.alpha_f.T
    noisy = before + drawn.view(before.shape)
    expected = plain(noisy) if side == "inputs" else noisy
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("noise", ["weights", "activations", "both"])
def test_a_row_hangs_on_itself_and_its_own_noise_alone(noise: str) -> None:
    network, images = small(noise=noise), torch.rand(6, *SHAPE)
    others = torch.cat([images[:3], 7 - 9 * images[3:]])
    found = []
    for rows in (images, others):
        torch.manual_seed(1)
        with torch.no_grad():
            found.append(network(rows)[:3])
    assert torch.equal(*found)


@pytest.mark.parametrize("noise", ["weights", "activations", "both"])
def test_rows_share_noise_only_where_they_are_told_to(noise: str) -> None:
    """200 pairs of equal rows: correlated by less than 5 errors, or of one mind."""
    generator = torch.Generator().manual_seed(0)
    pairs = torch.rand(1, *SHAPE, generator=generator).expand(400, -1, -1, -1)
    with torch.no_grad():
        own = small(noise=noise)(pairs).view(200, 2, 3)
        shared = small(noise=noise, shared_draws=True)(pairs)
    centred = own - own.mean(dim=(0, 1))
    spread = centred.pow(2).mean(dim=(0, 1))
    assert (spread > 0).all()
    assert ((centred[:, 0] * centred[:, 1]).mean(0).abs() < 5 / 200**0.5 * spread).all()
    torch.testing.assert_close(shared, shared[:1].expand_as(shared), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        ({}, ["weight", "weight", "weight", "weight"]),
        ({"noise": "both"}, ["weight", "weight input", "weight input", "weight input"]),
        ({"noise": "activations"}, ["weight", "input", "input", "input"]),
        (
            {"noise": "activations", "activation_side": "output"},
            ["weight", "output", "output", "output"],
        ),
    ],
)
def test_noise_goes_where_it_is_asked_for(options: dict[str, Any], kinds: list[str]) -> None:
    """The first convolution's weights and the linear layer's are always noisy."""
    network = small(**options)
    convolutions = [m for m in network.modules() if isinstance(m, InjectedConv)]
    places = ("weight", "input", "output")
    found = [
        " ".join(p for p in places if getattr(layer, f"{p}_noise") is not None)
        for layer in convolutions
    ]
    assert found == kinds
    assert isinstance(network.head, InjectedLinear)
    assert isinstance(network.head.weight_noise, PlainNoise)
    sizes = {m.alpha_f.shape for m in network.modules() if isinstance(m, ColouredNoise)}
    assert {rank for _, rank in sizes} == {5}
    assert injects_noise(network)
    assert not injects_noise(build_network("conv4", SHAPE, 3))


def test_the_inputs_noise_has_a_strength_that_is_learned() -> None:
    """Section 4.3: x + s z, the deviation of x aside, for every copy by itself."""
    network = small(input_noise=0.7)
    for part in network.modules():  # no other noise
        if isinstance(part, ColouredNoise):
            part.alpha_d.data.zero_()
            part.alpha_f.data.zero_()
        elif isinstance(part, PlainNoise):
            part.alpha.data.zero_()
    seen: list[Tensor] = []
    first = network.features[0][0]
    images = 5 * torch.rand(4000, *SHAPE)
    kept, first._convolved = first._convolved, lambda f, k: (seen.append(f), kept(f, k))[1]
    network(images).sum().backward()
    drawn = (seen[0] - images).detach()
    assert drawn.std().item() == pytest.approx(0.7, rel=5 / (2 * drawn.numel()) ** 0.5)
    assert drawn.mean().abs() < 5 * 0.7 / drawn.numel() ** 0.5
    rows = drawn.flatten(1) / 0.7
    assert (rows[::2] * rows[1::2]).mean().abs() < 5 / (rows.numel() / 2) ** 0.5
    assert first.input_noise.strength.grad.abs() > 0
    assert not [n for n, _ in small().named_parameters() if n.endswith("strength")]


def test_the_residual_networks_have_theirs() -> None:
    for name, kind in (("resnet20-cpni", ColouredNoise), ("resnet20-pni", PlainNoise)):
        network = build_network(name, (3, 32, 32), 10)
        layers = [m for m in network.modules() if isinstance(m, InjectedConv)]
        assert len(layers) == 19
        assert {type(m.weight_noise) for m in layers} == {kind}
        assert not [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.bias is not None]


@pytest.mark.parametrize("training", [True, False])
def test_noise_is_drawn_in_both_modes_from_the_process_alone(training: bool) -> None:
    network, images = small(noise="both").train(training), torch.rand(4, *SHAPE)
    state = torch.random.get_rng_state()
    answers = []
    for seed in (1, 1, 2):
        with fixed_chance(seed, torch.device("cpu")), torch.no_grad():
            answers.append(network(images))
    assert torch.equal(state, torch.random.get_rng_state())
    assert torch.equal(answers[0], answers[1])
    assert not torch.allclose(answers[0], answers[2])


def test_no_gradient_is_lost_where_nothing_varies() -> None:
    network = small(noise="both", activation_side="output")
    for part in network.modules():
        if isinstance(part, ColouredNoise):
            part.alpha_d.data[:5] = 0
    images = torch.zeros(2, *SHAPE, requires_grad=True)
    network(images).sum().backward()
    assert images.grad is not None
    assert images.grad.isfinite().all()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rank": 0}, "rank=0 is out of range: give a number at least 1 and at most 64"),
        ({"rank": 2.5}, "rank=2.5 is not a whole number"),
        ({"rank": True}, "rank=True is not a number"),
        ({"noise": "bias"}, "noise='bias' is not known: choose one of weights, activations, both"),
        ({"noise": ["both"]}, "is not known"),
        ({"activation_side": "middle"}, "activation_side='middle' is not known"),
        ({"shared_draws": 1}, "shared_draws=1 is neither on nor off"),
        ({"input_noise": -1}, "input_noise=-1 is out of range: give a number at least 0"),
        ({"strength": 1}, "conv4-cpni cannot be built: .*strength"),
    ],
)
def test_options_that_make_no_network_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said) as refused:
        small(**options)
    assert "\n" not in str(refused.value)


def test_plain_noise_has_no_rank() -> None:
    with pytest.raises(ParameterError, match=r"resnet20-pni cannot be built: .*rank"):
        build_network("resnet20-pni", (3, 32, 32), 10, {"rank": 3})


def test_options_are_stored_with_the_file_and_loading_draws_nothing(tmp_path: Path) -> None:
    options = {"widths": WIDTHS, "noise": "both", "rank": 2, "activation_side": "output"}
    spec = ModelSpec("noisy", "conv4-cpni", SHAPE, ("a", "b", "c"), options=options)
    made = build_network(spec.architecture, SHAPE, 3, options)
    stored = save_model(made, spec, tmp_path)
    state = torch.random.get_rng_state()
    network, found = load_model(tmp_path / stored.weights)
    assert torch.equal(state, torch.random.get_rng_state())
    assert found.options == options
    assert network.state_dict().keys() == made.state_dict().keys()
    images = torch.rand(3, *SHAPE)
    with torch.no_grad():
        torch.manual_seed(1)
        first = network(images)
        torch.manual_seed(1)
        torch.testing.assert_close(first, made.eval()(images))
