"""Layers that inject noise into their weights and activations: PNI, and coloured PNI (CPNI).

He et al. (2019), parametric noise injection, and Nemcovsky et al. (SIAM, section 4.4). Every row of
a batch has noise of its own unless the layer shares its draws, in training and in evaluation mode.
All of it comes from the process's generators, which `fixed_chance` sets.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import RLock

import torch
from torch import Tensor, nn
from torch.nn import functional

_ALPHA = 0.25  # of PNI; CPNI's diagonal begins at its square
_FACTOR = 0.01
_LEAST = 1e-20  # of a variance: the slope of the root is infinite at 0


class PlainNoise(nn.Module):
    """alpha std z with z ~ N(0, I): He et al. (2019), one alpha for the layer, .25 at first.

    Args:
        size: n, values of what the noise is added to.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.full((1,), _ALPHA))
        self.size = size

    def added(self, values: Tensor, std: Tensor, draws: int) -> Tensor:
        """Noisy values; arguments as for `ColouredNoise`."""
        return torch.addcmul(values, self.alpha * std, _normals(self.alpha, draws, self.size))


class InputNoise(nn.Module):
    """s z with z ~ N(0, I) and s learned, whatever the input's deviation: SIAM, section 4.3.

    Args:
        size: n, values of a normalised input.
        strength: s at first, in units of the normalised input: std times it in pixels of [0,1].
    """

    def __init__(self, size: int, strength: float) -> None:
        super().__init__()
        self.strength = nn.Parameter(torch.tensor([strength]))
        self.size = size

    def added(self, values: Tensor, std: Tensor, draws: int) -> Tensor:
        """Noisy values; arguments as for `ColouredNoise`, of which std is not looked at."""
        return values + self.strength * _normals(self.strength, draws, self.size)


class ColouredNoise(nn.Module):
    """sqrt(|std alpha_d|) * z1 + alpha_f z2, of covariance D + L L^T: SIAM, section 4.4.

    D = diag |std alpha_d|, so the diagonal's *variance* follows std; L = alpha_f. The paper prints
    D + L^T L for L of n x r, whose shapes do not agree.

    Args:
        size: n, values of what the noise is added to.
        rank: r of the factor.
    """

    def __init__(self, size: int, rank: int) -> None:
        super().__init__()
        self.alpha_d = nn.Parameter(torch.full((size,), _ALPHA**2))
        self.alpha_f = nn.Parameter(torch.full((size, rank), _FACTOR))

    def added(self, values: Tensor, std: Tensor, draws: int) -> Tensor:
        """Noisy values (draws, n) of values (n,), or (B, n) of rows (B, n).

        Args:
            values: what the noise is added to.
            std: () of all values, or (B, 1) of each row.
            draws: independent ones: 1 for all rows, or B.
        """
        size, rank = self.alpha_f.shape
        z1, z2 = _normals(self.alpha_d, draws, size), _normals(self.alpha_f, draws, rank)
        rows = draws if values.ndim == 1 else len(values)
        # In this order it is two passes over the values, which are many: a kernel for each row.
        coloured = torch.addmm(
            values.to(z2.dtype), z2.expand(rows, -1), self.alpha_f.to(z2.dtype).T
        )
        deviations = (std * self.alpha_d).abs().clamp(min=_LEAST).sqrt()
        return torch.addcmul(coloured, deviations, z1)


Noise = PlainNoise | ColouredNoise | InputNoise


