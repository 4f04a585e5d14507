"""What a reader of a comparison should know of its images and methods."""

from collections.abc import Iterator, Sequence

from rs_core.comparing.pairs import Pair
from rs_core.guarantees import Memory, Regions
from rs_core.images import ImageInput
from rs_core.results import RadiusCurve
from rs_core.selectors import Grid, MultistartUniform, Selector

_NAMED = 3


def notes_of(
    methods: Sequence[Pair], images: Sequence[ImageInput], curves: Sequence[RadiusCurve]
) -> tuple[str, ...]:
    """Sentences without a full stop; none where there is nothing to say."""
    return (*_of_repeats(images), *_of_methods(methods), *_of_curves(images, curves))


def notes_of_selector(selector: Selector) -> Iterator[str]:
    """What its choices rest on beyond an image's own pixels; sentences without a full stop."""
    if isinstance(selector, Grid) and selector.label_aware:
        yield f"{selector.name} read the true labels, which nobody has when it counts"
    if isinstance(selector, MultistartUniform):
        yield f"{selector.name} picked one sigma from all these images together"


def _of_repeats(images: Sequence[ImageInput]) -> Iterator[str]:
    firsts: dict[str, ImageInput] = {}
    for image in images:
        firsts.setdefault(image.digest, image)
    if len(firsts) < len(images):
        yield f"{len(images) - len(firsts)} of {len(images)} images repeat the pixels of others"
    for image in images:
        first = firsts[image.digest]
        if image.label != first.label:
            yield (
                f"{first.name} and {image.name} have the same pixels and different labels, "
                f"{first.label} and {image.label}: no method that does not read labels can be "
                "right at both"
            )


def _of_methods(methods: Sequence[Pair]) -> Iterator[str]:
    for pair in methods:
        yield from notes_of_selector(pair.selector)
        if isinstance(pair.guarantee, Memory) and not pair.guarantee.path:
            yield f"the memory of {pair.selector.name} ended with this run: nothing answers from it"
        if isinstance(pair.guarantee, Regions):
            yield f"the regions of {pair.selector.name} were not kept: nothing answers from them"


def _of_curves(images: Sequence[ImageInput], curves: Sequence[RadiusCurve]) -> Iterator[str]:
    if not curves:
        return
    lost = [
        image.name
        for image, curve in zip(images, curves, strict=True)
        if all(certificate.predicted is None for certificate in curve.certificates)
    ]
    if lost:
        more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
        named = ", ".join(lost[:_NAMED]) + more
        yield f"{len(lost)} of {len(images)} images abstain at every sigma of the curves: {named}"
