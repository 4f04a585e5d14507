"""The network as a recipe sees it: pixels or inputs in, float32 logits out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rs_core.models.injected_noise import fixed_chance, injects_noise
from rs_core.training.data import affine

_SEEDS = 1 << 62


@dataclass(frozen=True, eq=False)
class NormalizedNetwork:
    """A network in training, with the normalisation that belongs before it.

    Fields:
        module: normalised inputs (N, C, H, W) to logits (N, K); with noise levels (N,) as the
            second argument where it has a true attribute `takes_sigma`.
        mean, std: float32 (C,), of the pixels in [0,1].
    """

    module: nn.Module
    mean: Tensor
    std: Tensor

    def __call__(self, inputs: Tensor, sigmas: Tensor) -> Tensor:
        """Logits (N, K) of normalised inputs (N, C, H, W) under noise (N,); float32 at least."""
        takes_sigma = getattr(self.module, "takes_sigma", False)
        told = (sigmas.expand(len(inputs)),) if takes_sigma else ()
        logits: Tensor = self.module(inputs, *told)
        return logits.to(torch.promote_types(logits.dtype, torch.float32))

    def of_pixels(self, sigmas: Tensor) -> Callable[[Tensor], Tensor]:
        """The map from pixels (N, C, H, W) of [0,1] to logits (N, K), at noise (B,).

        N is a multiple of B: the copies of an image lie side by side.
        """
        known: list[Tensor] = []

        def forward(pixels: Tensor) -> Tensor:
            if not known:
                planes = affine(self.mean, self.std, pixels.shape[2], pixels.shape[3])
                known.extend(p.permute(2, 0, 1)[None].to(pixels.dtype) for p in planes)
            scale, shift = known
            each = sigmas.repeat_interleave(len(pixels) // len(sigmas))
            return self(torch.addcmul(shift, pixels, scale), each)

        return forward

    @contextmanager
    def own_noise(self, generator: torch.Generator) -> Iterator[None]:
        """A context in which noise that the network injects follows from the generator.

        Such noise comes from the process's generators, which nobody could put back where a training
        goes on. Of a network without noise nothing is drawn.
        """
        if not injects_noise(self.module):
            yield
            return
        seed = torch.randint(_SEEDS, (), generator=generator, device=generator.device)
        with fixed_chance(int(seed), generator.device):
            yield

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """A context in evaluation mode without parameter gradients: what an attack is made on."""
        training = self.module.training
        wanting = [p for p in self.module.parameters() if p.requires_grad]
        self.module.eval()
        for parameter in wanting:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in wanting:
                parameter.requires_grad_(True)
            self.module.train(training)
