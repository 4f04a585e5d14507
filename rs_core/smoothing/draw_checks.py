"""What is refused before anything is drawn."""

from collections.abc import Sequence

import numpy as np

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.images import ImageInput
from rs_core.models.injected_networks import NoiseInjecting
from rs_core.results import Noise
from rs_core.smoothing.options import is_exact
from rs_core.statistics import ceil_digits, top_two_p_value

_GRID_SIGMA_MAX = 7.0  # above, a pixel and 9 sigma leave float32's whole numbers, 2**24 steps


def check_independent(classifier: Classifier) -> None:
    """Refuse a network whose noise of its own is not known to be independent from copy to copy.

    Cohen's theorem allows a random f, of which votes at x + eta are drawn with eta and f's noise
    alike; but the counts of a bound are those of independent copies.

    Raises:
        ParameterError: its copies share a draw, or it only says that it is random.
    """
    if not classifier.random or classifier.draws_per_copy:
        return
    if isinstance(classifier.module, NoiseInjecting) and not classifier.module.draws_per_copy:
        raise ParameterError(
            f"{classifier.spec.name} draws noise of its own once for a whole batch, so its votes "
            "would not be independent and nothing can be certified or predicted of it: set its "
            "option shared_draws to false, or study its accuracy with rs study noise."
        )
    raise ParameterError(
        f"{classifier.spec.name} draws noise of its own (random=True), so nothing can be "
        "certified or predicted of it: switch its noise off, or study its accuracy with rs "
        "study noise."
    )


def check_repeatable(classifier: Classifier) -> None:
    """Refuse a network that draws noise of its own where one answer would have to mean something.

    Raises:
        ParameterError: it does, whether copies of it may vote or not.
    """
    if classifier.random:
        raise ParameterError(
            f"{classifier.spec.name} draws noise of its own, so its answer to one image is not one "
            "class: let noisy copies vote (sigma above 0), or study its accuracy with rs study "
            "noise."
        )


def check_decidable(n: int, level: float) -> None:
    """Refuse a PREDICT that abstains whatever its n copies say.

    Raises:
        ParameterError: names the least n.
    """
    if float(top_two_p_value(n, 0)) > level:
        least = int(np.ceil(1 - np.log2(level)))
        raise ParameterError(
            f"{n} fresh copies per PREDICT can never confirm anything at level "
            f"{ceil_digits(level, 3)}: give at least {least}."
        )


def check_draws(
    classifier: Classifier,
    images: Sequence[ImageInput],
    sigmas: np.ndarray,
    start: int,
    noise: Noise,
) -> None:
    """Refuse what could not be drawn; a sigma of 0 can.

    Raises:
        ParameterError: shapes disagree, a sigma is negative or not finite, `start` is no multiple
            of a block, or a sigma is too large for exact sums.
    """
    if sigmas.ndim != 2 or sigmas.shape[0] != len(images) or not len(images):
        raise ParameterError(f"sigmas has shape {sigmas.shape}: give ({len(images)} images, S).")
    if not (np.isfinite(sigmas).all() and (sigmas >= 0).all()):
        raise ParameterError("every sigma must be finite and above 0.")
    if start % classifier.block:
        raise ParameterError(f"start={start} must be a multiple of {classifier.block}.")
    for image in images:
        if image.pixels.shape != classifier.spec.input_shape:
            raise ParameterError(
                f"{image.name}: {image.pixels.shape} does not fit {classifier.spec.name}, which "
                f"takes {classifier.spec.input_shape}; load it with load_image(source, spec)."
            )
    if is_exact(noise) and sigmas.max() > _GRID_SIGMA_MAX:
        raise ParameterError(
            f"sigma={sigmas.max():g} is out of range: exact sums of pixels and noise bear at most "
            f"{_GRID_SIGMA_MAX:g}; give a smaller one, or take idealised noise."
        )
