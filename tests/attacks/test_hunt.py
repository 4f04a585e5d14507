"""The contradiction hunt: no attack inside a certified radius flips a confident PREDICT.

Certificates are made at alpha = 1e-6, so that not one of 2,000 is expected to be false; so many
are hunted by `make campaign`, fewer by the tests. The same
hunt must catch a certifier whose noise is added after normalisation, where it is too small.
"""

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.polynomial.hermite_e import hermegauss
from torch import Tensor, nn

from rs_core.attacks import ATTACKS, Confirm
from rs_core.classifiers import Classifier, load_classifier
from rs_core.datasets import load_dataset
from rs_core.events import drain
from rs_core.images import ImageInput, image_from_array
from rs_core.results import Certificate, Noise
from rs_core.smoothing import Certify, sampling
from tests.conftest import spec_of

ALPHA, SIGMA = 1e-6, 0.5
HUNTED = int(os.environ.get("RS_HUNTED", "300"))  # `make campaign` hunts 2,000


def contradictions(
    classifier: Classifier, images: Sequence[ImageInput], certificates: Sequence[Certificate]
) -> list[str]:
    """Images whose certified class is confidently another inside the certified radius."""
    groups: dict[int, list[int]] = {}
    for index, certificate in enumerate(certificates):
        if certificate.radius > 0:
            # Images of nearly equal radius are attacked together, each well inside its own.
            groups.setdefault(math.floor(math.log(certificate.radius) / 0.05), []).append(index)
    confirm = Confirm(n=300, alpha=2 * ALPHA, confirmations=2)
    found = []
    for step, group in groups.items():
        own = [images[i] for i in group]
        sigma = certificates[group[0]].sigma
        attack = ATTACKS["epgd"](sigma=sigma, eps=math.exp(0.05 * step), draws=4, steps=10)
        labels = [certificates[i].predicted for i in group]
        results = drain(attack.run(classifier, own, labels=labels, seed=1))
        asked = [replace(result, success=True) for result in results]
        sure = drain(confirm.run(classifier, own, asked, seed=2))
        for i, result in zip(group, sure, strict=True):
            assert result.l2 <= certificates[i].radius
            if result.confirmed:
                found.append(images[i].name)
    return found


@contextmanager
def noise_after_normalisation(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """sigma z added to (x - mean) / std is sigma std z added to x: the planted fault."""
    drawn = sampling.unit_noise

    def smaller(own: Classifier, rows: int, key: int, noise: Noise) -> Tensor:
        return drawn(own, rows, key, noise) * classifier.spec.std[0]

    with monkeypatch.context() as patched:
        patched.setattr(sampling, "unit_noise", smaller)
        yield


def digits(classifier: Classifier, count: int) -> list[ImageInput]:
    data = load_dataset("mnist5k", split="train")
    return [data.image(row, classifier.spec) for row in range(0, len(data), len(data) // count)]


@pytest.fixture(scope="module")
def shipped() -> Classifier:
    return load_classifier("mnist-conv4-s050", device="cpu")


@pytest.mark.parametrize(
    "count", [24, pytest.param(HUNTED, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_no_certificate_is_contradicted(count: int, shipped: Classifier) -> None:
    images = digits(shipped, count)[:count]
    certificates = drain(Certify(sigma=SIGMA, n=500, alpha=ALPHA).run(shipped, images, seed=0))
    assert sum(c.radius > 0 for c in certificates) > 0.8 * count
    assert contradictions(shipped, images, certificates) == []


def test_noise_after_normalisation_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    # The first mnist-conv4-s050: smoothadv makes its successor withstand most of the false radii.
    network = load_classifier("mnist-conv4-s050-36c905c1", device="cpu")
    images = digits(network, 12)
    with noise_after_normalisation(network, monkeypatch):
        task = Certify(sigma=1.0, n=500, alpha=ALPHA)
        certificates = drain(task.run(network, images, seed=0))
    assert len(contradictions(network, images, certificates)) >= 3
    honest = drain(task.run(network, images, seed=0))
    assert contradictions(network, images, honest) == []


class Plane(nn.Module):
    """A random network of two pixels and three classes."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(2, 24),
            nn.Tanh(),
            nn.Linear(24, 24),
            nn.Tanh(),
            nn.Linear(24, 3),
        )
        with torch.no_grad():
            for layer in self.layers:
                if isinstance(layer, nn.Linear):
                    layer.weight.mul_(4)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layers(x)
        return found


def least_probability(
    classifier: Classifier, certificate: Certificate, pixels: np.ndarray
) -> float:
    """The smallest P(certified class) within the radius, on a grid, by quadrature."""
    nodes, weights = hermegauss(60)
    z = torch.tensor(np.stack(np.meshgrid(nodes, nodes), axis=-1).reshape(-1, 1, 1, 2)).float()
    weight = torch.tensor(np.outer(weights, weights).ravel() / (2 * np.pi))
    least = 1.0
    for share in (0.5, 0.9, 0.999):
        for angle in np.linspace(0, 2 * np.pi, 48, endpoint=False):
            shift = share * certificate.radius * np.array([np.cos(angle), np.sin(angle)])
            point = torch.from_numpy((pixels.ravel() + shift).astype(np.float32)).view(1, 1, 1, 2)
            with torch.no_grad():
                votes = classifier(point + certificate.sigma * z).argmax(dim=1)
            least = min(least, float(weight[votes == certificate.predicted].sum()))
    return least


@pytest.mark.parametrize("faulty", [False, True])
def test_two_pixels_searched_exhaustively(faulty: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every point of the disc on a grid, and the smoothed probability there to a percent."""
    least = []
    for seed in range(6):
        spec = spec_of((1, 1, 2), 3, mean=(0.5,), std=(0.25,))
        classifier = Classifier(Plane(seed), spec)
        pixels = np.random.default_rng(seed).integers(0, 256, (1, 2, 1), dtype=np.uint8)
        image = image_from_array(pixels, spec)
        task = Certify(sigma=0.3, n=3000, alpha=ALPHA)
        if faulty:
            with noise_after_normalisation(classifier, monkeypatch):
                certificate = drain(task.run(classifier, [image], seed=0))[0]
        else:
            certificate = drain(task.run(classifier, [image], seed=0))[0]
        if certificate.radius > 0:
            least.append(least_probability(classifier, certificate, image.pixels))
    assert len(least) >= 2
    assert min(least) < 0.4 if faulty else min(least) > 0.49
