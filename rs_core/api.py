"""The engine in one call each, for one image: for a script or a notebook.

For many images, or to watch the steps, run the same dataclasses yourself:
`drain(Certify(sigma=0.5).run(classifier, images, seed=0))`.
"""

from typing import Any

from rs_core.classifiers import Classifier
from rs_core.events import drain
from rs_core.images import ImageInput
from rs_core.results import Certificate, Decision, Prediction, RadiusCurve
from rs_core.smoothing import Certify, CertifySequential, Predict, Sweep


def certify(
    classifier: Classifier, image: ImageInput, *, seed: int = 0, **options: Any
) -> Certificate:
    """The certificate of an image at one sigma: Cohen et al. (2019), CERTIFY.

    Args:
        classifier: the network.
        image: from `load_image`.
        seed: repeats the same draws. Keep one seed per image: a re-rolled seed is a new chance
            to be wrong.
        options: the fields of `rs_core.smoothing.Certify`: sigma, n0, n, alpha, bound, rigorous.

    Raises:
        ParameterError: a field is out of range, or n can never certify at this alpha.
    """
    return drain(Certify(**options).run(classifier, [image], seed=seed))[0]


def certify_sequential(
    classifier: Classifier, image: ImageInput, *, seed: int = 0, **options: Any
) -> Decision:
    """Whether the radius is at least `target_radius`, with as few draws as the answer needs.

    Options are the fields of `rs_core.smoothing.CertifySequential`; Voracek (2024).
    """
    return drain(CertifySequential(**options).run(classifier, [image], seed=seed))[0]


def sweep(
    classifier: Classifier, image: ImageInput, *, seed: int = 0, **options: Any
) -> RadiusCurve:
    """The radius curve of an image over a grid of sigmas.

    Options are the fields of `rs_core.smoothing.Sweep`: sigmas, n0, n, alpha, simultaneous, ...
    """
    return drain(Sweep(**options).run(classifier, [image], seed=seed))[0]


def predict(
    classifier: Classifier, image: ImageInput, *, seed: int = 0, **options: Any
) -> Prediction:
    """The smoothed class of an image, None for abstain: Cohen et al. (2019), PREDICT.

    Options are the fields of `rs_core.smoothing.Predict`: sigma, n, alpha.
    """
    return drain(Predict(**options).run(classifier, [image], seed=seed))[0]
