"""What noise of its own costs a network's pass, and where: `-m benchmarks.speed.injected_noise`.

The bar of 1.5 times the plain pass does not hold on a CPU where every row has a kernel of its own,
and the printed lines say so. A copy then needs as many normal draws as the network has weights
(270,000 for ResNet-20, whose pass is 41 million multiply-adds), and its kernels are read for one
image only. The factor hardly matters: it is a matrix product, not five convolutions. Noise that a
batch shares, as the authors have it, is cheap, and certifies nothing. All are modules as they are
built: of a plain network votes also fold batch norm, which noisy kernels do not allow.
"""

import argparse
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.timing import interleaved, processor, verdict
from rs_core.models import build_network
from rs_core.models.injected_noise import ColouredNoise, PlainNoise

_ROWS, _ROUNDS, _BAR = 64, 7, 1.5
_NETWORKS = {"conv4": (1, 28, 28), "resnet20": (3, 32, 32)}
_KINDS: dict[str, dict[str, Any]] = {
    "weights, a draw per copy": {},
    "activations, a draw per copy": {"noise": "activations"},
    "weights, a draw per batch": {"shared_draws": True},
}


def main(device: str) -> None:
    """Print, per network and precision, each kind's pass over the plain one's."""
    print(f"noise of the network's own, {_ROWS} copies a pass, {processor()}")
    precisions = {"fp32": torch.float32, "bf16": torch.bfloat16}
    for name, shape in _NETWORKS.items():
        for precision, dtype in precisions.items():
            _compare(name, shape, precision, dtype, device)


@torch.inference_mode()
def _compare(
    name: str, shape: tuple[int, int, int], precision: str, dtype: torch.dtype, device: str
) -> None:
    images = torch.rand(_ROWS, *shape, device=device).to(dtype)
    images = images.contiguous(memory_format=torch.channels_last)

    def made(architecture: str, options: Mapping[str, Any]) -> nn.Module:
        torch.manual_seed(0)
        network = build_network(architecture, shape, 10, options).eval().to(device, dtype)
        return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

    networks = {"plain": made(name, {})}
    networks |= {kind: made(f"{name}-cpni", options) for kind, options in _KINDS.items()}

    def asked(network: nn.Module) -> Tensor:
        logits: Tensor = network(images)
        if device != "cpu":
            torch.cuda.synchronize()
        return logits

    runs = {kind: lambda n=network: asked(n) for kind, network in networks.items()}
    alone = "its normal draws alone, over the plain pass"
    runs[alone] = lambda: _draws(networks["weights, a draw per copy"], device)
    seconds = interleaved(runs, _ROUNDS)
    plain, draws = seconds.pop("plain"), seconds.pop(alone)
    print(f"{name} {precision}: {1e3 * plain / _ROWS:.2f} ms a copy without noise")
    for kind, each in seconds.items():
        print(verdict(f"  {kind}, over the plain pass", each / plain, _BAR, at_most=True))
    print(f"  {alone:<60}{draws / plain:8.2f}")


def _draws(network: nn.Module, device: str) -> list[Tensor]:
    """As many normals as the rows' kernels take."""
    parts = [m for m in network.modules() if isinstance(m, ColouredNoise | PlainNoise)]
    sizes = [m.alpha_d.numel() if isinstance(m, ColouredNoise) else m.size for m in parts]
    return [torch.randn(_ROWS, size, device=device) for size in sizes]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    main(parser.parse_args().device)
