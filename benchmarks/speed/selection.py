"""Choosing sigma for many images at once: against bare forward passes, and multistart against grid.

The gradient selector needs a backward pass for every forward one, so its line has no bar.
"""

import sys
from functools import partial

import numpy as np

from benchmarks.networks import classifiers, shipped
from benchmarks.speed.certify import bare_forward
from benchmarks.timing import interleaved, verdict
from rs_core.allocator import keep_freed_memory
from rs_core.classifiers import Classifier
from rs_core.datasets import load_dataset
from rs_core.events import drain
from rs_core.guarantees import Frozen
from rs_core.images import ImageInput
from rs_core.selectors import Gradient, Grid, Multistart, Selector

IMAGES, ROUNDS = 1000, 3
TEST_IMAGES, N = 500, 1000


def throughput(classifier: Classifier, images: list[ImageInput]) -> None:
    """Draws per second of selectors over all images, as a share of the bare forward's."""
    grid = Grid(n=64, interval=0.3)
    climb = Gradient(steps=20, n=8)
    draws = {"grid": len(images) * 64 * len(grid.sigmas), "gradient": len(images) * 20 * 8}
    seconds = interleaved(
        {
            "bare": partial(bare_forward, classifier, draws["grid"]),
            "grid": lambda: drain(grid.run(classifier, images, seed=0)),
            "gradient": lambda: drain(climb.run(classifier, images, seed=0)),
        },
        ROUNDS,
    )
    bare = draws["grid"] / seconds["bare"]
    rates = {name: draws[name] / seconds[name] for name in draws}
    label = f"grid over {len(images):,} images {classifier.precision} / bare forward"
    print(verdict(label, rates["grid"] / bare, 0.7))
    print(f"gradient over {len(images):,} images / bare forward {rates['gradient'] / bare:21.2f}")


def thrift(classifier: Classifier, images: list[ImageInput], where: str) -> None:
    """multistart's mean certified radius and draws against those of the grid."""
    found = {}
    selectors: dict[str, Selector] = {"grid": Grid(), "multistart": Multistart()}
    for name, selector in selectors.items():
        picked = drain(selector.run(classifier, images, seed=0))
        certificates = drain(Frozen(n=N).run(classifier, images, picked, seed=0))
        radius = np.mean([c.radius for c in certificates])
        found[name] = float(radius), float(np.mean([s.draws for s in picked]))
    (grid, draws), (search, spent) = found["grid"], found["multistart"]
    print(verdict(f"mean radius multistart / grid, {where}", search / grid, 0.99))
    print(verdict(f"draws multistart / grid, {where}", spent / draws, 0.55, at_most=True))


def main(device: str = "cpu", root: str | None = None) -> None:
    keep_freed_memory()  # as `rs` and the app's worker do
    module, spec = shipped("mnist-conv4")
    classifier = list(classifiers(module, spec, device).values())[-1]
    embedded = load_dataset("mnist5k", split="train")
    throughput(classifier, [embedded.image(i * 5, spec) for i in range(IMAGES)])
    data = load_dataset("mnist", root=root) if root else embedded
    step = len(data) // TEST_IMAGES
    images = [data.image(i * step, spec) for i in range(TEST_IMAGES)]
    thrift(classifier, images, f"{TEST_IMAGES} images of {data.name} {data.split}")


if __name__ == "__main__":
    main(root=sys.argv[1] if len(sys.argv) > 1 else None)
