import pytest
from scipy.stats import binomtest

from rs_core import api
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import drain
from rs_core.images import ImageInput
from rs_core.smoothing import Predict
from tests.conftest import Coin, spec_of

SHAPE = (1, 8, 8)


def test_predict_follows_the_binomial_test(grey: ImageInput) -> None:
    for p in (0.5, 0.55, 0.7):
        classifier = Classifier(Coin(p, 0.25), spec_of(SHAPE, 2))
        for seed in range(5):
            found = api.predict(classifier, grey, sigma=0.25, n=200, alpha=0.05, seed=seed)
            first, second = found.top_counts
            expected = binomtest(first, first + second, 0.5).pvalue
            assert found.p_value == pytest.approx(expected)
            assert (found.predicted is None) == (expected > 0.05)
            assert first == max(found.counts)


def test_predict_rarely_returns_the_wrong_class(grey: ImageInput) -> None:
    """Cohen et al. (2019), Proposition 2: a wrong class with probability at most alpha."""
    classifier = Classifier(Coin(0.48, 0.25), spec_of(SHAPE, 2))
    predict = Predict(sigma=0.25, n=128, alpha=0.05)
    wrong = sum(
        drain(predict.run(classifier, [grey], seed=s))[0].predicted == 1 for s in range(300)
    )
    assert wrong <= 15 + 20


@pytest.mark.parametrize("bad", [{"n": 0}, {"alpha": 0}, {"sigma": float("nan")}])
def test_bad_parameters_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ParameterError):
        Predict(**({"sigma": 0.25} | bad))


def test_an_n_that_can_never_answer_is_refused_with_the_least_that_can() -> None:
    """2^(1-n) is the p-value of n votes that all agree."""
    with pytest.raises(ParameterError, match=r"at level 0\.001: give at least 11"):
        Predict(sigma=0.25, n=10)
    assert Predict(sigma=0.25, n=11).n == 11
    with pytest.raises(ParameterError, match="give at least 6"):
        Predict(sigma=0.25, n=5, alpha=0.05)
