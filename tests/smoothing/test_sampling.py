import math
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import chi2
from torch import Tensor, nn

from rs_core.classifiers import Classifier, devices
from rs_core.errors import ParameterError
from rs_core.events import Finished, drain
from rs_core.guarantees import GUARANTEES
from rs_core.images import ImageInput, image_from_array
from rs_core.models.registry import build_network
from rs_core.results import Selection, Votes
from rs_core.smoothing import sampling
from rs_core.smoothing.noise import noisy_copies
from rs_core.smoothing.sampling import VotesStep, draw_votes
from rs_core.smoothing.threads import block_threads
from tests.conftest import Coin, spec_of

SHAPE = (1, 8, 8)


def votes(
    classifier: Classifier, image: ImageInput, sigmas: list[float], n: int, **options: object
) -> Votes:
    settings = {"seed": 0, "caller": "test", "stage": "certify"} | options
    return drain(draw_votes(classifier, [image], np.array([sigmas]), n, **settings))


def conv4(seed: int, shape: tuple[int, int, int] = (3, 32, 32), **options: str) -> Classifier:
    torch.manual_seed(seed)
    network = build_network("conv4", shape, 10, {})
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2.0)
    _make_undecided(network, shape)
    return Classifier(network, spec_of(shape, 10), **options)


@torch.no_grad()
def _make_undecided(network: nn.Module, shape: tuple[int, int, int]) -> None:
    """Every class gets votes: logits centred and scaled over noise about a grey image."""
    head = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
    logits = network.eval()(torch.rand(64, *shape) + torch.randn(64, *shape) / 2)
    scale = 1 / logits.std(dim=0)
    head.weight.mul_(scale[:, None])
    head.bias.copy_((head.bias - logits.mean(dim=0)) * scale)


def photo(seed: int = 0, shape: tuple[int, int, int] = (3, 32, 32)) -> ImageInput:
    pixels = np.random.default_rng(seed).integers(0, 256, (shape[1], shape[2], shape[0]), np.uint8)
    return image_from_array(pixels, spec_of(shape, 10), name="photo")


@pytest.fixture
def network() -> Classifier:
    return conv4(0)


def test_t11_counts_do_not_depend_on_the_batch_size(network: Classifier) -> None:
    image = photo()
    expected = votes(network, image, [0.25, 1.0], 300, batch_size=64).counts
    for batch_size in (1, 512, 100_000):
        found = votes(network, image, [0.25, 1.0], 300, batch_size=batch_size).counts
        assert (found == expected).all()


def test_t11_counts_do_not_depend_on_the_number_of_threads(network: Classifier) -> None:
    image, before = photo(), torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(votes(network, image, [0.25, 1.0], 400).counts)
    finally:
        torch.set_num_threads(before)
    assert (found[0] == found[1]).all()
    assert (found[0] == found[2]).all()


def test_t11_counts_do_not_depend_on_the_other_sigmas_or_images(network: Classifier) -> None:
    first, second = photo(1), photo(2)
    sigmas = [0.1, 0.5, 2.0, 1.0, 0.3]
    among = votes(network, first, sigmas, 200).counts[0]
    alone = [votes(network, first, [sigma], 200).counts[0, 0] for sigma in sigmas]
    stream = draw_votes(
        network,
        [second, first],
        np.array([[0.5], [0.5]]),
        200,
        seed=0,
        caller="test",
        stage="certify",
    )
    assert len({tuple(row) for row in among.tolist()}) > 1
    assert (alone == among).all()
    assert (alone[1] == drain(stream).counts[1, 0]).all()


def test_t11_a_stream_cut_and_resumed_counts_the_same(network: Classifier) -> None:
    image = photo()
    whole = votes(network, image, [0.5], 64 * 4).counts
    parts = [votes(network, image, [0.5], 128, start=start).counts for start in (0, 128)]
    assert (whole == parts[0] + parts[1]).all()
    with pytest.raises(ParameterError, match="multiple of 64"):
        votes(network, image, [0.5], 64, start=10)


