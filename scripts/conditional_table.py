"""Share of noisy test copies that two groups of networks get right, by noise level.

    .venv/bin/python scripts/conditional_table.py DATASET FOLDER SIGMA[,SIGMA...] A[,...] B[,...]

A and B are files of weights, one per seed, the same seeds trained in two ways. The error of B
minus A is over the images, each image's copies and seeds averaged first; how far seeds differ is
printed beside it.
"""

import sys
from pathlib import Path

import numpy as np

from rs_core.classifiers import load_classifier
from rs_core.datasets import load_dataset
from rs_core.events import drain
from rs_core.smoothing.sampling import draw_votes

IMAGES, COPIES, SEED = 2000, 20, 0


def shares(file: str, dataset: str, folder: Path, sigmas: list[float]) -> np.ndarray:
    """(N, S) share of an image's copies with the right answer."""
    classifier = load_classifier(Path(file), precision="fp32")
    data = load_dataset(dataset, split="test", root=folder)
    images = [data.image(row, classifier.spec) for row in range(min(IMAGES, len(data)))]
    levels = np.tile(sigmas, (len(images), 1))
    votes = drain(
        draw_votes(classifier, images, levels, COPIES, seed=SEED, caller="measure", stage="predict")
    )
    return votes.counts[np.arange(len(images)), :, data.labels[: len(images)]] / COPIES


def main(dataset: str, folder: Path, sigmas: list[float], groups: list[list[str]]) -> None:
    first, second = (
        np.stack([shares(file, dataset, folder, sigmas) for file in group]) for group in groups
    )
    gain = second - first  # (seeds, N, S)
    print(f"{gain.shape[1]} images, {COPIES} copies each, {len(gain)} seeds, fp32, seed {SEED}")
    print("| sigma | A | B | B minus A | of each seed |")
    print("|---|---|---|---|---|")
    for k, sigma in enumerate(sigmas):
        each = gain[:, :, k].mean(axis=0)
        error = each.std(ddof=1) / len(each) ** 0.5
        by_seed = ", ".join(f"{g:+.4f}" for g in gain[:, :, k].mean(axis=1))
        print(
            f"| {sigma:g} | {first[:, :, k].mean():.4f} | {second[:, :, k].mean():.4f} | "
            f"{each.mean():+.4f} (+-{error:.4f}) | {by_seed} |"
        )


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(
        sys.argv[1],
        Path(sys.argv[2]),
        [float(part) for part in sys.argv[3].split(",")],
        [group.split(",") for group in sys.argv[4:]],
    )
