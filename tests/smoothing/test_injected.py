"""Votes of networks that inject noise of their own, which a certificate is made from."""

from functools import cache

import numpy as np
import pytest
import torch

from rs_core import api
from rs_core.attacks.predict import predictions
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import drain
from rs_core.images import ImageInput
from rs_core.models import build_network
from rs_core.smoothing.sampling import draw_votes
from rs_core.statistics import lower_confidence_bound
from tests.conftest import spec_of

SHAPE, SIGMA = (1, 8, 8), 0.1


@cache
def noisy(shared_draws: bool = False) -> Classifier:
    """Of two minds: its last layer, which alone would decide, is noisy enough."""
    torch.manual_seed(2)
    options = {"widths": [4, 4, 4, 8], "noise": "both", "shared_draws": shared_draws}
    network = build_network("conv4-cpni", SHAPE, 2, options)
    network.head.linear.bias.data.zero_()
    network.head.weight_noise.alpha.data.fill_(3.0)
    return Classifier(network, spec_of(SHAPE, 2))


def votes(image: ImageInput, n: int, seed: int = 0, start: int = 0, **more: int) -> np.ndarray:
    stream = draw_votes(
        noisy(), [image], np.array([[SIGMA]]), n,
        seed=seed, caller="test", stage="certify", start=start, **more,
    )  # fmt: skip
    return drain(stream).counts[0, 0]


@cache
def population(digest: str, pixels: bytes) -> float:
    """P(class 0) over input noise and the network's own, from 100,000 draws of another source."""
    generator, right, rows = torch.Generator().manual_seed(1), 0, 1000
    image = torch.tensor(np.frombuffer(pixels, np.float32).reshape(SHAPE).copy())
    torch.manual_seed(12)
    with torch.inference_mode():
        for _ in range(100):
            z = torch.randn(rows, *SHAPE, generator=generator)
            answers = noisy().module(image + SIGMA * z).argmax(1)
            right += int((answers == 0).sum())
    return right / 100_000


def share(image: ImageInput) -> float:
    return population(image.digest, np.ascontiguousarray(image.pixels, np.float32).tobytes())


def test_the_votes_are_of_the_random_function_under_input_noise(grey: ImageInput) -> None:
    p, n = share(grey), 20_000
    assert 0.1 < p < 0.9
    error = (p * (1 - p) * (1 / n + 1 / 100_000)) ** 0.5
    assert abs(votes(grey, n)[0] / n - p) < 5 * error


def test_the_copies_of_a_draw_are_independent(grey: ImageInput) -> None:
    """Counts of 200 blocks vary as binomial ones do: neither more, as if noise were shared, nor
    less, as if it were repeated.
    """
    p, blocks = share(grey), 200
    counts = np.array([votes(grey, 64, start=64 * block)[0] for block in range(blocks)])
    ratio = counts.var(ddof=1) / (64 * p * (1 - p))
    assert abs(ratio - 1) < 5 * (2 / blocks) ** 0.5


def test_bounds_of_such_votes_hold_as_often_as_they_say(grey: ImageInput) -> None:
    p, alpha, trials, n = share(grey), 0.2, 300, 192
    bounds = [
        lower_confidence_bound(int(votes(grey, n, seed=seed)[0]), n, alpha)
        for seed in range(trials)
    ]
    wrong = np.mean(np.array(bounds) > p)
    assert wrong < alpha + 5 * (alpha * (1 - alpha) / trials) ** 0.5
    assert wrong > alpha / 3  # a bound that is never near p would show nothing


def test_draws_repeat_and_touch_nobodys_generator(grey: ImageInput) -> None:
    state = torch.random.get_rng_state()
    whole = votes(grey, 320)
    torch.rand(7)
    assert (votes(grey, 320, batch_size=64) == whole).all()
    assert (votes(grey, 128) + votes(grey, 192, start=128) == whole).all()
    assert (votes(grey, 320, seed=1) != whole).any()
    torch.random.set_rng_state(state)
    votes(grey, 64)
    assert torch.equal(state, torch.random.get_rng_state())


def test_it_is_certified_and_predicted(grey: ImageInput) -> None:
    first = api.certify(noisy(), grey, sigma=SIGMA, n=500, seed=3)
    assert first == api.certify(noisy(), grey, sigma=SIGMA, n=500, seed=3)
    assert sum(first.counts) == 500
    sure = api.certify(noisy(), grey, sigma=SIGMA, n=4000, alpha=0.2, seed=3)
    assert sure.predicted is not None
    assert "of the network with noise of its own, drawn anew for each copy" in sure.statement
    assert sum(api.predict(noisy(), grey, sigma=SIGMA, n=500, seed=3).counts) == 500


def test_a_draw_for_the_whole_batch_certifies_nothing(grey: ImageInput) -> None:
    for verb in (api.certify, api.predict):
        with pytest.raises(ParameterError, match="once for a whole batch") as refused:
            verb(noisy(shared_draws=True), grey, sigma=SIGMA, n=500, seed=3)
        assert "shared_draws to false" in str(refused.value)
        assert "\n" not in str(refused.value)


def test_its_one_answer_is_not_one_class(grey: ImageInput) -> None:
    with pytest.raises(ParameterError, match="its answer to one image is not one class"):
        list(predictions(noisy(), [grey], [None], n=100, level=0.01, seed=0))