def test_t11_bf16_counts_are_equal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "has_bf16", lambda device: True)
    network, image = conv4(3, precision="bf16"), photo()
    assert network.precision == "bf16"
    expected = votes(network, image, [0.25], 200, batch_size=64).counts
    assert (votes(network, image, [0.25], 200, batch_size=2048).counts == expected).all()


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"caller": "other"}, {"part": 1}, {"stage": "label"}]
)
def test_seed_path_and_stage_name_different_streams(change: dict[str, object]) -> None:
    coin, image = Classifier(Coin(0.5, 0.25), spec_of(SHAPE, 2)), photo(0, SHAPE)
    many = [votes(coin, image, [0.25], 64, start=64 * i).counts[0, 0] for i in range(20)]
    other = [votes(coin, image, [0.25], 64, start=64 * i, **change).counts[0, 0] for i in range(20)]
    assert any((a != b).any() for a, b in zip(many, other, strict=True))


@pytest.mark.parametrize("part", [-1, 4])
def test_a_part_that_would_reach_into_another_stage_is_refused(part: int) -> None:
    coin, image = Classifier(Coin(0.5, 0.25), spec_of(SHAPE, 2)), photo(0, SHAPE)
    with pytest.raises(ParameterError, match=f"part={part} is out of range"):
        votes(coin, image, [0.25], 64, part=part, stage="label")


def test_no_two_callers_share_a_stream(monkeypatch: pytest.MonkeyPatch, grey: ImageInput) -> None:
    from rs_core import api

    seen: dict[int, str] = {}
    blocks = sampling._blocks

    def recorded(*args: object, **where: object) -> object:
        stream = f"{where['caller']} {where['slot']}"
        for block in blocks(*args, **where):
            assert seen.setdefault(block.key, stream) == stream
            yield block

    monkeypatch.setattr(sampling, "_blocks", recorded)
    coin = Classifier(Coin(0.9, 0.25), spec_of(SHAPE, 2))
    api.certify(coin, grey, sigma=0.25, n=500)
    api.sweep(coin, grey, sigmas=(0.25, 0.5), n=500)
    api.predict(coin, grey, sigma=0.25, n=500)
    api.certify_sequential(coin, grey, sigma=0.25, target_radius=0.1, n=500)
    assert len(set(seen.values())) == 9  # 4 label, 1 predict, and certify, best, curve, sequential
    for name, guarantee in GUARANTEES.items():
        norm = guarantee().norm
        selection = Selection("fixed", 0.25, (), 0, rate=0.01, norm=norm)
        settings = {"sigmas": (0.25,)} if name in ("grid_minimum", "cascade") else {}
        drain(guarantee(n=500, **settings).run(coin, [grey], [selection], seed=0))
    assert len(set(seen.values())) == 9 + 2 * len(GUARANTEES)


def test_t3_counts_of_many_seeds_have_binomial_dispersion(grey: ImageInput) -> None:
    """Noise repeated in every block multiplies the variance by the number of blocks."""
    p, n, seeds = 0.7, 640, 400
    coin = Classifier(Coin(p, 0.25), spec_of(SHAPE, 2))
    tops = np.array([votes(coin, grey, [0.25], n, seed=s).counts[0, 0, 1] for s in range(seeds)])
    offset = (128 / 255 - 0.5) / 0.25
    exact = float(torch.special.ndtr(torch.tensor(offset - coin_threshold(p), dtype=torch.float64)))
    statistic = ((tops - n * exact) ** 2).sum() / (n * exact * (1 - exact))
    assert chi2.ppf(1e-6, seeds) < statistic < chi2.ppf(1 - 1e-6, seeds)


def coin_threshold(p: float) -> float:
    return float(torch.special.ndtri(torch.tensor(1 - p, dtype=torch.float64)))


