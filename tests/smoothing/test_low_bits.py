"""Networks that read the low bits of their input: the rounding of a float32 sum tells them x.

Jin et al. (2022). `RS_LOW_BITS=200` hunts among as many random ones.
"""

import os
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rs_core import api
from rs_core.classifiers import Classifier
from rs_core.images import ImageInput, image_from_array
from tests.conftest import spec_of

HUNTED = int(os.environ.get("RS_LOW_BITS", "10"))
SHAPE = (1, 28, 28)
SPEC = spec_of(SHAPE, 2)
SIGMA = 0.25
DRAWS = {"sigma": SIGMA, "n": 1000, "alpha": 1e-3}


class LowBits(nn.Module):
    """Class 1 where, of the values within a window, more have the bit 2**-`bit` than have not.

    `signs` turns the meaning around for some of the values.
    """

    def __init__(self, bit: int, low: float, high: float, signs: Tensor) -> None:
        super().__init__()
        self.bit, self.low, self.high = bit, low, high
        self.register_buffer("signs", signs)

    def forward(self, x: Tensor) -> Tensor:
        inside = (x > self.low) & (x < self.high)
        is_set = torch.remainder(torch.floor(x.double() * 2**self.bit), 2) == 1
        votes = torch.where(is_set, self.signs, -self.signs) * inside
        score = votes.flatten(1).sum(dim=1).float()
        return torch.stack([-score, score], dim=1)


@dataclass(frozen=True)
class Pair:
    """A network and two images, one level apart in some of their values."""

    network: nn.Module
    one: ImageInput
    other: ImageInput

    @property
    def distance(self) -> float:
        return float(np.linalg.norm(self.one.pixels.astype(float) - self.other.pixels))

    def contradicts(self, noise: str) -> bool:
        """Whether PREDICT at one image answers otherwise, well inside the radius of the other."""
        classifier = Classifier(self.network, SPEC)
        found = api.certify(classifier, self.one, noise=noise, **DRAWS)
        if found.predicted is None or self.distance >= found.radius:
            return False
        asked = api.predict(classifier, self.other, noise=noise, **DRAWS)
        return asked.predicted not in (None, found.predicted)


def pair(power: int, bit: int, low: float, high: float, signs: np.ndarray) -> Pair:
    """Images of the levels 2**power - 1 and 2**power, arranged for the network and against it."""
    wanted = np.where(signs > 0, 2**power - 1, 2**power).astype(np.uint8)
    against = np.where(signs > 0, 2**power, 2**power - 1).astype(np.uint8)
    network = LowBits(bit, low, high, torch.tensor(signs[None], dtype=torch.float32))
    one, other = (image_from_array(p, SPEC, name="image") for p in (wanted, against))
    return Pair(network, one, other)


def known() -> Pair:
    """Noise from -3/4 to -1/2 is a multiple of 2**-24, and so is 128/255, but not 127/255."""
    return pair(7, 25, -0.25, -0.02, np.ones(SHAPE[1:]))


def hunted(count: int) -> list[Pair]:
    """A power of two and its window, or a neighbouring bit and window, signs at random."""
    rng, found = np.random.default_rng(0), []
    for _ in range(count):
        power = int(rng.integers(5, 8))
        bit = 32 - power + int(rng.choice([0, 0, 0, -1, 1]))
        low = -(2.0 ** (power - 8)) * float(rng.uniform(0.1, 0.9))
        signs = rng.choice([-1.0, 1.0], size=SHAPE[1:], p=[0.2, 0.8])
        found.append(pair(power, bit, low, low * float(rng.uniform(0.05, 0.4)), signs))
    return found


def test_low_bits_are_no_certificate() -> None:
    assert known().distance == pytest.approx(28 / 255, rel=1e-4)
    assert not known().contradicts("exact")


def test_they_would_be_one_in_float32() -> None:
    """The attack is real: without it the test above could not fail."""
    assert known().contradicts("idealised")


def test_no_random_network_contradicts_its_certificate() -> None:
    assert not any(one.contradicts("exact") for one in hunted(HUNTED))


def test_the_hunt_finds_some_in_float32() -> None:
    assert any(one.contradicts("idealised") for one in hunted(HUNTED))
