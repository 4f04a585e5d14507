"""Probe images certified on a network under way."""

import math
from collections.abc import Generator, Sequence

import numpy as np
from scipy.special import ndtri

from rs_core.classifiers import Classifier
from rs_core.evaluation.training import ProbePoint
from rs_core.events import Step, relay
from rs_core.images import ImageInput
from rs_core.smoothing.certify import bound_radii, draw_labels
from rs_core.smoothing.sampling import draw_votes
from rs_core.statistics import upper_confidence_bound

LABEL_DRAWS = 50
_BATCH = 256  # forward passes between two steps: few, so that turns stay short
_CALLER = "probe"


def probe_points(
    classifier: Classifier,
    images: Sequence[ImageInput],
    *,
    sigma: float,
    n: int,
    end_alpha: float,
    epoch: int,
    seed: int,
) -> Generator[Step, None, tuple[ProbePoint, ...]]:
    """A point per image, each end of each at level `end_alpha`; yields steps.

    Every network has copies of its own, because its weights name the stream of noise.

    Args:
        classifier: the network of this epoch.
        images: of its input shape.
        sigma: noise, pixels of [0,1].
        n: copies that certify, after `LABEL_DRAWS` that choose the class.
        end_alpha: error of one end.
        epoch: for the points.
        seed: names the noise.

    Reference: Cohen et al. (2019), CERTIFY; the upper end is the bound of the other side.
    """
    sigmas = np.full((len(images), 1), sigma)
    labels = yield from relay(
        draw_labels(
            classifier, images, sigmas, LABEL_DRAWS,
            seed=seed, caller=_CALLER, noise="gaussian", batch_size=_BATCH,
        )
    )  # fmt: skip
    votes = yield from relay(
        draw_votes(
            classifier, images, sigmas, n,
            seed=seed, caller=_CALLER, stage="certify", batch_size=_BATCH,
        )
    )  # fmt: skip
    _, _, radii = bound_radii("clopper-pearson", votes, labels, end_alpha)
    points = []
    for row, counts in enumerate(votes.counts[:, 0]):
        label = int(labels[row, 0])
        invalid = label == classifier.num_classes
        upper = 0.0 if invalid else _upper(sigma, int(counts[label]), n, end_alpha)
        points.append(ProbePoint(epoch, None if invalid else label, float(radii[row, 0]), upper))
    return tuple(points)


def _upper(sigma: float, n_top: int, n: int, end_alpha: float) -> float:
    """The radius that no number of copies would exceed; NaN where all n voted alike."""
    if n_top == n:  # the bound is 1, and its quantile infinite
        return math.nan
    return max(sigma * float(ndtri(upper_confidence_bound(n_top, n, end_alpha))), 0.0)