class InjectedConv(nn.Module):
    """A convolution without bias whose kernel, input or output is noisy.

    The kernels of a batch differ, so they are computed as one convolution in B groups: that is
    conv(x_b, W + noise_b) for each row b, exactly.

    Args:
        convolution: without bias and groups.
        weights, inputs, outputs: what to add where; None for nothing.
        shared: one draw for a whole batch.
    """

    def __init__(
        self,
        convolution: nn.Conv2d,
        *,
        weights: Noise | None = None,
        inputs: Noise | None = None,
        outputs: Noise | None = None,
        shared: bool = False,
    ) -> None:
        super().__init__()
        self.convolution = convolution
        self.weight_noise, self.input_noise, self.output_noise = weights, inputs, outputs
        self._shared = shared

    def forward(self, inputs: Tensor) -> Tensor:
        """Features (B, O, H', W') of features (B, C, H, W)."""
        draws = 1 if self._shared else len(inputs)
        features = _with_noise(inputs, self.input_noise, draws)
        if self.weight_noise is None:
            found: Tensor = self.convolution(features)
        else:
            kernels = _noisy(self.convolution.weight, self.weight_noise, draws)
            found = self._convolved(features, kernels)
        return _with_noise(found, self.output_noise, draws)

    def _convolved(self, features: Tensor, kernels: Tensor) -> Tensor:
        """Rows (B, C, H, W) with kernels (draws, O, C, k, k), one for each or one for all."""
        count, plan = len(kernels), self.convolution
        stacked = features.reshape(len(features) // count, -1, *features.shape[2:])
        kernels = kernels.flatten(0, 1).to(features.dtype)
        found = functional.conv2d(
            stacked, kernels, stride=plan.stride, padding=plan.padding, groups=count
        )
        return found.reshape(len(features), plan.out_channels, *found.shape[2:])


class InjectedLinear(nn.Module):
    """A linear layer whose matrix is noisy, its bias not.

    Args:
        linear: the layer.
        weights: what is added to its matrix.
        shared: one draw for a whole batch.
    """

    def __init__(self, linear: nn.Linear, weights: Noise, *, shared: bool = False) -> None:
        super().__init__()
        self.linear, self.weight_noise = linear, weights
        self._shared = shared

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, K) of features (B, F)."""
        draws = 1 if self._shared else len(inputs)
        matrices = _noisy(self.linear.weight, self.weight_noise, draws).to(inputs.dtype)
        found: Tensor = (matrices @ inputs[:, :, None]).squeeze(2)
        return found if self.linear.bias is None else found + self.linear.bias


def injects_noise(network: nn.Module) -> bool:
    """Whether a network says of itself that it draws noise as it answers."""
    return bool(getattr(network, "injects_noise", False))


@contextmanager
def fixed_chance(seed: int, device: torch.device) -> Iterator[None]:
    """A context in which the process's generators follow from a seed; then they are as they were.

    One thread at a time: another one's seed, or what it puts back, would repeat noise here.

    Args:
        seed: of both the CPU's generator and the device's.
        device: where the network runs.
    """
    devices = [device] if device.type == "cuda" else []
    with _turn(), torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


@lru_cache(maxsize=1)
def _turn() -> RLock:
    return RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_turn.cache_clear)  # the child has none of the threads


def _normals(like: Tensor, draws: int, size: int) -> Tensor:
    """z ~ N(0, 1) of shape (draws, size), float32 at least: bfloat16's own come in coarse steps."""
    dtype = torch.promote_types(like.dtype, torch.float32)
    return torch.randn(draws, size, dtype=dtype, device=like.device)


def _noisy(weight: Tensor, noise: Noise, draws: int) -> Tensor:
    """W + noise, (draws, *W.shape), its size relative to std(W).

    No gradient goes through std(W), as in He et al.'s code: it is a number of the layer.
    """
    drawn = noise.added(weight.flatten(), weight.detach().float().std(), draws)
    return drawn.view(draws, *weight.shape)


def _with_noise(features: Tensor, noise: Noise | None, draws: int) -> Tensor:
    """Features (B, C, H, W) plus noise whose size is relative to each row's own deviation.

    The authors take the deviation over the whole batch, by which a row's answer would hang on its
    batch-mates. The gradient goes through it: an attack has to see what its image does.
    """
    if noise is None:
        return features
    rows = features.flatten(1)
    std = rows.float().std(dim=1, correction=0, keepdim=True)
    drawn = noise.added(rows, std, draws)
    return drawn.view(features.shape).to(features.dtype)
