"""Recipes: training with Gaussian noise of one strength, or of all strengths up to a limit."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from rs_core.datasets import Dataset
from rs_core.events import Stream
from rs_core.results import ModelSpec
from rs_core.training.batches import Batch
from rs_core.training.history import Trained
from rs_core.training.settings import TrainingSettings
from rs_core.training.trainer import Trainer


@dataclass(frozen=True)
class NoiseRecipe(TrainingSettings):
    """Cross-entropy on one noisy copy of each image; subclasses draw the sigmas."""

    def batch_loss(
        self, network: nn.Module, batch: Batch, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Mean cross-entropy () and number of correct answers () on noisy copies."""
        sigmas = self.draw_sigmas(len(batch.labels), generator)
        logits = network(batch.noisy_inputs(sigmas, generator)).float()
        loss = cross_entropy(logits, batch.labels, label_smoothing=self.label_smoothing)
        return loss, (logits.detach().argmax(1) == batch.labels).sum()

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
            checkpoint: folder that gets a checkpoint after every epoch; who stops iterating
                loses at most the epoch under way.
            resume: go on from that folder's checkpoint where there is one.

        Raises:
            ParameterError: data and spec do not fit, or the loss is no longer finite.
            CheckpointError: the checkpoint belongs to another training, or is damaged.
        """
        trainer = Trainer(self, spec, data, seed, torch.device(device), held_out, checkpoint)
        return trainer.run(resume=resume)


@dataclass(frozen=True)
class Gaussian(NoiseRecipe):
    """Noise of one fixed sigma on every image (Cohen et al. 2019, section 3.3)."""

    @property
    def sigma_range(self) -> tuple[float, float]:
        """(sigma, sigma)."""
        return self.sigma, self.sigma

    def draw_sigmas(self, count: int, generator: torch.Generator) -> Tensor:
        """The fixed sigma, `count` times."""
        return torch.full((count,), self.sigma, device=generator.device)


@dataclass(frozen=True)
class UniversalSigma(NoiseRecipe):
    """Noise drawn for each image afresh, uniformly from 0 to sigma (Hase et al., section 3.1)."""

    @property
    def sigma_range(self) -> tuple[float, float]:
        """(0, sigma)."""
        return 0.0, self.sigma

    def draw_sigmas(self, count: int, generator: torch.Generator) -> Tensor:
        """`count` independent draws from U(0, sigma)."""
        return torch.rand(count, generator=generator, device=generator.device) * self.sigma
