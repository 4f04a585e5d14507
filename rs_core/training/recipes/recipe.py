"""What a recipe is: settings with one verb, and the loss that most of them share."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from rs_core.datasets import Dataset
from rs_core.errors import ParameterError
from rs_core.events import Stream
from rs_core.fields import param
from rs_core.results import ModelSpec
from rs_core.training.data import Batch
from rs_core.training.history import Trained
from rs_core.training.probes import Probes
from rs_core.training.settings import TrainingSettings
from rs_core.training.trainer import KEEP_EVERY, Trainer
from rs_core.training.view import NormalizedNetwork


@dataclass(frozen=True)
class Recipe(TrainingSettings):
    """Settings that train: `run` is the same for every recipe."""

    def run(
        self,
        spec: ModelSpec,
        data: Dataset,
        *,
        seed: int,
        device: torch.device | str = "cpu",
        held_out: Dataset | None = None,
        checkpoint: Path | None = None,
        resume: bool = False,
        probes: Probes | None = None,
        keep_every: float = KEEP_EVERY,
        init: str | Path | None = None,
    ) -> Stream[Trained]:
        """A step per batch, an `EpochDone` per epoch, then `Finished(Trained)`.

        Args:
            spec: name, architecture, options, input_shape and class_names; an empty `mean` and
                `std` are measured on `data` and recorded.
            data: training images at the network's input size.
            seed: of the first weights, the order, the augmentation and the noise.
            device: where to train; the result lies on the CPU.
            held_out: images that measure each epoch, at most 1,000; without them the first
                1,000 training images do.
            checkpoint: folder that gets a checkpoint after every epoch and now and then within
                one; closing the stream keeps the last step.
            resume: go on from that folder's checkpoint where there is one.
            probes: images that are certified after every epoch, each a `ProbeDone`.
            keep_every: seconds between checkpoints within an epoch.
            init: a shipped name or a model file whose weights the training begins with, and whose
                options, mean and std the spec has where it leaves them open. A checkpoint that is
                resumed needs it no more.

        Raises:
            WeightsNotFoundError, ModelFileError: `init` is no model, or an unfit one.
            ParameterError: data, spec and first weights do not fit, the loss is no longer finite,
                or a quarter of a batch does not fit into memory.
            CheckpointError: the checkpoint belongs to another training or version, or is damaged.
        """
        trainer = Trainer(
            self, spec, data, seed=seed, device=torch.device(device), held_out=held_out,
            folder=checkpoint, probes=probes, keep_every=keep_every, init=init,
        )  # fmt: skip
        return trainer.run(resume=resume)

    @property
    def sigma_range(self) -> tuple[float, float]:
        """(sigma, sigma), or what the images' own sigmas can be."""
        if self.per_image is not None:
            return self.per_image.sigma_range(self.sigma)
        return self.sigma, self.sigma

    def draw_sigmas(self, count: int, generator: torch.Generator) -> Tensor:
        """The fixed sigma, `count` times."""
        return torch.full((count,), self.sigma, device=generator.device)

    def entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy () of logits (B m, K), m copies side by side of images (B,)."""
        each = labels.repeat_interleave(len(logits) // len(labels))
        return cross_entropy(logits, each, label_smoothing=self.label_smoothing)


def hits(logits: Tensor, labels: Tensor) -> Tensor:
    """Number of images (B,) right in logits (B m, K); each of an image's m copies counts 1/m."""
    copies = len(logits) // len(labels)
    right = logits.detach().argmax(1) == labels.repeat_interleave(copies)
    return right.sum() / copies


def check_minibatch(batch_size: int, copies: int, otherwise: str = "") -> None:
    """Hold a batch of noisy copies to two images at least.

    Raises:
        ParameterError: says how many copies it needs, or what else to do.
    """
    if batch_size < 2 * copies:
        raise ParameterError(
            f"batch_size={batch_size} holds fewer than two images of {copies} noisy copies: give "
            f"at least {2 * copies}{otherwise}."
        )


@dataclass(frozen=True)
class RangedRecipe(Recipe):
    """A recipe for one sigma, or for a range of them at once.

    The range is Hase et al.'s universal classifier (section 3.1), which they train with
    cross-entropy alone, carried over to other losses.
    """

    sigma_low: float | None = param(
        None, help="lowest noise, drawn for each image up to sigma; by default all have sigma",
        unit="pixels of [0,1]", low=0, high=10,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sigma_low is not None and self.sigma_low > self.sigma:
            raise ParameterError(
                f"sigma_low={self.sigma_low:g} is above sigma={self.sigma:g}: give a lower one."
            )
        if self.sigma_low is not None and self.per_image is not None:
            raise ParameterError(
                "sigma_low draws every image's sigma and per_image assigns it: leave one out."
            )

    @property
    def sigma_range(self) -> tuple[float, float]:
        """(sigma_low, sigma) where that is given; else as for every recipe."""
        return super().sigma_range if self.sigma_low is None else (self.sigma_low, self.sigma)

    def draw_sigmas(self, count: int, generator: torch.Generator) -> Tensor:
        """The fixed sigma `count` times, or independent draws from U(sigma_low, sigma)."""
        if self.sigma_low is None:
            return super().draw_sigmas(count, generator)
        low, high = self.sigma_low, self.sigma
        shares = torch.rand(count, generator=generator, device=generator.device)
        return low + (high - low) * shares


@dataclass(frozen=True)
class NoiseRecipe(Recipe):
    """Cross-entropy on one noisy copy of each image."""

    def batch_loss(
        self, network: NormalizedNetwork, batch: Batch, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Mean cross-entropy () and number of correct answers () on noisy copies."""
        logits = network(batch.noisy_inputs(), batch.sigmas)
        return self.entropy(logits, batch.labels), hits(logits, batch.labels)
