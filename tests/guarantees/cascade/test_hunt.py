"""No attack on any scale moves a cascade's answer inside its radius.

Certificates are made at alpha = 1e-6, and an answer is another one only if PREDICT of the whole
cascade says so at that level. The same hunt must catch a cascade whose larger scales were not
looked at.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from rs_core.attacks import ATTACKS
from rs_core.classifiers import Classifier, load_classifier
from rs_core.datasets import load_dataset
from rs_core.events import drain
from rs_core.guarantees import Cascade, PredictCascade
from rs_core.guarantees.cascade import guarantee
from rs_core.images import ImageInput
from rs_core.results import Certificate, Selection
from rs_core.statistics import cascade_terms

ALPHA, SIGMAS = 1e-6, (0.25, 0.5, 1.0)
FIXED = Selection("fixed", SIGMAS[-1], (), 0)


def contradicted(
    classifier: Classifier, images: Sequence[ImageInput], certificates: Sequence[Certificate]
) -> int:
    """Images whose cascade confidently answers otherwise inside its radius."""
    predict = PredictCascade(sigmas=SIGMAS, n=400, alpha=ALPHA)
    found = set()
    for index, (image, certificate) in enumerate(zip(images, certificates, strict=True)):
        if not certificate.radius:
            continue
        for sigma in SIGMAS:
            attack = ATTACKS["epgd"](sigma=sigma, eps=certificate.radius, draws=4, steps=12)
            labels = [certificate.predicted]
            (result,) = drain(attack.run(classifier, [image], labels=labels, seed=1))
            assert result.l2 <= certificate.radius * (1 + 1e-9)
            moved = replace(image, pixels=result.adversarial, digest=f"{index} at {sigma}")
            (answer,) = drain(predict.run(classifier, [moved], seed=2))
            if answer.predicted not in (None, certificate.predicted):
                found.add(index)
    return len(found)


def test_no_scale_can_be_attacked_inside_the_radius(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = load_classifier("mnist-conv4", device="cpu")
    data = load_dataset("mnist5k", split="train")
    images = [data.image(row, classifier.spec) for row in range(0, 600, 60)]
    cascade, picked = Cascade(sigmas=SIGMAS, n=500, alpha=ALPHA), [FIXED] * len(images)
    honest = drain(cascade.run(classifier, images, picked, seed=0))
    assert sum(c.radius > 0 for c in honest) > 7
    assert contradicted(classifier, images, honest) == 0

    def blind(sigmas: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
        terms = cascade_terms(sigmas, lower, upper)
        for scale in range(len(sigmas)):
            terms[scale, :, scale + 1 :] = math.inf
        return terms

    monkeypatch.setattr(guarantee, "cascade_terms", blind)
    false = drain(cascade.run(classifier, images, picked, seed=0))
    assert contradicted(classifier, images, false) >= 1
