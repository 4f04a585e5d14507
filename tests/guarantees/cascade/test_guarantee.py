"""The cascade: what it names, at which level it bounds, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
from torch import Tensor, nn
from torch.nn import functional

from rs_core.abstention import why_abstains
from rs_core.classifiers import Classifier, load_classifier
from rs_core.datasets import load_dataset
from rs_core.errors import ParameterError
from rs_core.events import drain
from rs_core.experiments import Pair
from rs_core.guarantees import Cascade, GlobalSigma, GridMinimum
from rs_core.images import ImageInput
from rs_core.results import Certificate, Selection
from rs_core.selectors import Fixed, Multistart
from rs_core.statistics import (
    l2_radius,
    lower_confidence_bound,
    upper_confidence_bound,
)
from tests.conftest import spec_of

SIGMAS = (0.1, 0.3)
FIXED = Selection("fixed", 0.3, (), 0)
N, ALPHA = 2_000, 1e-3


class Shares(nn.Module):
    """A class by the noise's sign at the small sigma, and by thirds at the large one.

    `at_large` are the shares of classes 0 to 3 there, in which the last digits of a value on the
    pixels' grid are cut.
    """

    takes_sigma = True

    def __init__(self, at_large: tuple[int, ...]) -> None:
        super().__init__()
        self.edges = np.cumsum(at_large)

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        digits = (x[:, 0, 0, 0] * 261_120).round().remainder(100)
        label = sum((digits >= edge).long() for edge in self.edges[:-1])
        return functional.one_hot(label * (sigma > 0.2), len(self.edges)).to(x.dtype)


def certified(at_large: tuple[int, ...], image: ImageInput, **changes: object) -> Certificate:
    classifier = Classifier(Shares(at_large), spec_of((1, 8, 8), len(at_large)))
    cascade = replace(Cascade(sigmas=SIGMAS, n=N, alpha=ALPHA), **changes)
    return drain(cascade.run(classifier, [image], [FIXED], seed=3))[0]


def test_each_bound_pays_alpha_and_the_smallest_distance_counts(grey: ImageInput) -> None:
    """Class 0 always at .1; at .3 it has .4, and of the others the likeliest .3."""
    found = certified((40, 30, 20, 10), grey)
    assert (found.predicted, found.sigma) == (0, 0.1)
    own = l2_radius(0.1, lower_confidence_bound(N, N, ALPHA))
    assert found.details is not None
    counts = np.array(found.details["scales"][1]["counts"])
    upper = upper_confidence_bound(counts[1:], N, ALPHA).max()
    kept = l2_radius(0.3, 1 - upper)
    assert found.radius == pytest.approx(min(own, kept), rel=1e-12)
    assert found.radius == pytest.approx(kept, rel=1e-12)
    assert found.counts == (N, 0, 0, 0, 0), "the votes of the sigma that answers"
    assert (found.counted_at, found.p_upper_runner_up) == (None, None)
    assert "the votes at σ=0.3 cut the radius" in found.statement
    assert found.level == found.alpha == ALPHA
    assert found.draws == 2 * (100 + N)
    distances = [row["distance"] for row in found.details["scales"]]
    assert distances == [own, pytest.approx(kept, rel=1e-12)]


def test_a_class_that_n0_copies_saw_little_of_is_kept_out_too(grey: ImageInput) -> None:
    """Not the runner-up of the n0 draws alone: which class is nearest is for all to show."""
    found = certified((25, 25, 25, 25), grey, n0=20)
    assert found.details is not None
    counts = np.array(found.details["scales"][1]["counts"])
    expected = l2_radius(0.3, 1 - upper_confidence_bound(int(counts[1:4].max()), N, ALPHA))
    assert found.details["scales"][1]["distance"] == pytest.approx(expected, rel=1e-12)


def test_another_class_with_a_majority_above_abstains(grey: ImageInput) -> None:
    """Scale .1 alone would certify class 0; scale .3 answers class 1 first, and thinly."""
    found = certified((40, 55, 5), grey)
    assert (found.predicted, found.radius) in [(None, 0.0), (1, found.radius)]
    silent = certified((46, 51, 3), grey)
    assert silent.predicted is None
    assert why_abstains(silent) in silent.statement
    assert "class 1 got more votes" in silent.statement


def test_invalid_answers_are_another_class(grey: ImageInput) -> None:
    class Broken(Shares):
        def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
            logits = super().forward(x, sigma)
            return logits / (1 - logits[:, 1:2])  # NaN or infinite where class 1 is answered

    def of(at_large: tuple[int, ...]) -> Certificate:
        classifier = Classifier(Broken(at_large), spec_of((1, 8, 8), 3))
        cascade = Cascade(sigmas=SIGMAS, n=N, alpha=ALPHA)
        return drain(cascade.run(classifier, [grey], [FIXED], seed=3))[0]

    found = of((40, 30, 30))
    assert found.predicted == 0
    assert found.details is not None
    counts = found.details["scales"][1]["counts"]
    assert counts[3] > 500
    expected = l2_radius(0.3, 1 - upper_confidence_bound(max(counts[1:]), N, ALPHA))
    assert found.details["scales"][1]["distance"] == pytest.approx(expected, rel=1e-12)
    assert of((20, 70, 10)).predicted is None


def test_it_is_never_below_grid_minimum_on_the_same_votes() -> None:
    classifier = load_classifier("mnist-conv4", device="cpu")
    data = load_dataset("mnist5k", split="train")
    images = [data.image(row, classifier.spec) for row in range(0, 5000, 250)]
    picked = [Selection("fixed", 1.0, (), 0)] * len(images)
    sigmas = (0.25, 0.5, 1.0)
    found = drain(Cascade(n=1000, sigmas=sigmas).run(classifier, images, picked, seed=0))
    minimum = drain(GridMinimum(n=1000, sigmas=sigmas).run(classifier, images, picked, seed=0))
    slack = 0.05  # of two draws
    pairs = list(zip(found, minimum, strict=True))
    assert all(c.radius >= m.radius - slack for c, m in pairs)
    assert sum(c.radius > m.radius + 0.2 for c, m in pairs) > 10
    for certificate, image in zip(found, images, strict=True):
        alone = drain(Cascade(n=1000, sigmas=sigmas).run(classifier, [image], picked[:1], seed=0))[
            0
        ]
        assert alone == certificate


def test_a_cascade_of_one_scale_is_one_sigma_for_all(grey: ImageInput) -> None:
    classifier = Classifier(Shares((70, 20, 10)), spec_of((1, 8, 8), 3))
    one = drain(Cascade(sigmas=(0.3,), n=N).run(classifier, [grey], [FIXED], seed=0))[0]
    same = drain(GlobalSigma(n=N).run(classifier, [grey], [FIXED], seed=0))[0]
    assert one.predicted == same.predicted == 0
    assert one.radius == pytest.approx(same.radius, abs=0.02)
    assert Cascade(sigmas=(0.3,)).budget == "alpha = 0.001"


def test_what_is_refused(grey: ImageInput) -> None:
    classifier = Classifier(Shares((70, 20, 10)), spec_of((1, 8, 8), 3))
    for selection, said in (
        (Selection("grid", 0.3, (), 9), "fixed beforehand"),
        (Selection("fixed", 0.1, (), 0), "let the selector fixed have the largest"),
    ):
        with pytest.raises(ParameterError, match=said):
            drain(Cascade(sigmas=SIGMAS).run(classifier, [grey], [selection], seed=0))
    with pytest.raises(ParameterError, match="clopper-pearson"):
        certified((70, 20, 10), grey, bound="two-sided")
    with pytest.raises(ParameterError, match="can never certify"):
        certified((70, 20, 10), grey, n=5)
    with pytest.raises(ParameterError, match="sigmas is empty"):
        Cascade(sigmas=())


def test_its_pair_begins_at_the_fixed_sigma_and_halves_it() -> None:
    pair = Pair.of(Fixed(sigma=0.5), Cascade)
    assert isinstance(pair.guarantee, Cascade)
    assert pair.guarantee.sigmas == (0.125, 0.25, 0.5)
    with pytest.raises(ParameterError, match="take the selector fixed"):
        Pair.of(Multistart(), Cascade)
