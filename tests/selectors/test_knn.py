from dataclasses import replace

import numpy as np
import pytest
import torch

from rs_core.classifiers import Classifier
from rs_core.datasets import load_dataset
from rs_core.errors import ModelFileError, ParameterError
from rs_core.events import drain
from rs_core.images import ImageInput
from rs_core.selectors import FromNetwork, Knn
from tests.conftest import Coin, spec_of

SHAPE = (1, 28, 28)


@pytest.fixture
def coin() -> Classifier:
    return Classifier(Coin(0.9, 0.25, 10), spec_of(SHAPE, 10))


@pytest.fixture
def digits(coin: Classifier) -> list[ImageInput]:
    found = load_dataset("mnist5k", split="train")
    return [found.image(row, coin.spec) for row in (10, 20, 4000)]


def test_the_distance_is_the_mean_of_the_nearest(
    coin: Classifier, digits: list[ImageInput]
) -> None:
    known = load_dataset("mnist5k", split="train").images[:300] / 255.0
    knn = Knn(limit=300, neighbours=7, rate=0.05, offset=2.0)
    for image, found in zip(digits, drain(knn.run(coin, digits, seed=0)), strict=True):
        every = np.sqrt(((known[..., 0] - image.pixels[0]) ** 2).sum(axis=(1, 2)))
        mean = np.sort(every)[:7].mean()
        assert found.sigma == pytest.approx(0.25 * np.exp(0.05 * (mean - 2.0)), rel=1e-5)
        assert found.draws == 0


def test_ln_sigma_is_lipschitz_with_the_rate(coin: Classifier, digits: list[ImageInput]) -> None:
    """The certificate rests on this: no self-exclusion, plain distances, clipping included."""
    knn = Knn(limit=300, rate=0.2, sigma_max=0.4)
    rng = np.random.default_rng(0)
    for image in digits:
        for length in (1e-3, 0.1, 1.0, 5.0):
            shift = rng.standard_normal(image.pixels.shape).astype(np.float32)
            shift *= length / np.linalg.norm(shift)
            moved = replace(image, pixels=image.pixels + shift)
            one, two = drain(knn.run(coin, [image, moved], seed=0))
            assert abs(np.log(one.sigma / two.sigma)) <= 0.2 * length * (1 + 1e-4) + 1e-6


def test_another_shape_is_refused(grey: ImageInput) -> None:
    small = Classifier(Coin(0.9, 0.25), spec_of((1, 8, 8), 2))
    with pytest.raises(ParameterError, match="mnist5k has images of"):
        drain(Knn(limit=10).run(small, [grey], seed=0))
    with pytest.raises(ParameterError, match="below"):
        Knn(sigma_min=1.0, sigma_max=0.5)


@pytest.mark.parametrize("answer", [float("nan"), float("inf"), 0.0, -0.1, 11.0])
def test_a_network_that_answers_nonsense_is_refused(
    answer: float, coin: Classifier, digits: list[ImageInput]
) -> None:
    selector = FromNetwork(network=lambda x: torch.full((len(x),), answer))
    with pytest.raises(ModelFileError, match="answers sigma="):
        drain(selector.run(coin, digits, seed=0))
    short = FromNetwork(network=lambda x: torch.ones(1))
    with pytest.raises(ModelFileError, match="one per image"):
        drain(short.run(coin, digits, seed=0))
