"""Networks with noise of their own by name: ResNet-20 and the bundled network with PNI or CPNI."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from rs_core.fields import check_params, param
from rs_core.models.conv4 import Conv4
from rs_core.models.injected_noise import (
    ColouredNoise,
    InjectedConv,
    InjectedLinear,
    InputNoise,
    Noise,
    PlainNoise,
)
from rs_core.models.resnet import ResNet20

Places = Literal["weights", "activations", "both"]
Side = Literal["input", "output"]

_PLACES, _SIDES = ("weights", "activations", "both"), ("input", "output")


@dataclass(frozen=True)
class Injection:
    """Where a network's noise goes, and what it is like: options that its model file keeps.

    `activation_side` "input" is SIAM's act a, "output" its act b. `shared_draws` is how the authors
    have it. `rank` None means PNI.

    Raises:
        ParameterError: a field is out of its range.
    """

    rank: int | None = param(5, help="rank of the noise's factor", low=1, high=64)
    noise: Places = param("weights", help="what is noisy", choices=_PLACES)
    activation_side: Side = param(
        "input", help="which activations of a convolution are noisy", choices=_SIDES
    )
    shared_draws: bool = param(False, help="one draw for all rows of a pass: never certified")
    input_noise: float = param(
        0.0, help="learned noise on the normalised input, at first; 0 for none", low=0, high=10
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_params(self)

    def of(self, size: int) -> Noise:
        """Noise for n values."""
        return PlainNoise(size) if self.rank is None else ColouredNoise(size, self.rank)


class NoiseInjecting(nn.Module):
    """What networks with noise of their own have in common.

    `injects_noise` is the attribute by which everybody who runs a network knows that it may answer
    differently from call to call.

    Attributes:
        injection: where the noise goes.
    """

    injects_noise = True
    injection: Injection

    @property
    def draws_per_copy(self) -> bool:
        """Whether the rows of a pass have independent noise, which votes need."""
        return not self.injection.shared_draws

    def inject(self, injection: Injection, input_shape: tuple[int, int, int]) -> None:
        """Wrap every convolution and linear layer of a network that was built without noise.

        The first convolution has noisy weights and plain activations whatever is asked for, and
        linear layers are plain PNI: as SIAM's code has it.
        """
        self.injection = injection
        convolutions = [n for n, m in self.named_modules() if isinstance(m, nn.Conv2d)]
        linears = [n for n, m in self.named_modules() if isinstance(m, nn.Linear)]
        sizes = {} if injection.noise == "weights" else _activations(self, input_shape)
        for name in convolutions:
            plain: Any = self.get_submodule(name)
            parts = self._noises(plain, sizes.get(name) if name != convolutions[0] else None)
            if injection.input_noise and name == convolutions[0]:
                values = math.prod(input_shape)
                parts["inputs"] = InputNoise(values, injection.input_noise)
            wrapped = InjectedConv(plain, **parts, shared=injection.shared_draws)
            _put(self, name, wrapped)
        for name in linears:
            layer: Any = self.get_submodule(name)
            noise = PlainNoise(layer.weight.numel())
            _put(self, name, InjectedLinear(layer, noise, shared=injection.shared_draws))

    def _noises(self, plain: nn.Conv2d, sizes: tuple[int, int] | None) -> dict[str, Noise]:
        parts: dict[str, Noise] = {}
        if sizes is None or self.injection.noise == "both":
            parts["weights"] = self.injection.of(plain.weight.numel())
        if sizes is not None:
            side = self.injection.activation_side
            parts[f"{side}s"] = self.injection.of(sizes[_SIDES.index(side)])
        return parts


class ResNet20Cpni(NoiseInjecting, ResNet20):
    """ResNet-20 with coloured noise: SIAM's base model.

    Args:
        num_classes, in_channels: as for `ResNet20`.
        image_size: (H, W), to which noise of activations is bound.
        options: fields of `Injection`.

    Raises:
        ParameterError: as `Injection` says.
    """

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 3,
        image_size: tuple[int, int] = (32, 32),
        **options: Any,
    ) -> None:
        super().__init__(num_classes, in_channels)
        self.inject(Injection(**options), (in_channels, *image_size))


class ResNet20Pni(NoiseInjecting, ResNet20):
    """ResNet-20 with one noise strength a layer: He et al. (2019); else as `ResNet20Cpni`."""

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 3,
        image_size: tuple[int, int] = (32, 32),
        **options: Any,
    ) -> None:
        super().__init__(num_classes, in_channels)
        self.inject(Injection(rank=None, **options), (in_channels, *image_size))


class Conv4Cpni(NoiseInjecting, Conv4):
    """The bundled networks' architecture with coloured noise; else as `ResNet20Cpni`.

    Args:
        widths: as for `Conv4`.
    """

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 1,
        image_size: tuple[int, int] = (28, 28),
        widths: Sequence[int] = (32, 64, 64, 128),
        **options: Any,
    ) -> None:
        super().__init__(num_classes, in_channels, widths)
        self.inject(Injection(**options), (in_channels, *image_size))


def _put(network: nn.Module, name: str, part: nn.Module) -> None:
    """A layer in the place of the one of that name."""
    above, _, own = name.rpartition(".")
    setattr(network.get_submodule(above), own, part)


@torch.no_grad()
def _activations(
    network: nn.Module, input_shape: tuple[int, int, int]
) -> dict[str, tuple[int, int]]:
    """Values of one row before and after each convolution, by its name."""
    found: dict[str, tuple[int, int]] = {}

    def note(name: str, _: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
        found[name] = given[0].numel(), made.numel()

    convolutions = [(n, m) for n, m in network.named_modules() if isinstance(m, nn.Conv2d)]
    hooks = [part.register_forward_hook(partial(note, name)) for name, part in convolutions]
    network.eval()  # batch norm learns nothing from it
    network(torch.zeros(1, *input_shape))
    network.train()
    for hook in hooks:
        hook.remove()
    return found