class Memory(nn.Module):
    """Keeps an activation on itself and reads it again, as many networks do."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        self.kept = self.layer(x)
        time.sleep(0.002)  # lets another thread in
        logits: Tensor = self.kept[:, :, 5, 5]
        return logits


def test_a_network_that_keeps_activations_is_not_shared_between_threads() -> None:
    torch.manual_seed(0)
    network, image = Classifier(Memory(), spec_of((3, 32, 32), 8)), photo()
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 4):
            torch.set_num_threads(threads)
            found.append(votes(network, image, [0.5], 3200).counts)
    finally:
        torch.set_num_threads(before)
    assert (found[0] == found[1]).all()
    assert (found[0] == found[2]).all()


def test_pool_threads_compute_alone_and_leave_the_process_as_it_was() -> None:
    before = torch.get_num_threads()
    try:
        for threads in (2, 4):
            torch.set_num_threads(threads)
            inside = list(block_threads(threads).map(lambda _: torch.get_num_threads(), range(8)))
            assert set(inside) == {1}
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def test_a_forked_child_can_certify_after_its_parent_did(grey: ImageInput) -> None:
    code = (
        "import os, torch, numpy as np; torch.set_num_threads(2)\n"
        "from tests.conftest import *\nfrom rs_core import api\n"
        "image = image_from_array(np.full((8, 8, 1), 128, np.uint8), spec_of((1, 8, 8), 2))\n"
        "coin = Classifier(Coin(0.9, 0.25), spec_of((1, 8, 8), 2))\n"
        "mine = api.certify(coin, image, sigma=0.25, n=500, seed=0)\n"
        "child = os.fork()\n"
        "if not child: os._exit(api.certify(coin, image, sigma=0.25, n=500, seed=0) != mine)\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, timeout=60).returncode == 0


class Broken(nn.Module):
    """NaN in every row where the first noisy pixel is above its mean."""

    def forward(self, x: Tensor) -> Tensor:
        bad = x[:, 0, 0, 0] > 128 / 255
        logits = torch.zeros(len(x), 2)
        logits[bad] = math.nan
        return logits


def test_nan_and_infinite_logits_vote_invalid(grey: ImageInput) -> None:
    counts = votes(Classifier(Broken(), spec_of(SHAPE, 2)), grey, [0.25], 1000).counts[0, 0]
    assert counts[1] == 0
    assert counts.sum() == 1000
    assert 400 < counts[2] < 600


class Recorder(nn.Module):
    """Keeps what it is given."""

    seen: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        type(self).seen = []

    def forward(self, x: Tensor) -> Tensor:
        type(self).seen.append(x.clone())
        return torch.zeros(len(x), 2)


def recorded(image: ImageInput, sigma: float, **options: object) -> Tensor:
    classifier = Classifier(Recorder(), spec_of(SHAPE, 2), **options.pop("classifier", {}))
    Recorder.seen.clear()
    votes(classifier, image, [sigma], 6400, **{"stage": "label"} | options)  # is not asked again
    return torch.cat(Recorder.seen)


@pytest.mark.parametrize("kind", ["gaussian", "gaussian-grid"])
def test_noise_is_gaussian_white_and_of_size_sigma(grey: ImageInput, kind: str) -> None:
    noise = (recorded(grey, 0.5, noise=kind).double() - 128 / 255) / 0.5
    count = noise.numel()
    assert abs(noise.mean()) < 5 / math.sqrt(count)
    assert abs(noise.var() - 1) < 5 * math.sqrt(2 / count)
    assert abs((noise**4).mean() - 3) < 5 * math.sqrt(96 / count)
    flat = noise.flatten(1)
    covariance = flat.T @ flat / len(flat) - torch.eye(flat.shape[1])
    assert covariance.abs().max() < 6 * math.sqrt(2 / len(flat))
    assert len({tuple(row) for row in flat[:, :4].tolist()}) == len(flat)


@pytest.mark.parametrize("kind", ["uniform", "uniform-grid"])
def test_uniform_noise_is_flat_white_and_stays_within_lambda(grey: ImageInput, kind: str) -> None:
    noise = (recorded(grey, 0.5, noise=kind).double() - 128 / 255) / 0.5
    count = noise.numel()
    assert noise.abs().max() <= 1 + 4e-6
    assert noise.max() > 0.999
    assert noise.min() < -0.999
    assert abs(noise.mean()) < 5 / math.sqrt(3 * count)
    assert abs(noise.var() - 1 / 3) < 5 * math.sqrt(4 / 45 / count)
    shares = torch.histc(noise, 20, -1, 1) / count
    assert (shares - 1 / 20).abs().max() < 6 * math.sqrt(0.05 / count)
    flat = noise.flatten(1)
    covariance = flat.T @ flat / len(flat) - torch.eye(flat.shape[1]) / 3
    assert covariance.abs().max() < 6 * math.sqrt(2 / len(flat)) / 3
    assert len({tuple(row) for row in flat[:, :4].tolist()}) == len(flat)


def test_uniform_counts_do_not_depend_on_batch_threads_or_cuts(network: Classifier) -> None:
    image, before = photo(), torch.get_num_threads()
    asked = {"noise": "uniform-grid"}
    expected = votes(network, image, [0.25, 1.0], 300, **asked)
    assert expected.noise == "uniform-grid"
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found = votes(network, image, [0.25, 1.0], 300, batch_size=1, **asked)
            assert (found.counts == expected.counts).all()
    finally:
        torch.set_num_threads(before)
    parts = [
        votes(network, image, [0.25, 1.0], n, start=s, **asked) for s, n in ((0, 128), (128, 172))
    ]
    assert (parts[0].counts + parts[1].counts == expected.counts).all()
    gaussian = votes(network, image, [0.25, 1.0], 300, noise="gaussian")
    assert (gaussian.counts != expected.counts).any()


def test_the_sum_is_made_in_float32_and_only_then_cast(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """129/255 is not a bf16 number: cast before the noise, the mean moves by 0.0019."""
    monkeypatch.setattr(devices, "has_bf16", lambda device: True)
    spec = spec_of(SHAPE, 2)
    image = image_from_array(np.full((8, 8, 1), 129, np.uint8), spec, name="129")
    seen = recorded(image, 0.02, classifier={"precision": "bf16"}).float()
    assert abs(seen.mean() - 129 / 255) < 5 * 0.02 / math.sqrt(seen.numel())


def test_normalisation_follows_the_noise(grey: ImageInput) -> None:
    spec = spec_of(SHAPE, 2, mean=(0.5,), std=(0.2,))
    classifier = Classifier(Recorder(), spec)
    Recorder.seen.clear()
    votes(classifier, grey, [0.1], 6400)
    seen = torch.cat(Recorder.seen)
    assert seen.std() == pytest.approx(0.1 / 0.2, rel=0.01)
    assert seen.mean() == pytest.approx((128 / 255 - 0.5) / 0.2, abs=0.01)


def test_sums_that_float32_cannot_hold_are_refused(grey: ImageInput) -> None:
    coin = Classifier(Coin(0.9, 0.25), spec_of(SHAPE, 2))
    for noise in ("gaussian-grid", "uniform-grid"):
        with pytest.raises(ParameterError, match=r"sigma=8 .* at most 7.* idealised"):
            votes(coin, grey, [8.0], 64, noise=noise)
    assert votes(coin, grey, [8.0], 64, noise="gaussian").n == 64
    assert votes(coin, grey, [7.0], 64).n == 64


def test_exact_noise_is_the_default(grey: ImageInput) -> None:
    assert votes(Classifier(Coin(0.9, 0.25), spec_of(SHAPE, 2)), grey, [0.25], 64).noise == (
        "gaussian-grid"
    )


@pytest.mark.parametrize("sigmas", [[0.0], [-1.0], [math.nan], [math.inf]])
def test_bad_sigmas_are_refused(grey: ImageInput, sigmas: list[float]) -> None:
    with pytest.raises(ParameterError, match="sigma"):
        votes(Classifier(Coin(0.9, 0.25), spec_of(SHAPE, 2)), grey, sigmas, 64)


def test_an_image_of_another_size_is_refused(grey: ImageInput, network: Classifier) -> None:
    with pytest.raises(ParameterError, match="load_image"):
        votes(network, grey, [0.25], 64)


def test_steps_grow_to_the_total_and_carry_snapshots(grey: ImageInput) -> None:
    coin = Classifier(Coin(0.9, 0.25), spec_of(SHAPE, 2))
    stream = draw_votes(
        coin,
        [grey],
        np.array([[0.25, 0.5]]),
        1000,
        seed=0,
        caller="test",
        stage="certify",
        batch_size=1,
    )
    *steps, last = stream
    assert isinstance(last, Finished)
    assert [s.done for s in steps] == sorted({s.done for s in steps})
    assert steps[-1].done == steps[-1].total == 2000
    for step in steps:
        assert isinstance(step, VotesStep)
        assert (step.counts.sum(axis=-1) == step.n_done[0]).all()


def test_noisy_copies_share_one_draw(grey: ImageInput) -> None:
    coin = Classifier(Coin(0.9, 0.25), spec_of(SHAPE, 2))
    copies = noisy_copies(coin, grey, [0.1, 0.2], seed=0)
    assert copies.shape == (2, *SHAPE)
    assert np.allclose(copies[1] - grey.pixels, 2 * (copies[0] - grey.pixels), atol=1e-6)


Make = Callable[..., tuple[Classifier, ImageInput]]


def test_a_linear_classifier_votes_with_its_closed_form_probability(linear: Make) -> None:
    classifier, image = linear(margin=0.25)
    n = 20_000
    found = votes(classifier, image, [0.25], n).counts[0, 0, 1] / n
    exact = float(torch.special.ndtr(torch.tensor(1.0, dtype=torch.float64)))
    assert abs(found - exact) < 5 * math.sqrt(exact * (1 - exact) / n)


class Sharpened(nn.Module):
    """The same network, so sure of itself that softmax and argmax agree."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return 1e6 * self.network(x)


