"""Images and a network so small that a paper's equation can be written down beside them."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from rs_core.training.data import Batch, PixelStore, augmented_batch
from rs_core.training.view import NormalizedNetwork


class Linear(nn.Module):
    """Three classes, logits linear in 2x2 pixels."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.weight = nn.Parameter(4 * torch.randn(3, 4, generator=generator))

    def forward(self, inputs: Tensor) -> Tensor:
        return (inputs.flatten(1) - 0.5) @ self.weight.T


@dataclass(frozen=True)
class Small:
    """A batch without noise, and the network that looks at it."""

    network: NormalizedNetwork
    batch: Batch

    @property
    def pixels(self) -> Tensor:
        return self.batch.clean()


@pytest.fixture
def small() -> Small:
    """24 images 1x2x2; most have the class that the network gives them, some another."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (24, 2, 2, 1), generator=generator, dtype=torch.uint8)
    module = Linear()
    answers = module(pixels.permute(0, 3, 1, 2) / 255).argmax(1)
    labels = torch.where(torch.arange(24) % 5 == 0, (answers + 1) % 3, answers)
    store = PixelStore(pixels, labels, torch.zeros(1), torch.ones(1))
    batch = augmented_batch(store, torch.arange(24), "none", generator)
    return Small(NormalizedNetwork(module.eval(), store.mean, store.std), batch)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
