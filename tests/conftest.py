"""Networks and images whose smoothed behaviour is known in closed form."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from hashlib import blake2b
from random import Random
from types import ModuleType

import numpy as np
import pytest
import torch
from hypothesis import settings
from torch import Tensor, nn

from rs_core import seeding
from rs_core.classifiers import Classifier
from rs_core.images import ImageInput, image_from_array
from rs_core.results import ModelSpec, attack, comparison, core, study, training

# A busy machine makes an example slow, not wrong. (Hypothesis' own profile for CI has none either.)
settings.register_profile("patient", settings.default, deadline=None)
settings.load_profile("patient")

OPERATING_SYSTEM = seeding.randbelow
_LUCK = Random()
seeding.randbelow = _LUCK.randrange
_THREADS = torch.get_num_threads()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test without a seed draws its own, the same ones in every run: it fails always or never.

    And it has as many threads as the process was given: a vote on two leaves two to whoever comes
    next, and beside another test process their barriers wait longer than they compute.
    """
    _LUCK.seed(item.nodeid)
    torch.set_num_threads(_THREADS)


MakeLinear = Callable[..., tuple[Classifier, ImageInput]]


def _hold_comparable(module: ModuleType) -> None:
    """Whoever compares two results with == fails where one holds NaN, which is not NaN.

    Python 3.13 compares dataclasses field by field; before it, the very same NaN passed.
    """
    for kind in vars(module).values():
        own = isinstance(kind, type) and kind.__module__ == module.__name__
        if own and is_dataclass(kind) and "__eq__" in vars(kind):
            _watch(kind)


def _watch(kind: type) -> None:
    plainly = kind.__eq__

    def equal(one: object, other: object) -> bool:
        for held in (one, other):
            if type(held) is kind:
                values = (getattr(held, field.name) for field in fields(kind))
                nan = any(isinstance(value, float) and value != value for value in values)
                assert not nan, f"a {kind.__name__} with NaN: compare to_json() of both"
        return plainly(one, other)

    kind.__eq__ = equal


for _module in (core, attack, comparison, study, training):
    _hold_comparable(_module)


def spec_of(shape: tuple[int, int, int], classes: int, **changes: object) -> ModelSpec:
    names = tuple(str(k) for k in range(classes))
    return ModelSpec(
        name="stub", architecture="stub", input_shape=shape, class_names=names, **changes
    )


class Linear(nn.Module):
    """f(x) = [w.x + b > 0]: its smoothed radius is its margin, whatever sigma."""

    def __init__(self, weight: Tensor, bias: float) -> None:
        super().__init__()
        self.register_buffer("weight", weight.flatten())
        self.register_buffer("bias", torch.tensor(float(bias)))

    def forward(self, x: Tensor) -> Tensor:
        score = x.flatten(1) @ self.weight + self.bias
        return torch.stack([-score, score], dim=1)


class Coin(nn.Module):
    """Votes class 1 with probability exactly p at sigma: it reads one noisy pixel."""

    def __init__(self, p: float, sigma: float, classes: int = 2) -> None:
        super().__init__()
        self.threshold = float(torch.special.ndtri(torch.tensor(1 - p, dtype=torch.float64)))
        self.sigma, self.classes = sigma, classes

    def forward(self, x: Tensor) -> Tensor:
        score = (x[:, 0, 0, 0] - 0.5) / self.sigma - self.threshold
        rest = [torch.full_like(score, -1e9)] * (self.classes - 2)
        return torch.stack([-score, score, *rest], dim=1)


@pytest.fixture
def linear() -> MakeLinear:
    """(classifier, image) with the image at l2 distance `margin` on the side of class 1."""

    def make(
        margin: float, shape: tuple[int, int, int] = (3, 32, 32), seed: int = 0, **options: str
    ) -> tuple[Classifier, ImageInput]:
        rng = np.random.default_rng(seed)
        weight = torch.from_numpy(rng.standard_normal(shape).astype(np.float32))
        weight /= weight.norm()
        pixels = rng.integers(0, 256, size=(shape[1], shape[2], shape[0]), dtype=np.uint8)
        image = image_from_array(pixels, spec_of(shape, 2), label=1, name=f"image {seed}")
        score = float(torch.tensor(image.pixels).double().flatten() @ weight.double().flatten())
        return Classifier(Linear(weight, margin - score), spec_of(shape, 2), **options), image

    return make


@pytest.fixture
def grey() -> ImageInput:
    """A 1x8x8 image whose pixels are all 128/255, near 0.5."""
    return image_from_array(np.full((8, 8, 1), 128, np.uint8), spec_of((1, 8, 8), 2), name="grey")


def elsewhere(image: ImageInput, pixels: np.ndarray) -> ImageInput:
    """The image at any point of space: theorems speak of points that no image can hold, too."""
    found = replace(image)
    moved = pixels.astype(np.float32)
    object.__setattr__(found, "pixels", moved)
    object.__setattr__(found, "digest", blake2b(moved.tobytes(), digest_size=16).hexdigest())
    return found
