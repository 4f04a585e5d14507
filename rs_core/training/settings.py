"""What every recipe can be told: the dataclass that recipes extend."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rs_core.fields import check_params, param
from rs_core.training.batches import Batch


@dataclass(frozen=True)
class TrainingSettings(ABC):
    """A recipe: SGD on noisy images. Subclasses say how strong each image's noise is.

    Equal settings, seed, data, device, precision and thread count give equal weights on a CPU.
    """

    sigma: float = param(
        0.25, help="noise, or its largest value", unit="pixels of [0,1]", low=0, high=10
    )
    epochs: int = param(20, help="passes over the training images", low=1, high=10_000)
    batch_size: int = param(128, help="images per optimiser step", low=2, high=65_536)
    learning_rate: float = param(
        0.1, help="peak of the learning-rate curve", low=0, low_open=True, high=100
    )
    schedule: str = param(
        "one-cycle", help="learning-rate curve", choices=("one-cycle", "cosine", "constant")
    )
    momentum: float = param(0.9, help="Nesterov momentum", low=0, high=1, high_open=True)
    weight_decay: float = param(5e-4, help="weight decay of kernels and matrices", low=0, high=1)
    label_smoothing: float = param(0.0, help="label smoothing", low=0, high=1, high_open=True)
    weight_average: float = param(
        0.999, help="decay of the running average of the weights, 0 for none", low=0, high=0.99999
    )
    augment: str = param(
        "auto",
        help="random moves: auto is crop-flip for colour and shift for grey images",
        choices=("auto", "none", "shift", "crop-flip"),
    )
    precision: str = param(
        "auto",
        help="auto is bf16 where the device computes it fast",
        choices=("auto", "bf16", "fp32"),
    )

    def __post_init__(self) -> None:
        check_params(self)

    def augment_for(self, channels: int) -> str:
        """The random moves of images with so many channels: `augment`, or what auto means."""
        if self.augment != "auto":
            return self.augment
        return "crop-flip" if channels == 3 else "shift"

    @property
    @abstractmethod
    def sigma_range(self) -> tuple[float, float]:
        """Smallest and largest sigma of the training noise, pixels of [0,1]."""

    @abstractmethod
    def draw_sigmas(self, count: int, generator: torch.Generator) -> Tensor:
        """Noise of `count` images: float32 (count,) on the generator's device."""

    @abstractmethod
    def batch_loss(
        self, network: nn.Module, batch: Batch, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Mean loss () and number of correct answers () of one batch, without synchronising."""