def test_soft_sums_are_softmax_scores_of_the_same_copies(network: Classifier) -> None:
    image, sigmas = photo(), [0.1, 0.5]
    hard, soft = (votes(network, image, sigmas, 100, soft=on) for on in (False, True))
    assert hard.soft is None
    assert soft.soft is not None
    assert (hard.counts == soft.counts).all()
    assert soft.soft.sum(axis=-1) == pytest.approx(100.0)
    again = [votes(network, image, [sigma], 100, soft=True).soft[0, 0] for sigma in sigmas]
    assert (soft.soft[0] == np.stack(again)).all()
    sharp = Classifier(Sharpened(network.module), network.spec)
    near = votes(sharp, image, sigmas, 100, soft=True)
    assert near.soft == pytest.approx(near.counts[..., :-1], abs=0.5)


def test_rows_without_finite_logits_add_nothing_soft(grey: ImageInput) -> None:
    sick = votes(Classifier(Broken(), spec_of(SHAPE, 2)), grey, [0.25], 400, soft=True)
    assert sick.counts[0, 0, -1] > 0
    assert sick.soft.sum() == pytest.approx(400 - sick.counts[0, 0, -1])


def test_images_of_one_run_do_not_share_their_noise() -> None:
    """The network reads one value, in which the two do not differ."""
    coin, images = Classifier(Coin(0.5, 0.25), spec_of(SHAPE, 2)), [photo(0, SHAPE)]
    pixels = np.round(images[0].pixels * 255).astype(np.uint8).transpose(1, 2, 0)
    pixels[-1, -1] ^= 1
    images.append(image_from_array(pixels, spec_of(SHAPE, 2), name="its neighbour"))
    one, other = (
        [votes(coin, i, [0.25], 64, start=64 * k).counts for k in range(20)] for i in images
    )
    assert any((a != b).any() for a, b in zip(one, other, strict=True))
