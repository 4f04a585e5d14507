"""A classifier of images into sigmas, taught by radii: Sun et al. (2026), Dual RS."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from rs_core.datasets import Dataset
from rs_core.errors import ParameterError
from rs_core.fields import param
from rs_core.training.data import Batch
from rs_core.training.radii import Radii
from rs_core.training.recipes.consistency import Consistency

_UNIT = "pixels of [0,1]"


@dataclass(frozen=True)
class DualRSPicker(Consistency):
    """A network that learns at which sigma another one, its base, is certified furthest.

    That network is certified once at each sigma on every training image; soft labels are
    softmax(radius / temperature) over the sigmas. Cross-entropy to them on m noisy copies, plus
    what the copies disagree about, as of `consistency`. `sigma` is the noise at which the picker
    is smoothed, at least the largest of the sigmas.
    """

    needs_base: ClassVar[bool] = True

    sigma: float = param(
        1.0, help="noise of this network, sigma_e", unit=_UNIT, low=0, low_open=True, high=10
    )
    agreement: float = param(40.0, help="weight lambda of the copies' divergence", low=0, high=1e4)
    sigmas: tuple[float, ...] = param(
        (0.25, 0.5, 1.0), help="what it picks from", unit=_UNIT, low=0, low_open=True, high=10
    )
    radius_n: int = param(100, help="draws of a radius, per image and sigma", low=1, high=100_000)
    radius_alpha: float = param(
        1e-3, help="level of a radius that teaches", low=0, low_open=True, high=0.5
    )
    temperature: float = param(
        1.0,
        help="of the soft labels; smaller is harder",
        unit=_UNIT,
        low=0,
        low_open=True,
        high=100,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "sigmas", tuple(sorted({float(s) for s in self.sigmas})))
        if len(self.sigmas) < 2:
            raise ParameterError("dual_rs picks from sigmas: give two different ones at least.")
        if self.sigma < self.sigmas[-1]:
            raise ParameterError(
                f"sigma={self.sigma:g} is below the largest of the sigmas, {self.sigmas[-1]:g}: "
                "the picker needs at least that noise to be certified as far."
            )
        if self.per_image is not None:
            raise ParameterError(
                "per_image gives images the noise of their training, and dual_rs learns which one "
                "suits them: leave it out."
            )

    @property
    def radii(self) -> Radii:
        """What is asked of every image before the training."""
        return Radii(self.sigmas, self.radius_n, self.radius_alpha)

    def check_data(self, data: Dataset) -> None:
        """Refuse images without radii."""
        if data.targets is None or data.targets.shape[1] != len(self.sigmas):
            raise ParameterError(
                "dual_rs learns from the radii of a network: name it, --base MODEL."
            )

    def fit(self, logits: Tensor, batch: Batch) -> Tensor:
        """Mean cross-entropy () to the soft labels, of logits (B m, K)."""
        soft = (batch.targets / self.temperature).softmax(dim=1)
        each = soft.repeat_interleave(batch.copies, dim=0)
        return -(each * torch.log_softmax(logits, dim=1)).sum(dim=1).mean()
