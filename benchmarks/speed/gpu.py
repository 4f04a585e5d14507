"""What is asked of a GPU: certifying against the bare forward, and two trainings by the clock.

The bars were set for an H100. The images are 8-bit noise, as many as CIFAR-10 has: what a training
learns does not change how long it takes.
"""

import argparse
from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from benchmarks.networks import SHAPES, classifiers, four_conv, random_image
from benchmarks.speed.certify import SIGMA, bare_forward
from benchmarks.timing import interleaved, verdict
from rs_core import api
from rs_core.classifiers import Classifier
from rs_core.datasets import Dataset
from rs_core.events import drain
from rs_core.results import ModelSpec
from rs_core.training import RECIPES, EpochDone, Recipe

N, ROUNDS = 100_000, 5
CERTIFY_SECONDS, BARE_BAR = 0.15, 0.8
IMAGES = 50_000
TRAININGS = {
    "cifar10-conv4, gaussian, 60 epochs": ("conv4", RECIPES["gaussian"](epochs=60), 60),
    "resnet110, smoothadv (k=2, m=2), 1 epoch": (
        "resnet110", RECIPES["smoothadv"](epochs=1, steps=2, noises=2, eps_warm_up=0), 120,
    ),
}  # fmt: skip


def waiting(run: Callable[[], object]) -> Callable[[], None]:
    """The same, until the device is done with it."""

    def waited() -> None:
        run()
        torch.cuda.synchronize()

    return waited


def certify(device: str) -> None:
    """Seconds for n=100,000 copies of a 3x32x32 image, and the bare forward's share of them."""
    module, spec = four_conv(SHAPES["3x32x32"])
    image = random_image(spec)

    def pair(classifier: Classifier) -> dict[str, Callable[[], object]]:
        certified = partial(api.certify, classifier, image, sigma=SIGMA, n=N)
        return {
            "certify": waiting(certified),
            "bare": waiting(partial(bare_forward, classifier, N)),
        }

    for name, classifier in classifiers(module, spec, device).items():
        seconds = interleaved(pair(classifier), ROUNDS)
        print(f"certify n={N:,} 3x32x32 {name}: {1000 * seconds['certify']:.0f} ms")
        if name == "bf16":  # what auto is
            label = f"certify n={N:,} 3x32x32 {name}, seconds"
            print(verdict(label, seconds["certify"], CERTIFY_SECONDS, at_most=True))
        share = seconds["bare"] / seconds["certify"]
        print(verdict(f"bare forward / certify 3x32x32 {name}", share, BARE_BAR))


def images() -> Dataset:
    """As many images as CIFAR-10 has, of noise."""
    pixels = np.random.default_rng(0).integers(0, 256, (IMAGES, 32, 32, 3), np.uint8)
    names, rows = tuple(str(k) for k in range(10)), np.arange(IMAGES)
    return Dataset("noise", "train", pixels, rows % 10, names, rows, "a benchmark")


def train(label: str, architecture: str, recipe: Recipe, bar: float, device: str) -> None:
    """Seconds of a whole training, its measuring after every epoch included."""
    data = images()
    spec = ModelSpec("bench", architecture, (3, 32, 32), data.class_names)
    stream = recipe.run(spec, data, seed=0, device=device)
    history = drain(stream).history
    assert all(isinstance(epoch, EpochDone) for epoch in history)
    rate = sum(epoch.images_per_second for epoch in history) / len(history)
    print(f"{label}: {rate:,.0f} images/s")
    print(verdict(f"{label}, seconds", sum(e.seconds for e in history), bar, at_most=True))


def main(device: str = "cuda") -> None:
    certify(device)
    for label, (architecture, recipe, bar) in TRAININGS.items():
        train(label, architecture, recipe, bar, device)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    main(parser.parse_args().device)
