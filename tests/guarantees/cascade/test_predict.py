"""PREDICT of a cascade: each answer against exact tests, and how often it names a wrong class."""

import numpy as np
import pytest
from scipy.stats import binomtest

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import drain
from rs_core.guarantees import PredictCascade
from rs_core.images import ImageInput
from rs_core.smoothing import Predict
from tests.conftest import Coin, spec_of

TWO = PredictCascade(sigmas=(0.25, 0.5), n=200, alpha=0.05)


def half(votes: int, side: str) -> float:
    return float(binomtest(votes, 200, 0.5, alternative=side).pvalue)


def test_the_largest_sigma_with_a_majority_answers() -> None:
    upper, lower = [5, 180, 15, 0], [190, 5, 5, 0]
    scale, label, p_value = TWO.answer(np.array([lower, upper]))
    assert (scale, label) == (1, 1)
    assert p_value == pytest.approx(2 * 2 * half(180, "greater"))
    silent = [60, 70, 70, 0]
    scale, label, p_value = TWO.answer(np.array([lower, silent]))
    assert (scale, label) == (0, 0)
    assert p_value == pytest.approx(4 * max(half(70, "less"), half(190, "greater")))


def test_where_copies_do_not_tell_it_abstains() -> None:
    sure = [190, 5, 5, 0]
    for votes in ([100, 50, 50, 0], [108, 46, 46, 0], [90, 60, 50, 0]):
        scale, label, p_value = TWO.answer(np.array([sure, votes]))
        assert (scale, label) == (1, None)
        assert p_value > 0.05
    assert TWO.answer(np.array([[60, 70, 70, 0]] * 2))[:2] == (0, None)
    assert TWO.answer(np.array([sure, [5, 5, 0, 190]]))[:2] == (1, None), "INVALID has it"


def test_an_undecided_scale_names_a_wrong_class_as_seldom_as_it_says(grey: ImageInput) -> None:
    """At exactly one half either answer of the scale is wrong: no class has more."""
    classifier = Classifier(Coin(0.5, 0.25), spec_of((1, 8, 8), 2))
    task = PredictCascade(sigmas=(0.25,), n=65, alpha=0.2)
    wrong = sum(drain(task.run(classifier, [grey], seed=s))[0].predicted is not None
                for s in range(400))  # fmt: skip
    assert 40 <= wrong <= 80 + 40, "near .2 of 400, never far above"


def test_it_answers_as_predict_does_with_one_scale(grey: ImageInput) -> None:
    classifier = Classifier(Coin(0.9, 0.25), spec_of((1, 8, 8), 2))
    (found,) = drain(PredictCascade(sigmas=(0.25,), n=200).run(classifier, [grey], seed=1))
    (same,) = drain(Predict(sigma=0.25, n=200).run(classifier, [grey], seed=1))
    assert found.predicted == same.predicted
    assert (found.sigma, found.n, sum(found.counts)) == (0.25, 200, 200)
    assert found.top_counts == (max(found.counts), sorted(found.counts)[-2])
    again = drain(PredictCascade(sigmas=(0.25,), n=200).run(classifier, [grey] * 2, seed=1))
    assert again == (found, found)


def test_an_n_that_can_never_answer_is_refused_with_the_least_that_can() -> None:
    with pytest.raises(ParameterError, match="give n of at least 13"):
        PredictCascade(sigmas=(0.25, 0.5, 1.0), n=12)
    votes = np.array([[13, 0, 0]] * 3)
    assert PredictCascade(sigmas=(0.25, 0.5, 1.0), n=13).answer(votes)[1] == 0
    with pytest.raises(ParameterError, match="out of range"):
        PredictCascade(sigmas=(0.0,))
