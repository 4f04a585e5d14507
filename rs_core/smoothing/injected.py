"""Networks that inject noise of their own: every copy gets a draw of its own, and repeats."""

from collections.abc import Callable
from itertools import repeat

import torch
from torch import Tensor

from rs_core.classifiers import Classifier
from rs_core.models.injected_noise import fixed_chance


def asked_by_chance(classifier: Classifier, seed: int) -> Callable[[Tensor, Tensor | None], Tensor]:
    """The network with its noise fixed by a seed of the block's own.

    One whose rows draw for themselves is asked for the block at once. Others mostly draw once per
    pass and let the batch share it, so they are asked for one row at a time: the copies of one pass
    would not be independent votes. Both draw from the process's generators, which are put back.

    Args:
        classifier: a random one.
        seed: 32 bits, which are all that torch's CPU generator reads; no other block has them, and
            noise of the pixels comes from other streams.
    """

    def ask(rows: Tensor, sigmas: Tensor | None) -> Tensor:
        with fixed_chance(seed, classifier.device):
            if classifier.draws_per_copy:
                return classifier(rows, sigmas)
            levels = repeat(None, len(rows)) if sigmas is None else sigmas
            pairs = zip(rows, levels, strict=True)
            return torch.cat([classifier(row[None], sigma) for row, sigma in pairs])

    return ask
