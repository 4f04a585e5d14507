"""What every recipe can be told: the dataclass that recipes extend."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from rs_core.datasets import Dataset
from rs_core.fields import check_params, param
from rs_core.training.data import Batch, Distribution
from rs_core.training.per_image import PER_IMAGE, PerImage
from rs_core.training.view import NormalizedNetwork

_SMALLEST_PICTURE = 8  # pixels of its shorter side


@dataclass(frozen=True)
class TrainingSettings(ABC):
    """A recipe: what is minimised on noisy images. Subclasses say how strong each image's noise is.

    Equal settings, seed, data, device, precision and thread count give equal weights on a CPU.

    On a GPU the passes of a step are recorded once an epoch and replayed; a recipe whose
    `batch_loss` looks at numbers on the device says `recorded = False`. So do images with sigmas
    of their own.
    """

    recorded: ClassVar[bool] = True
    needs_base: ClassVar[bool] = False  # whether it learns about another network, see `Radii`

    sigma: float = param(
        0.25, help="noise, or its largest value", unit="pixels of [0,1]", low=0, high=10
    )
    epochs: int = param(20, help="passes over the training images", low=1, high=10_000)
    batch_size: int = param(128, help="images per optimiser step", low=2, high=65_536)
    learning_rate: float = param(
        0.1, help="peak of the learning-rate curve", low=0, low_open=True, high=100
    )
    schedule: str = param(
        "one-cycle",
        help="learning-rate curve; step falls at the drops",
        choices=("one-cycle", "cosine", "step", "constant"),
    )
    drops: tuple[int, ...] | None = param(
        None, help="epochs after which step falls; by default after each third", low=1
    )
    drop_factor: float = param(0.1, help="what is left after a drop", low=0, low_open=True, high=1)
    warm_up: float = param(0.0, help="epochs over which the rate rises from 0", low=0, high=1000)
    optimiser: str = param("sgd", help="sgd with momentum, or adamw", choices=("sgd", "adamw"))
    momentum: float = param(
        0.9, help="momentum of sgd, first beta of adamw", low=0, high=1, high_open=True
    )
    nesterov: bool = param(True, help="Nesterov's form of the momentum")
    weight_decay: float = param(5e-4, help="weight decay of kernels and matrices", low=0, high=1)
    decay_all: bool = param(False, help="decay biases and batch-norm scales, too")
    clip: float = param(0.0, help="largest norm of the gradient, 0 for any", low=0, high=1e6)
    label_smoothing: float = param(0.0, help="label smoothing", low=0, high=1, high_open=True)
    weight_average: float = param(
        0.999, help="decay of the running average of the weights, 0 for none", low=0, high=0.99999
    )
    augment: str = param(
        "auto",
        help="random moves: auto is crop-flip for colour, shift for grey, none below 8 pixels",
        choices=("auto", "none", "shift", "crop-flip"),
    )
    precision: str = param(
        "auto",
        help="auto is bf16 where the device computes it fast",
        choices=("auto", "bf16", "fp32"),
    )

    per_image: PerImage | None = param(
        None, help="how every training image gets a sigma of its own; by default all have sigma",
        one_of=PER_IMAGE, later=True,
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_params(self)
        if self.per_image is not None:
            self.per_image.check(self.sigma, self.epochs)

    def augment_for(self, input_shape: tuple[int, int, int]) -> str:
        """The random moves of images (C, H, W): `augment`, or what auto means.

        What is smaller than 8 pixels is no picture that could be moved: points of the plane are
        not.
        """
        if self.augment != "auto":
            return self.augment
        if min(input_shape[1:]) < _SMALLEST_PICTURE:
            return "none"
        return "crop-flip" if input_shape[0] == 3 else "shift"

    @property
    def drops_after(self) -> tuple[int, ...]:
        """Whole epochs after which the step schedule falls."""
        thirds = (self.epochs // 3, 2 * self.epochs // 3)
        return tuple(sorted(set(self.drops))) if self.drops else tuple(e for e in thirds if e)

    @property
    def noise_distribution(self) -> Distribution:
        """Of the training noise: Gaussian of standard deviation sigma, unless a recipe differs."""
        return "gaussian"

    @property
    def copies(self) -> int:
        """Noisy copies of an image that one optimiser step sees."""
        return 1

    @property
    def images_per_step(self) -> int:
        """Different images of one optimiser step."""
        return self.batch_size

    def check_data(self, data: Dataset) -> None:
        """Refuse images that lack what the loss needs.

        Raises:
            ParameterError: says what is missing.
        """
        return

    @property
    @abstractmethod
    def sigma_range(self) -> tuple[float, float]:
        """Smallest and largest sigma of the training noise, pixels of [0,1]."""

    @abstractmethod
    def draw_sigmas(self, count: int, generator: torch.Generator) -> Tensor:
        """Noise of `count` images: float32 (count,) on the generator's device."""

    @abstractmethod
    def batch_loss(
        self, network: NormalizedNetwork, batch: Batch, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Loss (), a mean over the images, and number of correct answers () of one batch.

        The batch already has its noise, so parts of it have the same. Nothing here waits for the
        device, and nothing here changes what is kept: a batch too large for the memory comes again.
        """
