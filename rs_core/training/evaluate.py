"""What a network in training can do: its accuracy with noise and without."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager

import torch

from rs_core.events import Step
from rs_core.training.data import PixelStore, augmented_batch
from rs_core.training.settings import TrainingSettings
from rs_core.training.view import NormalizedNetwork

_ROWS = 250


def accuracy(
    network: NormalizedNetwork,
    store: PixelStore,
    recipe: TrainingSettings,
    generator: torch.Generator,
    *,
    noisy: bool,
    context: Callable[[], AbstractContextManager[object]],
    told: Step,
) -> Generator[Step, None, float]:
    """Share of the images classified correctly, 0..1, each looked at once.

    Args:
        network: in evaluation mode.
        noisy: under the recipe's noise, or without any.
        context: entered for each batch alone, such as autocast: in between, the caller's holds.
        told: what is yielded after each batch, so that nobody else waits for all of them.
    """
    right = 0
    for rows in torch.split(torch.arange(len(store), device=store.pixels.device), _ROWS):
        with torch.no_grad(), context(), network.own_noise(generator):
            batch = augmented_batch(
                store, rows, "none", generator, distribution=recipe.noise_distribution
            )
            sigmas = recipe.draw_sigmas(len(rows), generator)
            batch = batch.with_noise(sigmas if noisy else sigmas * 0, 1, generator)
            answers = network(batch.noisy_inputs(), batch.sigmas).argmax(1)
            right += int((answers == batch.labels).sum())
        yield told
    return right / len(store)
