"""PREDICT on noise that only confirmations draw: Cohen et al. (2019)."""

from collections.abc import Generator, Sequence

import numpy as np
import torch
from torch import Tensor

from rs_core.classifiers import Classifier
from rs_core.events import Step, relay
from rs_core.images import ImageInput
from rs_core.results import Noise
from rs_core.results.attack import Confirmation
from rs_core.smoothing.draw_checks import check_repeatable
from rs_core.smoothing.sampling import BATCH_SIZE, draw_votes
from rs_core.statistics import top_two_p_value


def predictions(
    classifier: Classifier,
    images: Sequence[ImageInput],
    sigmas: Sequence[float | None],
    n: int,
    level: float,
    *,
    seed: int,
    batch_size: int = BATCH_SIZE,
    before: int = 0,
    total: int | None = None,
    noise: Noise = "gaussian-grid",
) -> Generator[Step, None, list[Confirmation]]:
    """PREDICT of each image at its own sigma, on the stream that only confirmations use."""
    plain = [i for i, sigma in enumerate(sigmas) if sigma is None]
    noisy = [i for i, sigma in enumerate(sigmas) if sigma is not None]
    said: dict[int, Confirmation] = {}
    for i in plain:
        said[i] = _looked(classifier, images[i])
    if noisy:
        levels = np.array([[sigmas[i]] for i in noisy], dtype=np.float64)
        votes = yield from relay(
            draw_votes(
                classifier, [images[i] for i in noisy], levels, n,
                seed=seed, caller="confirm", stage="predict", noise=noise, batch_size=batch_size,
            ),
            before=before, total=total,
        )  # fmt: skip
        for i, counts in zip(noisy, votes.counts[:, 0], strict=True):
            said[i] = _prediction(counts, sigmas[i], n, level, noise)
    return [said[i] for i in range(len(images))]


def _prediction(
    counts: np.ndarray, sigma: float | None, n: int, level: float, noise: Noise
) -> Confirmation:
    first, second = np.argsort(-counts, kind="stable")[:2]
    p_value = float(top_two_p_value(int(counts[first]), int(counts[second])))
    sure = p_value <= level and first != len(counts) - 1
    votes = tuple(int(count) for count in counts)
    return Confirmation(int(first) if sure else None, votes, sigma, n, level, noise)


@torch.inference_mode()
def _looked(classifier: Classifier, image: ImageInput) -> Confirmation:
    """The network's own answer, in a batch of the size in which it votes."""
    check_repeatable(classifier)
    rows = classifier.block if classifier.device.type == "cpu" else 1
    batch = torch.tensor(image.pixels)[None].to(classifier.device).repeat(rows, 1, 1, 1)
    logits: Tensor = classifier(batch.contiguous(memory_format=torch.channels_last), 0.0)[0]
    votes = [0] * (classifier.num_classes + 1)
    valid = bool(logits.isfinite().all())
    votes[int(logits.argmax()) if valid else -1] = 1
    return Confirmation(int(logits.argmax()) if valid else None, tuple(votes), None, 1, 0.0)
