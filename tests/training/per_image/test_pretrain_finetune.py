"""Wang et al. (2021), Algorithm 1 and equation 5."""

import numpy as np
import pytest
import torch
from scipy.stats import beta, norm

from rs_core.errors import ParameterError
from rs_core.training.per_image import PretrainFinetune
from tests.training.per_image.conftest import Small, seeded

LOW, HIGH, N = 0.12, 0.52, 40
HOW = PretrainFinetune(sigma_low=LOW, interval=0.05, n=N)
GRID = [0.12, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.52]


def transcribed(small: Small, z: torch.Tensor) -> list[float]:
    """arg max over the grid of radius times correctness, an image at a time."""
    found = []
    for x, y, draws in zip(small.pixels, small.batch.labels, z, strict=True):
        best, chosen = 0.0, LOW
        for sigma in GRID:
            answers = small.network.module(x + sigma * draws).argmax(1).tolist()
            counts = [answers.count(c) for c in range(3)]
            top = counts.index(max(counts))
            lower = float(beta.ppf(1e-3, max(counts), N - max(counts) + 1))
            radius = sigma * float(norm.ppf(lower)) if lower > 0.5 else 0.0
            if radius * (top == y) > best:
                best, chosen = radius, sigma
        found.append(chosen)
    return found


def test_sigmas_are_those_of_equation_5(small: Small) -> None:
    generator = seeded(2)
    size = 256 // N
    z = torch.cat([torch.randn(size, N, 1, 2, 2, generator=generator) for _ in range(4)])
    picked = HOW.assigned(small.network, small.batch, torch.zeros(24), HIGH, seeded(2))
    expected = transcribed(small, z[:24])
    assert picked.tolist() == pytest.approx(expected)
    assert len(set(expected)) > 3
    assert all(s == LOW for s, row in zip(expected, range(24), strict=True) if row % 5 == 0)


def test_the_grid_has_both_ends() -> None:
    """Multiples of .05 alone leave out .12, and adding floats can lose the last one."""
    assert HOW.grid(HIGH).tolist() == pytest.approx(GRID)
    assert PretrainFinetune(sigma_low=0.05).grid(0.3)[-1] == 0.3


def test_of_sigmas_at_which_all_agree_the_largest_wins(small: Small) -> None:
    with torch.no_grad():
        small.network.module.weight.zero_()
        small.network.module.weight[1] = 1e-9
    bright = Small(small.network, small.batch.part(0, 4))
    bright.batch.pixels.fill_(255)
    bright.batch.labels.fill_(1)
    few = PretrainFinetune(sigma_low=0.01, interval=0.01, n=20)
    picked = few.assigned(bright.network, bright.batch, torch.zeros(4), 0.05, seeded(0))
    assert picked.tolist() == pytest.approx([0.05] * 4)


def test_before_that_sigmas_are_uniform_and_drawn_afresh() -> None:
    none = HOW.first(0.5, 10_000, None)
    first, second = (HOW.drawn(none, 0.5, 0, seeded(seed)) for seed in (0, 1))
    assert not torch.equal(first, second)
    ordered = np.sort(first.numpy())
    # Kolmogorov-Smirnov: beyond .0222 at n = 10,000 with probability 1e-4
    assert np.abs(ordered - np.linspace(0.12, 0.5, 10_000)).max() < 0.0222 * 0.38
    picked = torch.tensor([0.3, 0.2])
    assert torch.equal(HOW.drawn(picked, 0.5, 9, seeded(0)), picked)


def test_they_are_picked_once() -> None:
    due = [epoch for epoch in range(300) if HOW.assigns(epoch, 300) == "all"]
    assert due == [150]
    assert PretrainFinetune(pretrain_epochs=3).assigns(3, 4) == "all"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"sigma_low": 0.6}, "sigma_low=0.6 must lie below sigma=0.5"),
        ({"interval": 0.0001}, "makes more than 1000 sigmas"),
        ({"pretrain_epochs": 8}, "leaves none of 8 epochs"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, float], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        PretrainFinetune(**settings).check(0.5, 8)  # type: ignore[arg-type]
