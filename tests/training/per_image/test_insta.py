"""Chen et al. (2021), Algorithm 2, with the limits that it means."""

import math

import pytest
import torch
from scipy.stats import norm

from rs_core.errors import ParameterError
from rs_core.training.per_image import Insta
from rs_core.training.per_image.insta import moves
from tests.training.per_image.conftest import Small, seeded

S0, T, M = 0.25, 4, 8


def transcribed(small: Small, levels: list[int]) -> list[int]:
    """Lines 5 to 10 of the algorithm, an image at a time, on the draws of `seeded(1)`."""
    z = torch.randn(24, M, 1, 2, 2, generator=seeded(1))
    found = []
    for x, y, draws, level in zip(small.pixels, small.batch.labels, z, levels, strict=True):
        v, step = level * S0**2, S0**2

        def g(variance: float, x=x, draws=draws) -> list[float]:  # type: ignore[no-untyped-def]
            logits = small.network.module(x + math.sqrt(variance) * draws)
            return logits.softmax(1).mean(0).tolist()  # type: ignore[no-any-return]

        def cr(variance: float, scores: list[float]) -> float:
            return math.sqrt(variance) * float(norm.ppf(max(scores)))

        here, there = g(v), g(v + step)
        if here.index(max(here)) != y:
            v = max(v - step, step)
        elif there.index(max(there)) == y and cr(v, here) < cr(v + step, there):
            v = min(v + step, T * step)
        found.append(round(v / step))
    return found


@pytest.mark.parametrize("start", [1, 2, T])
def test_an_update_is_the_algorithms(small: Small, start: int) -> None:
    sigmas = torch.full((24,), S0 * start**0.5)
    how = Insta(levels=T, n=M)
    with torch.no_grad():
        moved = how.assigned(small.network, small.batch, sigmas, S0, seeded(1))
        expected = transcribed(small, [start] * 24)
    assert (moved / S0).square().round().int().tolist() == expected
    assert len(set(expected)) > 1 or start == T


def test_variances_stay_from_one_to_the_last_level(small: Small) -> None:
    """As printed a step down from 1 reaches 0, and any step up jumps to the top."""
    how, wrong = Insta(levels=T, n=M), small.batch.rows % 5 == 0
    low = how.assigned(small.network, small.batch, torch.full((24,), S0), S0, seeded(1))
    assert torch.allclose(low[wrong], torch.tensor(S0))
    assert ((low / S0).square() < 2.5).all()
    top = how.assigned(small.network, small.batch, torch.full((24,), 2 * S0), S0, seeded(1))
    assert ((top / S0).square() < T + 0.5).all()
    assert torch.allclose(top[wrong].min(), torch.tensor(S0 * 3**0.5))  # a step, not a fall


def test_a_score_of_one_moves_up(small: Small) -> None:
    """float32 rounds the surest image's score to 1: its radius is capped, and still grows."""
    with torch.no_grad():
        small.network.module.weight *= 1000
    labels = small.network.module(small.pixels).argmax(1)
    small.batch.labels.copy_(labels)
    moved = Insta(levels=T, n=1).assigned(
        small.network, small.batch, torch.full((24,), 1e-4), 1e-4, seeded(1)
    )
    assert torch.allclose(moved, torch.tensor(1e-4 * 2**0.5))


def test_a_larger_radius_of_another_class_moves_nothing() -> None:
    means = torch.tensor([[[0.6, 0.4], [0.1, 0.9]], [[0.6, 0.4], [0.9, 0.1]]])
    pair = torch.tensor([[0.25, 0.35]] * 2)
    assert moves(means, pair, torch.tensor([0, 0])).tolist() == [0, 1]


@pytest.mark.parametrize("epochs", [150, 300])
def test_fifteen_updates_reach_the_sixteenth_level(epochs: int) -> None:
    how = Insta(period=10, first_epochs=150)
    due = [epoch for epoch in range(epochs) if how.assigns(epoch, epochs) == "batch"]
    assert due == list(range(9, 150, 10))
    assert how.sigma_range(0.25) == (0.25, 1.0)


def test_fewer_epochs_make_shorter_periods() -> None:
    assert [Insta().every(epochs) for epochs in (2, 20, 60, 300)] == [1, 1, 2, 10]


@pytest.mark.parametrize(
    ("settings", "epochs", "said"),
    [
        ({"first_epochs": 9}, 8, "first_epochs=9 is more than all 8 epochs"),
        ({"period": 5}, 8, "period=5 is longer than the 4 epochs"),
        ({"levels": 1000}, 8, "from 0.5 to 15.8"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, int], epochs: int, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        Insta(**settings).check(0.5, epochs)
