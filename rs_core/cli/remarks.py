"""What should be known of a network beside its numbers: its training noise, a final softmax."""

from collections.abc import Iterable, Iterator

import torch

from rs_core.classifiers import Classifier

_FAR = 1.5  # a factor; between two usual levels, .25 and .5, lies 2
_ROWS = 16
_CLOSE = 1e-3  # bf16 rounds each of the scores that sum to 1


def print_remarks(classifier: Classifier, sigmas: Iterable[float | None]) -> None:
    """Print a note for each of `network_remarks`."""
    for remark in network_remarks(classifier, sigmas):
        print(f"note: {remark}")


def network_remarks(classifier: Classifier, sigmas: Iterable[float | None]) -> Iterator[str]:
    """Sentences; none of them makes a certificate less true.

    Args:
        classifier: the network.
        sigmas: noise levels that it was asked at; None for the network itself.
    """
    trained, asked = classifier.spec.train_sigma, {sigma for sigma in sigmas if sigma}
    if trained is not None:
        low, high = trained
        far = sorted(s for s in asked if s > _FAR * high or s * _FAR < low)
        if far:
            named = f"{high:g}" if low == high else f"{low:g} to {high:g}"
            levels = ", ".join(f"{sigma:g}" for sigma in far[:3])
            yield (
                f"the network was trained with noise of sigma {named} and is asked at {levels}"
                f"{', ...' if len(far) > 3 else ''}: radii hold, but another network may reach more"
            )
    if ends_in_softmax(classifier):
        yield (
            "the network answers with probabilities (a softmax at its end?): votes and radii are "
            "the same, but gradients fade, so attacks and soft scores find less; end in logits"
        )


@torch.inference_mode()
def ends_in_softmax(classifier: Classifier) -> bool:
    """Whether its rows are nonnegative and sum to 1 on images of chance, which logits do not."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.rand(_ROWS, *classifier.spec.input_shape, generator=generator)
    batch = pixels.to(classifier.device).contiguous(memory_format=torch.channels_last)
    rows = classifier(batch, 0.0)
    sums = rows.double().sum(dim=1)
    return bool(rows.isfinite().all() and (rows >= 0).all() and ((sums - 1).abs() < _CLOSE).all())
