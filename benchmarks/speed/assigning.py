"""What sigmas of the images' own cost: their keeping, and the assigning of Insta-RS and PFAT.

Chen et al. (2021) report 2.06 hours for their updates and 32.92 for PFAT's grid, 16 times as much.
Both are here what the trainer spends on them in a whole training: 15 updates of 8 copies at two
variances, against one choice among the grid's sigmas with 500 draws each.
"""

import argparse
import statistics
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.speed.training import images_of
from benchmarks.timing import interleaved, processor, verdict
from rs_core.allocator import keep_freed_memory
from rs_core.datasets import Dataset
from rs_core.events import drain
from rs_core.results import ModelSpec
from rs_core.training import Gaussian, Trained
from rs_core.training.per_image import DataDependent, Insta, PretrainFinetune

SHAPE, NETWORK = (1, 28, 28), "lenet"
EPOCHS, ROUNDS, FEW, KEEPING, FASTER = 2, 11, 128, 1.02, 8.0


def trained(data: Dataset, **settings: Any) -> Trained:
    """A short training, measured on none but its own images."""
    recipe = Gaussian(epochs=EPOCHS, batch_size=64, augment="none", weight_average=0.0, **settings)
    spec = ModelSpec("bench", NETWORK, SHAPE, data.class_names)
    return drain(recipe.run(spec, data, seed=0, held_out=data.subset(range(16))))


def keeping(data: Dataset) -> float:
    """An epoch whose images have sigmas of their own, of which none is assigned, against one
    without."""
    never = DataDependent(fixed_epochs=EPOCHS - 1)
    seconds: dict[str, list[float]] = {"with": [], "without": []}

    def epoch(name: str, **settings: Any) -> Callable[[], object]:
        def once() -> None:
            seconds[name].append(trained(data, sigma=0.5, **settings).history[0].seconds)

        return once

    interleaved({"without": epoch("without"), "with": epoch("with", per_image=never)}, ROUNDS)
    middle = {name: statistics.median(values[1:]) for name, values in seconds.items()}
    return middle["with"] / middle["without"]


def assigning(data: Dataset) -> float:
    """Seconds that PFAT's grid takes for these images, over those of Insta-RS's updates."""
    grid = PretrainFinetune(sigma_low=0.25, interval=0.05, n=500, pretrain_epochs=1)
    insta = Insta(levels=16, period=1, n=8, first_epochs=1)
    ratios = []
    for _ in range(3):
        chosen = sum(e.assigning for e in trained(data, sigma=1.0, per_image=grid).history)
        once = sum(e.assigning for e in trained(data, sigma=0.25, per_image=insta).history)
        ratios.append(chosen / (15 * once))
    return statistics.median(ratios)


def main(words: list[str] | None = None) -> int:
    """Print both ratios; 0."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--images", type=int, default=4000, help="of an epoch")
    options = parser.parse_args(words)
    keep_freed_memory()
    data = images_of(SHAPE).subset(range(options.images))
    shape = "x".join(map(str, SHAPE))
    print(f"{NETWORK} at {shape}, {torch.get_num_threads()} threads, {processor()}")
    print(verdict("sigmas that are kept, time of an epoch", keeping(data), KEEPING, at_most=True))
    few = data.subset(range(FEW))
    print(verdict("PFAT's grid over Insta-RS's updates, seconds", assigning(few), FASTER))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
