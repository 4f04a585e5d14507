"""The sigmas of a training's images, on their way through it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from rs_core.results.training import SigmaSpread
from rs_core.training.data import Batch, PixelStore, augmented_batch
from rs_core.training.per_image.base import PerImage
from rs_core.training.view import NormalizedNetwork

_ROWS = 64  # images of one part of a pass over all
_BINS, _ENDS = 24, 8

Context = Callable[[], AbstractContextManager[object]]


class ImageSigmas:
    """A sigma for each image, and when it was assigned.

    Attributes:
        tensors: "sigma" float32 (N,), pixels of [0,1]; "assigned" int32 (N,), the number of the
            epoch in which it last was, from 1, 0 for never.
    """

    def __init__(
        self,
        how: PerImage,
        sigma: float,
        epochs: int,
        count: int,
        device: torch.device,
        stored: Tensor | None = None,
    ) -> None:
        self._how, self._sigma, self._epochs = how, sigma, epochs
        self.tensors = {
            "sigma": how.first(sigma, count, stored).to(device),
            "assigned": torch.zeros(count, dtype=torch.int32, device=device),
        }

    def check_begun(self) -> None:
        """Refuse to begin a training without what its sigmas need.

        Raises:
            ParameterError: says what is missing.
        """
        self._how.check_begun(self.tensors["sigma"])

    @property
    def sigma_range(self) -> tuple[float, float]:
        """Smallest and largest noise of the training."""
        return self._how.range_of(self.tensors["sigma"], self._sigma)

    def of(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Noise (B,) of a batch's images."""
        own = self.tensors["sigma"][batch.rows]
        return self._how.drawn(own, self._sigma, batch.epoch, generator)

    def before(
        self,
        network: NormalizedNetwork,
        batch: Batch,
        generator: torch.Generator,
        context: Context,
    ) -> None:
        """Assign a batch's sigmas where that is due in its epoch."""
        if self._how.assigns(batch.epoch, self._epochs) == "batch":
            self._assign(network, batch, generator, context)

    def left(self, epoch: int) -> Iterator[Tensor]:
        """Rows, some at a time, of the images that still need a sigma before an epoch begins."""
        if self._how.assigns(epoch, self._epochs) != "all":
            return
        assigned = self.tensors["assigned"]
        for rows in torch.split(torch.arange(len(assigned), device=assigned.device), _ROWS):
            if int(assigned[rows[0]]) != epoch + 1:
                yield rows

    def assign_rows(
        self,
        network: NormalizedNetwork,
        store: PixelStore,
        rows: Tensor,
        epoch: int,
        generator: torch.Generator,
        context: Context,
    ) -> None:
        """Assign the sigmas of some images, which are looked at as they are."""
        batch = augmented_batch(store, rows, "none", generator, epoch=epoch)
        self._assign(network, batch, generator, context)

    def _assign(
        self,
        network: NormalizedNetwork,
        batch: Batch,
        generator: torch.Generator,
        context: Context,
    ) -> None:
        own, assigned = self.tensors["sigma"], self.tensors["assigned"]
        with network.frozen(), network.own_noise(generator), context():
            new = self._how.assigned(network, batch, own[batch.rows], self._sigma, generator)
        own[batch.rows] = new
        assigned[batch.rows] = batch.epoch + 1

    def spread(self) -> SigmaSpread | None:
        """How they are distributed now; None while they are still drawn afresh every epoch."""
        own = self.tensors["sigma"].cpu()
        if not bool((own > 0).all()):
            return None
        low, high = self.sigma_range
        order = own.argsort(stable=True)
        ends = [
            tuple((int(row), float(own[row])) for row in part[:_ENDS].tolist())
            for part in (order, order.flip(0))
        ]
        counts = torch.histc(own, _BINS, low, high) if low < high else torch.tensor([len(own)])
        return SigmaSpread(
            low=low, high=high, counts=tuple(int(count) for count in counts),
            mean=float(own.double().mean()), levels=len(torch.unique(own)),
            smallest=ends[0], largest=ends[1],
        )  # fmt: skip
