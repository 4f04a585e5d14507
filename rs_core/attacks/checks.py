"""What an attack refuses, and which class an image has to leave."""

from collections.abc import Sequence

from torch import Tensor

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.fields import shown, whole_number
from rs_core.images import ImageInput
from rs_core.selectors import Selector


def check_images(
    classifier: Classifier,
    images: Sequence[ImageInput],
    labels: Sequence[int | None] | None,
    target: int | None,
) -> list[int | None]:
    """The label given for each image, or the image's own, or None.

    Raises:
        ParameterError: an image of another shape, another number of labels than of images, or a
            class that the network does not have.
    """
    spec, classes = classifier.spec, classifier.num_classes
    for image in images:
        if image.pixels.shape != spec.input_shape:
            raise ParameterError(
                f"{image.name}: {image.pixels.shape} does not fit {spec.name}, which takes "
                f"{spec.input_shape}; load it with load_image(source, spec)."
            )
    if labels is not None and len(labels) != len(images):
        raise ParameterError(f"{len(labels)} labels for {len(images)} images: give one for each.")
    given = [image.label for image in images]
    if labels is not None:
        pairs = zip(labels, given, strict=True)
        given = [own if label is None else label for label, own in pairs]
    for label in given:
        _check_class("label", label, classes, spec.name)
    _check_class("target", target, classes, spec.name)
    return given


def label_of(image: ImageInput, label: int | None, votes: Tensor) -> int:
    """The class to leave: the one given, or the one that the target votes for.

    Raises:
        ParameterError: the target has no valid vote to offer.
    """
    if label is not None:
        return int(label)
    if float(votes.sum()) == 0:
        raise ParameterError(
            f"{image.name}: the network answers NaN or infinities, so no class is there to leave: "
            "give a label."
        )
    return int(votes.argmax())


def check_target(images: Sequence[ImageInput], labels: Sequence[int], target: int | None) -> None:
    """Refuse a class to reach that is the class to leave.

    Raises:
        ParameterError: names the image.
    """
    for image, label in zip(images, labels, strict=True):
        if label == target:
            raise ParameterError(
                f"{image.name}: target={target} is its label already: choose another class."
            )


def check_gaussian(selector: Selector | None) -> None:
    """Refuse a selector of l1 radii: its lambda of uniform noise is no sigma of Gaussian noise.

    Raises:
        ParameterError: names the selector.
    """
    if selector is not None and getattr(selector, "norm", "l2") != "l2":
        raise ParameterError(
            f"{selector.name} with norm=l1 picks lambda for uniform noise, and attacks know "
            "Gaussian noise only: take a selector of norm l2."
        )


def _check_class(what: str, value: int | None, classes: int, name: str) -> None:
    if value is None:
        return
    whole = whole_number(value)
    if whole is None or not 0 <= whole < classes:
        raise ParameterError(
            f"{what}={shown(value)} is outside the {classes} classes of {name}: give 0 to "
            f"{classes - 1}."
        )
