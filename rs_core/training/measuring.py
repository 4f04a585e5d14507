"""What a network in training can do: its accuracy with noise and without."""

import torch

from rs_core.training.batches import PixelStore, augmented_batch
from rs_core.training.settings import TrainingSettings
from rs_core.training.view import View

_ROWS = 250


@torch.no_grad()
def accuracy(
    network: View,
    store: PixelStore,
    recipe: TrainingSettings,
    generator: torch.Generator,
    *,
    noisy: bool,
) -> float:
    """Share of the images classified correctly, 0..1, each looked at once.

    Args:
        network: in evaluation mode.
        noisy: under the recipe's noise, or without any.
    """
    right = torch.zeros((), dtype=torch.int64, device=store.pixels.device)
    for rows in torch.split(torch.arange(len(store), device=store.pixels.device), _ROWS):
        batch = augmented_batch(store, rows, "none", generator)
        sigmas = recipe.draw_sigmas(len(rows), generator)
        batch = batch.with_noise(sigmas if noisy else sigmas * 0, 1, generator)
        right += (network(batch.noisy_inputs(), batch.sigmas).argmax(1) == batch.labels).sum()
    return int(right) / len(store)
