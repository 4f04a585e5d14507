"""Exact noise: its sums, its law, its streams."""

import math
import os

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import chi2, poisson
from torch import nn

from rs_core.classifiers import Classifier
from rs_core.images import image_from_array
from rs_core.pixel_grid import STEPS, in_steps, snapped
from rs_core.smoothing import noise
from rs_core.smoothing.noise import as_steps, exact_normal, exact_uniform, on_grid
from tests.conftest import spec_of

NORMALS = int(float(os.environ.get("RS_NORMALS", "4e6")))
PIECE = 1 << 20
SPEC = spec_of((1, 32, 32), 2)
CHANCE = 1e-6
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


class Flat(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1)[:, :2]


def asked(device: str = "cpu") -> Classifier:
    return Classifier(Flat().to(device), SPEC, device=device)


@given(
    sigma=st.floats(1e-6, 7.0), seed=st.integers(0, 2**32 - 1), drawn=st.sampled_from("nu"),
    eight_bits=st.booleans(),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_sums_are_exact_and_round_as_if_nothing_had_been(
    sigma: float, seed: int, drawn: str, eight_bits: bool
) -> None:
    classifier, rng = asked(), np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (32, 32, 1), dtype=np.uint8) if eight_bits else (
        rng.random((32, 32, 1), dtype=np.float32)
    )  # fmt: skip
    image = image_from_array(pixels, SPEC)
    draw = exact_normal if drawn == "n" else exact_uniform
    z = draw(classifier, 4, seed).numpy()
    steps = np.rint(image.pixels.astype(np.float64) * STEPS).astype(np.int64)
    if eight_bits:
        assert (steps == pixels[None, :, :, 0].astype(np.int64) * 1024).all()
    moved = np.longdouble(z) * np.longdouble(STEPS * sigma)
    whole = steps + np.rint(moved).astype(np.int64)
    # Only what lies within a float64's last bits of a tie may round otherwise.
    near = np.abs(moved - np.floor(moved) - 0.5) < 1e-8
    found = on_grid(as_steps(classifier, image), torch.tensor(z), sigma).numpy()
    in_float32 = whole.astype(np.float32)
    assert (in_float32.astype(np.int64) == whole).all()
    assert ((found == in_float32 / np.float32(STEPS)) | near).all()
    assert ((np.rint(steps + moved).astype(np.int64) == whole) | near).all()
    again = on_grid(as_steps(classifier, image), torch.tensor(z), sigma, last=True).numpy()
    assert (again == found).all()


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=50))
def test_snapping_moves_by_half_a_step_at_most_and_once(values: list[float]) -> None:
    pixels = np.array(values, dtype=np.float32)
    found = snapped(pixels)
    gap = np.abs(found.astype(np.float64) - pixels)
    assert gap.max() <= 0.5 / STEPS + 2**-25
    assert (snapped(found) == found).all()
    assert (in_steps(found) == in_steps(pixels)).all()


def test_every_8_bit_level_lies_on_the_grid() -> None:
    levels = np.arange(256, dtype=np.float32) / np.float32(255)
    assert (snapped(levels) == levels).all()
    assert (in_steps(levels) == 1024 * np.arange(256)).all()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("sigma", [0.25, 1e-5])
def test_rounded_noise_is_gaussian_to_six_sigma(device: str, sigma: float) -> None:
    """Counts between whole numbers of steps; `RS_NORMALS=1e10` sees the far tails."""
    scale = STEPS * sigma
    ends = np.unique(np.rint(np.arange(-6, 6.001, 0.25) * scale)) + 0.5
    counts = _counted(exact_normal, device, sigma, ends)
    shares = np.diff(ndtr(np.concatenate([[-np.inf], ends / scale, [np.inf]])))
    _hold_counts(counts, shares)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("half_width", [0.5, 10.3 / STEPS])
def test_rounded_noise_is_uniform(device: str, half_width: float) -> None:
    """Also where the width is no whole number of steps: the ends get their part of one."""
    scale = STEPS * half_width
    ends = np.unique(np.rint(np.linspace(-scale, scale, 31)))[:-1] + 0.5
    counts = _counted(exact_uniform, device, half_width, ends)
    inner = np.clip(ends / scale, -1, 1)
    _hold_counts(counts, np.diff(np.concatenate([[-1.0], inner, [1.0]])) / 2)


def _counted(draw: object, device: str, sigma: float, ends: np.ndarray) -> np.ndarray:
    classifier, counts = asked(device), np.zeros(len(ends) + 1, dtype=np.int64)
    rows = PIECE // 1024
    zero = torch.zeros(1, 1, 32, 32, device=device)
    for piece in range(max(NORMALS // PIECE, 1)):
        z = draw(classifier, rows, (piece + 1) << 64 | piece)
        steps = on_grid(zero, z, sigma, last=True).double().mul(STEPS).round().cpu().numpy()
        counts += np.bincount(np.searchsorted(ends, steps.ravel()), minlength=len(counts))
    return counts


def _hold_counts(counts: np.ndarray, shares: np.ndarray) -> None:
    expected = counts.sum() * shares
    often = expected >= 10
    statistic = ((counts - expected)[often] ** 2 / expected[often]).sum()
    assert statistic < chi2.ppf(1 - CHANCE, often.sum())
    rare, mean = int(counts[~often].sum()), float(expected[~often].sum())
    assert poisson.ppf(CHANCE, mean) <= rare <= poisson.ppf(1 - CHANCE, mean)


def test_low_bits_of_rounded_noise_are_flat() -> None:
    z = exact_normal(asked(), 1024, 7)
    steps = on_grid(torch.zeros(1, 1, 32, 32), z, 0.25).double().mul(STEPS).round()
    counts = np.bincount(np.mod(steps.numpy().ravel(), 1024).astype(int), minlength=1024)
    mean = counts.sum() / 1024
    assert ((counts - mean) ** 2 / mean).sum() < chi2.ppf(1 - CHANCE, 1023)


@pytest.mark.parametrize("draw", [exact_normal, exact_uniform])
def test_a_stream_is_named_by_every_bit_of_its_key(draw: object) -> None:
    classifier, key = asked(), 0x0123456789ABCDEF_0F1E2D3C4B5A6978
    first = draw(classifier, 2, key)
    assert torch.equal(draw(classifier, 2, key), first)
    assert torch.equal(draw(classifier, 5, key)[:2], first)  # however many are drawn
    others = torch.stack([draw(classifier, 1, key ^ (1 << bit))[0] for bit in range(128)])
    flat = torch.cat([first[:1], others]).flatten(1).double()
    cosines = torch.corrcoef(flat).fill_diagonal_(0).abs()
    assert cosines.max() < 6 / math.sqrt(flat.shape[1])


def test_streams_begin_mixed() -> None:
    """Keys that are counted up begin with numbers that have nothing in common."""
    words = [noise.keyed_generator(key).integers(0, 2**64, dtype=np.uint64) for key in range(4096)]
    bits = np.unpackbits(np.array(words, dtype=np.uint64).view(np.uint8)).reshape(4096, 64)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 6 * 0.5 / 64
    assert len(set(map(int, words))) == 4096
