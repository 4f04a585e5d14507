"""Measure a model file on the first 2,000 test images and write the table into its json.

    .venv/bin/python scripts/measure_bundled.py FILE.safetensors DATASET FOLDER [SIGMA ...]

Accuracy is that of the majority vote of 100 noisy copies of each image, without abstaining, and
of the clean image. Sigma is in pixels of [0,1].
"""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import torch

from rs_core.classifiers import Classifier, load_classifier
from rs_core.datasets import load_dataset
from rs_core.events import drain
from rs_core.images import ImageInput
from rs_core.models.spec_files import write_spec
from rs_core.smoothing.sampling import draw_votes

SIGMAS = (0.12, 0.25, 0.5, 1.0)
IMAGES = 2000
VOTES = 100
SEED = 0


def main(file: Path, dataset: str, folder: Path, sigmas: tuple[float, ...] = ()) -> None:
    classifier = load_classifier(file, precision="fp32")
    data = load_dataset(dataset, split="test", root=folder)
    images = [data.image(row, classifier.spec) for row in range(min(IMAGES, len(data)))]
    labels = data.labels[:IMAGES]
    measured: dict[str, float | str] = {"clean": clean_accuracy(classifier, images, labels)}
    for name, value in voted_accuracies(classifier, images, labels, sigmas).items():
        measured[name] = value
    about = (
        f"majority vote of {VOTES} noisy copies, first {len(images):,} images of {data.name} test, "
        f"fp32, seed {SEED}"
    )
    spec = classifier.spec
    provenance = {**spec.provenance, "measured": measured, "measured_how": about}
    write_spec(dataclasses.replace(spec, provenance=provenance), file.with_suffix(".json"))
    print(f"{file.stem}: {measured} ({about})")


def clean_accuracy(classifier: Classifier, images: list[ImageInput], labels: np.ndarray) -> float:
    pixels = torch.from_numpy(np.stack([image.pixels for image in images]))
    with torch.inference_mode():
        answers = torch.cat([classifier(part, 0.0).argmax(1) for part in torch.split(pixels, 64)])
    return round(float((answers.numpy() == labels).mean()), 4)


def voted_accuracies(
    classifier: Classifier,
    images: list[ImageInput],
    labels: np.ndarray,
    wanted: tuple[float, ...],
) -> dict[str, float]:
    limit = max(0.5, (classifier.spec.train_sigma or (0.0, 0.0))[1])
    chosen = list(wanted) or [sigma for sigma in SIGMAS if sigma <= limit]
    sigmas = np.tile(chosen, (len(images), 1))
    votes = drain(
        draw_votes(classifier, images, sigmas, VOTES, seed=SEED, caller="measure", stage="predict")
    )
    right = votes.counts.argmax(axis=2) == labels[:, None]
    names = [f"sigma {sigma:g}" for sigma in chosen]
    return {n: round(float(a), 4) for n, a in zip(names, right.mean(axis=0), strict=True)}


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), tuple(map(float, sys.argv[4:])))
