"""Training against the bare passes that it needs: forward, backward and step on ready batches.

Every contestant makes the same number of optimiser steps on the same number of images. The bare
loop gets its batches ready-made: moved, noisy, normalised. SmoothAdv's k attack steps on m copies
are k passes to the input, MACER's m copies one larger pass. The difference is all that the trainer
adds: order, moves, noise, the attack's own arithmetic, averages, counting.
"""

import argparse
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from benchmarks.networks import SHAPES
from benchmarks.timing import interleaved, verdict
from rs_core.allocator import keep_freed_memory
from rs_core.classifiers.devices import has_bf16, resolve_device
from rs_core.datasets import Dataset
from rs_core.models import build_network
from rs_core.results import ModelSpec
from rs_core.training import RECIPES, EpochDone, Recipe

COPIES, STEPS, ROUNDS, BAR = 128, 8, 7, 0.85
SETTINGS: dict[str, dict[str, int]] = {
    "gaussian": {"batch_size": COPIES},
    "smoothadv": {"batch_size": COPIES, "noises": 2, "steps": 2},
    "macer": {"batch_size": COPIES // 4, "noises": 4, "deferral": 0},
}


def images_of(shape: tuple[int, int, int]) -> Dataset:
    """8-bit noise of ten classes, more of it than a contest takes."""
    channels, height, width = shape
    count = COPIES * (STEPS * (ROUNDS + 1) + 1)
    pixels = np.random.default_rng(0).integers(0, 256, (count, height, width, channels), np.uint8)
    names = tuple(str(k) for k in range(10))
    labels = np.arange(count) % 10
    return Dataset("noise", "train", pixels, labels, names, np.arange(count), "a benchmark")


def trained(recipe: Recipe, data: Dataset, device: str) -> Callable[[], object]:
    """STEPS more steps of one long training, all within its first epoch."""
    channels, height, width = data.images.shape[3], *data.images.shape[1:3]
    spec = ModelSpec("bench", "conv4", (channels, height, width), data.class_names)
    stream = iter(recipe.run(spec, data, seed=0, device=device))
    # otherwise the measuring at an epoch's end would take part
    assert len(data) // recipe.images_per_step > STEPS * (ROUNDS + 1)

    def run() -> None:
        for _ in range(STEPS):
            event = next(stream)
            assert not isinstance(event, EpochDone)
        if device != "cpu":
            torch.cuda.synchronize()

    return run


def bare(
    recipe: Recipe, shape: tuple[int, int, int], device: str, bf16: bool
) -> Callable[[], object]:
    """As many passes and optimiser steps on batches that lie ready."""
    network = build_network("conv4", shape, 10).to(device).to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, foreach=True)
    batches = [
        torch.randn(COPIES, *shape, device=device).contiguous(memory_format=torch.channels_last)
        for _ in range(STEPS)
    ]
    labels = torch.arange(COPIES, device=device) % 10
    attack_steps = getattr(recipe, "steps", 0)

    def to_inputs(batch: torch.Tensor) -> None:
        x = batch.detach().requires_grad_(True)
        torch.autograd.grad(cross_entropy(network(x).float(), labels), x)

    def run() -> None:
        for batch in batches:
            with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=bf16):
                if attack_steps:
                    _attacked(network, to_inputs, batch, attack_steps)
                loss = cross_entropy(network(batch).float(), labels)
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimiser.step()
        if device != "cpu":
            torch.cuda.synchronize()

    return run


def _attacked(
    network: nn.Module, step: Callable[[torch.Tensor], None], batch: torch.Tensor, steps: int
) -> None:
    network.eval().requires_grad_(False)
    for _ in range(steps):
        step(batch)
    network.train().requires_grad_(True)


def main(device: str = "cpu") -> None:
    keep_freed_memory()  # as `rs` and the app's worker do
    precisions = ["fp32", "bf16"] if has_bf16(resolve_device(device)) else ["fp32"]
    for size, shape in SHAPES.items():
        data = images_of(shape)
        for precision in precisions:
            contest: dict[str, Callable[[], object]] = {}
            for name, settings in SETTINGS.items():
                recipe = RECIPES[name](**settings, epochs=2, precision=precision)
                contest[f"bare {name}"] = bare(recipe, shape, device, precision == "bf16")
                contest[name] = trained(recipe, data, device)
            seconds = interleaved(contest, ROUNDS)
            rates = (f"{n} {images_in(n) / seconds[n]:,.0f}" for n in SETTINGS)
            print(f"{size} {precision}, images/s: {', '.join(rates)}")
            for name in SETTINGS:
                label = f"{name} {size} {precision}: bare passes / training"
                print(verdict(label, seconds[f"bare {name}"] / seconds[name], BAR))


def images_in(name: str) -> int:
    """Different images of one contest."""
    return STEPS * COPIES // SETTINGS[name].get("noises", 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    main(parser.parse_args().device)
