"""How images are voted on before and after an attack, on noise of its own."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from rs_core.classifiers import Classifier
from rs_core.events import Finished, Stream, relay
from rs_core.images import ImageInput
from rs_core.results.attack_trial import Ballot
from rs_core.smoothing.sampling import BATCH_SIZE, draw_votes


def ballots(
    classifier: Classifier,
    images: Sequence[ImageInput],
    sigmas: Sequence[float | None],
    n: int,
    *,
    seed: int,
    batch_size: int = BATCH_SIZE,
) -> Stream[tuple[Ballot, ...]]:
    """Yields steps, then one ballot per image, each at its own sigma; None: the network itself.

    The noise has a path of its own, `shift`: neither an attack nor a confirmation draws there.
    """
    noisy = [i for i, sigma in enumerate(sigmas) if sigma is not None]
    found = {i: _own(classifier, images[i]) for i, sigma in enumerate(sigmas) if sigma is None}
    if noisy:
        levels = np.array([[sigmas[i]] for i in noisy], dtype=np.float64)
        votes = yield from relay(
            draw_votes(
                classifier, [images[i] for i in noisy], levels, n,
                seed=seed, caller="shift", stage="predict", soft=True, batch_size=batch_size,
            )
        )  # fmt: skip
        assert votes.soft is not None
        for i, counts, scores in zip(noisy, votes.counts[:, 0], votes.soft[:, 0], strict=True):
            whole = tuple(int(count) for count in counts)
            found[i] = Ballot(whole, tuple((scores / n).tolist()), sigmas[i], n)
    yield Finished(tuple(found[i] for i in range(len(images))))


@torch.inference_mode()
def _own(classifier: Classifier, image: ImageInput) -> Ballot:
    """The network's own answer, in a batch of the size in which it votes."""
    rows = classifier.block if classifier.device.type == "cpu" else 1
    batch = torch.tensor(image.pixels)[None].to(classifier.device).repeat(rows, 1, 1, 1)
    logits: Tensor = classifier(batch.contiguous(memory_format=torch.channels_last), 0.0)[0]
    counts, valid = [0] * (classifier.num_classes + 1), bool(logits.isfinite().all())
    counts[int(logits.argmax()) if valid else -1] = 1
    scores = logits.double().softmax(dim=0) if valid else torch.zeros_like(logits)
    return Ballot(tuple(counts), tuple(scores.tolist()), None, 1)
