"""Draws that the sequential test of "R >= r" needs where the fixed-n protocol spends 100,000."""

import sys
from collections.abc import Iterator

from benchmarks.timing import verdict
from rs_core.classifiers import load_classifier
from rs_core.datasets import load_dataset
from rs_core.events import drain
from rs_core.images import ImageInput, image_from_array
from rs_core.smoothing import CertifySequential

SIGMA, RADII, IMAGES = 0.5, (0.25, 0.5, 1.0), 100


def test_images(spec: object, root: str | None) -> Iterator[ImageInput]:
    """Every k-th MNIST test image, or of the embedded training images where no folder is given."""
    data = (
        load_dataset("mnist", split="test", root=root)
        if root
        else load_dataset("mnist5k", split="train")
    )
    step = len(data.labels) // IMAGES
    for i in range(0, step * IMAGES, step):
        yield image_from_array(data.images[i], spec, label=int(data.labels[i]), name=str(i))


def main(device: str = "cpu", root: str | None = None) -> None:
    classifier = load_classifier("mnist-conv4", device=device)
    images = list(test_images(classifier.spec, root))
    spent, undecided = 0, 0
    for radius in RADII:
        test = CertifySequential(sigma=SIGMA, target_radius=radius, n=100_000)
        decisions = drain(test.run(classifier, images, seed=0))
        draws = sum(d.certificate.n for d in decisions)
        left = sum(d.outcome == "undecided" for d in decisions)
        print(
            f"  r={radius:g}: {draws / len(images):,.0f} draws on average, "
            f"{left} undecided of {len(images)}"
        )
        spent, undecided = spent + draws, undecided + left
    ratio = 100_000 * len(images) * len(RADII) / spent
    print(verdict(f"fixed n=100,000 / sequential draws, sigma {SIGMA}", ratio, 20))


if __name__ == "__main__":
    main(root=sys.argv[1] if len(sys.argv) > 1 else None)
