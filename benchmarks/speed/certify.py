"""certify against the reference loop and against the bare forward of the same prepared network.

The bars hold under the C library's own allocator, as people run the reference today. With freed
memory kept, as `rs` does, every contestant is faster, the reference with its large batches most of
all; those ratios are printed too.
"""

from collections.abc import Callable
from functools import partial

import torch

from benchmarks.speed.networks import SHAPES, classifiers, four_conv, random_image
from benchmarks.speed.reference import Normalised, certify
from benchmarks.timing import interleaved, verdict
from rs_core import api
from rs_core.allocator import keep_freed_memory
from rs_core.classifiers import Classifier

N, SIGMA, ROUNDS = 12_800, 0.25, 3
BARS = {
    ("1x28x28", "fp32"): 3.5, ("3x32x32", "fp32"): 3.5,
    ("1x28x28", "bf16"): 7.0, ("3x32x32", "bf16"): 6.5,
}  # fmt: skip
BARE_BARS = {"1x28x28": 0.90, "3x32x32": 0.75}


@torch.inference_mode()
def bare_forward(classifier: Classifier, copies: int) -> None:
    """The prepared network on ready batches of one block: no noise, no counting."""
    dtype = torch.bfloat16 if classifier.precision == "bf16" else torch.float32
    block = torch.rand(classifier.block, *classifier.spec.input_shape, device=classifier.device)
    block = block.to(dtype).contiguous(memory_format=torch.channels_last)
    for _ in range(copies // classifier.block):
        classifier.module(block)


def contest(shape: tuple[int, int, int], device: str) -> dict[str, Callable[[], object]]:
    """The reference loop, and per precision our certify and the bare forward."""
    module, spec = four_conv(shape)
    image = random_image(spec)
    reference = Normalised(module, spec.mean, spec.std).to(device)
    pixels = torch.tensor(image.pixels).to(device)
    found: dict[str, Callable[[], object]] = {
        "reference": partial(certify, reference, pixels, SIGMA, 100, N, 1e-3, 10)
    }
    for name, classifier in classifiers(module, spec, device).items():
        found[name] = partial(api.certify, classifier, image, sigma=SIGMA, n=N)
        found[f"bare {name}"] = partial(bare_forward, classifier, N + 128)
    return found


def compare(device: str) -> dict[tuple[str, str], float]:
    """Speed-up over the reference per size and precision; prints copies/s and bare shares."""
    speedups = {}
    for size, shape in SHAPES.items():
        seconds = interleaved(contest(shape, device), ROUNDS)
        print(f"{size}, n={N:,}: " + ", ".join(f"{k} {N / s:,.0f}/s" for k, s in seconds.items()))
        for name in ("fp32", "bf16"):
            if name in seconds:
                speedups[size, name] = seconds["reference"] / seconds[name]
                share = seconds[f"bare {name}"] / seconds[name]
                print(verdict(f"certify {size} {name} / bare forward", share, BARE_BARS[size]))
    return speedups


def main(device: str = "cpu") -> None:
    for (size, name), speedup in compare(device).items():
        print(verdict(f"certify {size} {name} / reference loop", speedup, BARS[size, name]))
    if keep_freed_memory():
        print("with freed memory kept:")
        for (size, name), speedup in compare(device).items():
            print(f"certify {size} {name} / reference loop {speedup:23.2f}")


if __name__ == "__main__":
    main()
