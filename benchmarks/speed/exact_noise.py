"""Exact noise beside idealised: votes with each, and the draws and sums alone."""

from functools import partial

import numpy as np
import torch

from benchmarks.networks import SHAPES, classifiers, four_conv, random_image
from benchmarks.timing import interleaved, processor, verdict
from rs_core.allocator import keep_freed_memory
from rs_core.classifiers import Classifier
from rs_core.events import drain
from rs_core.images import ImageInput
from rs_core.smoothing import noise
from rs_core.smoothing.sampling import draw_votes

N, SIGMA, ROUNDS = 6_400, 0.25, 7
BARS = {
    ("1x28x28", "fp32"): 1.07, ("3x32x32", "fp32"): 1.15,
    ("1x28x28", "bf16"): 1.10, ("3x32x32", "bf16"): 1.30,
}  # fmt: skip


def votes(classifier: Classifier, image: ImageInput, kind: str) -> None:
    """N copies, counted."""
    drain(
        draw_votes(
            classifier, [image], np.array([[SIGMA]]), N, seed=0, caller="benchmark",
            stage="certify", noise=kind,
        )
    )  # fmt: skip


def sums(classifier: Classifier, image: ImageInput, *, exact: bool) -> None:
    """As many copies without a network."""
    pixels, steps = noise.as_batch(classifier, image), noise.as_steps(classifier, image)
    rows = classifier.block
    for number in range(N // rows):
        if exact:
            noise.on_grid(steps, noise.exact_normal(classifier, rows, number), SIGMA, last=True)
        else:
            z = noise.standard_normal(classifier, rows, number, torch.float32)
            torch.add(pixels, z, alpha=SIGMA)


def main(device: str = "cpu") -> None:
    keep_freed_memory()  # as `rs` and the app's worker do
    where = processor() if device == "cpu" else torch.cuda.get_device_name()
    print(f"exact noise on {where}, {torch.get_num_threads()} threads")
    for size, shape in SHAPES.items():
        module, spec = four_conv(shape)
        image = random_image(spec)
        for precision, classifier in classifiers(module, spec, device).items():
            seconds = interleaved(
                {
                    "exact": partial(votes, classifier, image, "gaussian-grid"),
                    "idealised": partial(votes, classifier, image, "gaussian"),
                    "exact sums": partial(sums, classifier, image, exact=True),
                    "idealised sums": partial(sums, classifier, image, exact=False),
                },
                ROUNDS,
            )
            label = f"exact noise {size} {precision} / idealised"
            ratio = seconds["exact"] / seconds["idealised"]
            print(verdict(label, ratio, BARS[size, precision], at_most=True))
            print("  " + ", ".join(f"{k} {s / N * 1e6:.1f} us a copy" for k, s in seconds.items()))


if __name__ == "__main__":
    main()
