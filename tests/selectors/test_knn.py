import numpy as np
import pytest
import torch

from rs_core.classifiers import Classifier
from rs_core.datasets import load_dataset
from rs_core.errors import ModelFileError, ParameterError
from rs_core.events import drain
from rs_core.images import ImageInput
from rs_core.selectors import FromNetwork, Knn
from tests.conftest import Coin, elsewhere, spec_of

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


@pytest.mark.parametrize(
    ("shape", "trained", "settled"),
    [
        (SHAPE, (0.0, 1.0), ("mnist5k", 0.5, 1.5)),
        (SHAPE, None, ("mnist5k", 0.25, 1.5)),
        ((3, 32, 32), (0.12, 0.12), ("cifar10", 0.12, 5.0)),
        ((1, 8, 8), (0.0, 0.0), ("digits", 0.001, None)),
    ],
)
def test_what_is_left_open_follows_the_network(
    shape: tuple[int, int, int],
    trained: tuple[float, float] | None,
    settled: tuple[str, float, float | None],
) -> None:
    """Sukenik et al. (2022): m = 5 on CIFAR-10 and 1.5 on MNIST, sigma_b the training noise."""
    classifier = Classifier(Coin(0.9, 0.25, 10), spec_of(shape, 10, train_sigma=trained))
    name, sigma_b, offset = settled
    found = Knn().settled(classifier)
    assert (found.dataset, found.sigma_b) == (name, sigma_b)
    assert (found.rate, found.neighbours) == (0.01, 20)
    if offset is not None:
        assert found.offset == offset
    given = Knn(sigma_b=0.3, offset=2.0, dataset="mnist").settled(classifier)
    assert (given.dataset, given.sigma_b, given.offset) == ("mnist", 0.3, 2.0)


def test_a_set_without_a_published_offset_is_measured(grey: ImageInput) -> None:
    """Its first images get sigma_b on average (of the logarithm), and say where it comes from."""
    classifier = Classifier(Coin(0.9, 0.25, 10), spec_of((1, 8, 8), 10))
    data = load_dataset("digits", split="train")
    first = [data.image(row, classifier.spec) for row in range(100)]
    found = drain(Knn(rate=0.3, limit=500).run(classifier, first, seed=0))
    assert np.mean([np.log(s.sigma) for s in found]) == pytest.approx(np.log(0.25), abs=1e-4)
    assert found[0].notes == ("from 0.25: the network does not say its training noise",)


def test_ln_sigma_is_lipschitz_with_the_rate(coin: Classifier, digits: list[ImageInput]) -> None:
    """The certificate rests on this: no self-exclusion, plain distances, clipping included."""
    knn = Knn(limit=300, rate=0.2, sigma_max=0.4)
    rng = np.random.default_rng(0)
    for image in digits:
        for length in (1e-3, 0.1, 1.0, 5.0):
            shift = rng.standard_normal(image.pixels.shape).astype(np.float32)
            shift *= length / np.linalg.norm(shift)
            moved = elsewhere(image, image.pixels + shift)
            one, two = drain(knn.run(coin, [image, moved], seed=0))
            assert abs(np.log(one.sigma / two.sigma)) <= 0.2 * length * (1 + 1e-4) + 1e-6


def test_another_shape_is_refused(grey: ImageInput) -> None:
    small = Classifier(Coin(0.9, 0.25), spec_of((1, 8, 8), 2))
    with pytest.raises(ParameterError, match="mnist5k has images of"):
        drain(Knn(limit=10, dataset="mnist5k").run(small, [grey], seed=0))
    odd = Classifier(Coin(0.9, 0.25), spec_of((1, 9, 9), 2))
    with pytest.raises(ParameterError, match="no reference images"):
        Knn(limit=10).check(odd, [grey])
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
