"""certify against the reference loop and against the bare eager forward of the prepared network.

Bars are for idealised noise, as the reference draws it; exact noise, the default, stands beside
(its own bars: `exact_noise`). They hold under the C library's own allocator, as people run the
reference today. With freed memory kept, as `rs` does, every contestant is faster, the reference
with its large batches most of all; those ratios are printed too.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from benchmarks.networks import SHAPES, classifiers, four_conv, random_image, resnet20
from benchmarks.speed.reference import Normalised, certify
from benchmarks.timing import has_amx, interleaved, processor, verdict
from rs_core import api
from rs_core.allocator import keep_freed_memory
from rs_core.classifiers import Classifier
from rs_core.results import ModelSpec

N, SIGMA, ROUNDS = 12_800, 0.25, 3
N_RESNET = 3_200


def reference_bar(precision: str) -> float:
    """How many times as fast as the reference loop certify must be here."""
    if precision == "fp32":
        return 3.5
    return 9.0 if has_amx() else 5.5


def bare_bar(precision: str) -> float:
    """The least share of the bare forward's pace; layers that are fused for votes win with AMX."""
    return 1.2 if precision == "bf16" and has_amx() else 0.95


@torch.inference_mode()
def bare_forward(classifier: Classifier, copies: int) -> None:
    """The prepared network on ready batches of one block: no noise, no counting."""
    dtype = torch.bfloat16 if classifier.precision == "bf16" else torch.float32
    block = torch.rand(classifier.block, *classifier.spec.input_shape, device=classifier.device)
    block = block.to(dtype).contiguous(memory_format=torch.channels_last)
    for _ in range(copies // classifier.block):
        classifier.module(block)


def contest(
    module: nn.Module, spec: ModelSpec, device: str, n: int
) -> dict[str, Callable[[], object]]:
    """The reference loop, and per precision certify with either noise and the bare forward."""
    image = random_image(spec)
    reference = Normalised(module, spec.mean, spec.std).to(device)
    pixels = torch.tensor(image.pixels).to(device)
    found: dict[str, Callable[[], object]] = {
        "reference": partial(certify, reference, pixels, SIGMA, 100, n, 1e-3, 10)
    }
    for name, classifier in classifiers(module, spec, device).items():
        asked = partial(api.certify, classifier, image, sigma=SIGMA, n=n)
        found[name] = partial(asked, noise="idealised")
        found[f"exact {name}"] = asked
        found[f"bare {name}"] = partial(bare_forward, classifier, n + 128)
    return found


def compare(device: str) -> None:
    """Ratios to the reference loop and to the bare forward, per network and precision."""
    networks = {f"conv4 {size}": (*four_conv(shape), N) for size, shape in SHAPES.items()}
    networks["resnet20 3x32x32"] = (*resnet20(), N_RESNET)
    for label, (module, spec, n) in networks.items():
        seconds = interleaved(contest(module, spec, device, n), ROUNDS)
        print(f"{label}, n={n:,}: " + ", ".join(f"{k} {n / s:,.0f}/s" for k, s in seconds.items()))
        for name in (name for name in ("fp32", "bf16") if name in seconds):
            for kind, noise in ((name, "idealised"), (f"exact {name}", "exact")):
                words = f"certify {label} {name} {noise}"
                loop = seconds["reference"] / seconds[kind]
                bare = seconds[f"bare {name}"] / seconds[kind]
                if kind == name:
                    print(verdict(f"{words} / reference loop", loop, reference_bar(name)))
                    print(verdict(f"{words} / bare forward", bare, bare_bar(name)))
                else:
                    print(f"{words} / reference loop {loop:.2f}, / bare forward {bare:.2f}")


def main(device: str = "cpu") -> None:
    print(f"certify on {processor()}, {torch.get_num_threads()} threads")
    compare(device)
    if keep_freed_memory():
        print("with freed memory kept:")
        compare(device)


if __name__ == "__main__":
    main()
