"""Which classes a network takes for which, without noise and under it."""

from collections.abc import Generator

import numpy as np
import torch

from rs_core.classifiers import Classifier
from rs_core.datasets import Dataset
from rs_core.events import Step
from rs_core.results.training import Confusion
from rs_core.seeding import derive_seed

_ROWS = 128  # of one pass: few, so that turns stay short


def confusions(
    classifier: Classifier, data: Dataset, *, sigma: float, seed: int
) -> Generator[Step, None, tuple[Confusion, ...]]:
    """The matrix without noise and, where sigma is above 0, the one of one noisy copy each.

    Yields a step after each pass.

    Args:
        classifier: the network, of the data's classes.
        data: labelled images of its input shape.
        sigma: noise, pixels of [0,1].
        seed: names the noise.
    """
    found, levels = [], [0.0, sigma] if sigma > 0 else [0.0]
    for noise in levels:
        counts = np.zeros((classifier.num_classes, classifier.num_classes), dtype=np.int64)
        generator = torch.Generator().manual_seed(derive_seed(seed, "confusion"))
        for start in range(0, len(data), _ROWS):
            labels = data.labels[start : start + _ROWS]
            answers = _answers(classifier, data.images[start : start + _ROWS], noise, generator)
            known = answers < classifier.num_classes
            np.add.at(counts, (labels[known], answers[known]), 1)
            yield Step(start + len(labels), len(data))
        found.append(Confusion(noise, tuple(tuple(map(int, row)) for row in counts)))
    return tuple(found)


@torch.inference_mode()
def _answers(
    classifier: Classifier, images: np.ndarray, noise: float, generator: torch.Generator
) -> np.ndarray:
    """Classes (B,) of uint8 (B, H, W, C) images; K where the logits are not finite."""
    pixels = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 255
    drawn = torch.randn(pixels.shape, generator=generator)
    noisy = pixels.add(drawn, alpha=noise).to(classifier.device)
    logits = classifier(noisy.contiguous(memory_format=torch.channels_last), noise)
    answers = torch.where(
        logits.isfinite().all(dim=1), logits.argmax(dim=1), classifier.num_classes
    )
    return np.asarray(answers.cpu())
