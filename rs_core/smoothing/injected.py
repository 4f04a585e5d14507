"""Networks that inject noise of their own: every copy gets a draw of its own, and repeats."""

from collections.abc import Callable
from itertools import repeat

import torch
from torch import Tensor

from rs_core.classifiers import Classifier
from rs_core.seeding import SEED_LIMIT, derive_seed


def copy_by_copy(classifier: Classifier, key: int) -> Callable[[Tensor, Tensor | None], Tensor]:
    """The network asked for one row at a time, its noise fixed by the block's key.

    Such networks draw once per pass and let the batch share it (Nemcovsky et al., CPNI), so the
    copies of one pass would not be independent votes. They draw from the process's generators,
    which are put back as they were.
    """
    devices = [classifier.device] if classifier.device.type == "cuda" else []
    # Not the block's own key: the injected noise would repeat the noise of the pixels.
    own = derive_seed(key % SEED_LIMIT, "injected")

    def ask(rows: Tensor, sigmas: Tensor | None) -> Tensor:
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(own)
            levels = repeat(None, len(rows)) if sigmas is None else sigmas
            pairs = zip(rows, levels, strict=True)
            return torch.cat([classifier(row[None], sigma) for row, sigma in pairs])

    return ask
