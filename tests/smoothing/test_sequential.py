import numpy as np
import pytest
import torch
from scipy.stats import binom, norm
from torch import Tensor, nn

from rs_core import api
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import drain
from rs_core.images import ImageInput
from rs_core.smoothing import CertifySequential
from rs_core.statistics import anytime_lower_bound, l2_radius
from tests.conftest import Coin, MakeLinear, spec_of

SHAPE = (1, 8, 8)


def test_an_easy_question_is_answered_with_few_draws(linear: MakeLinear) -> None:
    classifier, image = linear(margin=1.0)
    yes = api.certify_sequential(classifier, image, sigma=0.5, target_radius=0.25)
    no = api.certify_sequential(classifier, image, sigma=0.5, target_radius=1.5)
    assert yes.outcome == "certified"
    assert no.outcome == "refuted"
    assert yes.certificate.n < 1000
    assert no.certificate.n < 1000
    assert 0.25 <= yes.certificate.radius <= 1.0
    assert no.certificate.radius <= 1.0
    assert yes.certificate.draws == yes.certificate.n0 + yes.certificate.n
    assert yes.certificate.bound == "anytime"
    assert "stopped after" in yes.certificate.statement


def test_a_hard_question_stays_undecided_within_its_budget(linear: MakeLinear) -> None:
    classifier, image = linear(margin=0.5)
    found = api.certify_sequential(classifier, image, sigma=0.5, target_radius=0.5, n=3000)
    assert found.outcome == "undecided"
    assert found.certificate.n == 3000


@pytest.mark.slow
def test_peeking_does_not_inflate_the_error(grey: ImageInput) -> None:
    """At the boundary p = p0 every "certified" is false; looking often must not make it likely."""
    alpha, seeds, sigma = 0.05, 300, 0.25
    classifier = Classifier(Coin(0.8, sigma), spec_of(SHAPE, 2))
    true_p = norm.sf(norm.isf(0.8) - (128 / 255 - 0.5) / sigma)
    target = sigma * float(norm.ppf(true_p))
    test = CertifySequential(sigma=sigma, target_radius=target, n0=64, n=6400, alpha=alpha)
    outcomes = [drain(test.run(classifier, [grey], seed=s))[0] for s in range(seeds)]
    limit = binom.ppf(1 - 1e-6, seeds, alpha)
    assert sum(o.outcome == "certified" for o in outcomes) <= limit
    assert sum(o.outcome == "refuted" for o in outcomes) <= limit
    assert sum(o.certificate.radius > target for o in outcomes) <= limit


class Invalid(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.full((len(x), 2), torch.nan)


def test_an_invalid_network_is_undecided_at_once(grey: ImageInput) -> None:
    classifier = Classifier(Invalid(), spec_of(SHAPE, 2))
    found = api.certify_sequential(classifier, grey, sigma=0.25, target_radius=0.1)
    assert found.outcome == "undecided"
    assert found.certificate.predicted is None
    assert found.certificate.n == classifier.block


@pytest.mark.parametrize("target", [1.22, 1.3, 50.0])
def test_a_target_above_the_ceiling_is_refused(linear: MakeLinear, target: float) -> None:
    classifier, image = linear(margin=0.5)
    with pytest.raises(ParameterError, match="out of reach"):
        api.certify_sequential(classifier, image, sigma=0.5, target_radius=target, n=1000)


def test_looks_are_whole_blocks_and_end_at_n() -> None:
    test = CertifySequential(sigma=0.5, target_radius=0.5, n=10_000)
    looks = list(test.looks(64))
    assert looks[-1] == 10_000
    assert all(look % 64 == 0 for look in looks[:-1])
    assert np.all(np.diff(looks) > 0)
    assert len(looks) < 60


def test_the_stopping_time_does_not_depend_on_the_batch_size(linear: MakeLinear) -> None:
    classifier, image = linear(margin=0.6)
    test = CertifySequential(sigma=0.5, target_radius=0.5)
    found = [
        drain(test.run(classifier, [image], seed=0, batch_size=b))[0] for b in (1, 1024, 100_000)
    ]
    assert found[0] == found[1] == found[2]


def test_the_radius_is_the_anytime_one_at_the_moment_of_stopping(grey: ImageInput) -> None:
    classifier = Classifier(Coin(0.9, 0.25), spec_of(SHAPE, 2))
    found = api.certify_sequential(classifier, grey, sigma=0.25, target_radius=0.1, alpha=0.01)
    own = found.certificate
    assert own.p_lower == anytime_lower_bound(own.n_top, own.n, 0.01)
    assert own.radius == l2_radius(0.25, own.p_lower)
