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
from rs_core.results import Votes
from rs_core.smoothing import Certify, draw_votes
from rs_core.smoothing.certify import certificates_from_votes
from rs_core.smoothing.statements import EXACT, statement
from rs_core.statistics import lower_confidence_bound, radius_ceiling
from tests.conftest import Coin, MakeLinear, spec_of

SHAPE = (1, 8, 8)
COIN_SIGMA = 0.25


def coin(p: float, classes: int = 2) -> Classifier:
    return Classifier(Coin(p, COIN_SIGMA, classes), spec_of(SHAPE, classes))


def exact_p(p: float) -> float:
    """The coin reads 128/255, not 0.5: its probability is a hair above p."""
    return float(norm.sf(norm.isf(p) - (128 / 255 - 0.5) / COIN_SIGMA))


@pytest.mark.slow
def test_linear_oracle_in_3072_dimensions(linear: MakeLinear) -> None:
    """T2 end to end: 500 certificates, at most 7 false, as tight as the exact bound."""
    n, alpha, margin = 1000, 1e-3, 0.5
    classifier, image = linear(margin)
    certify = Certify(sigma=0.5, n0=64, n=n, alpha=alpha)
    radii = np.array(
        [drain(certify.run(classifier, [image], seed=s))[0].radius for s in range(500)]
    )
    assert (radii > margin).sum() <= 7
    p = norm.cdf(1.0)
    typical = norm.ppf(lower_confidence_bound(int(binom.median(n, p)), n, alpha))
    assert abs(np.median(radii) / margin - typical) < 0.01


def test_the_radius_is_in_pixels_whatever_the_normalisation(linear: MakeLinear) -> None:
    """A network that normalises by std 0.2 inside keeps its pixel margin."""
    plain, image = linear(margin=0.5)
    mean, std = 0.45, 0.2

    class Renormalised(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = plain.module

        def forward(self, x: Tensor) -> Tensor:
            logits: Tensor = self.inner(x * std + mean)
            return logits

    spec = spec_of((3, 32, 32), 2, mean=(mean,) * 3, std=(std,) * 3)
    # Six deviations of the difference: the streams hang on the weights' ids, and these on versions.
    found = api.certify(Classifier(Renormalised(), spec), image, sigma=0.5, n=20_000, seed=0)
    expected = api.certify(plain, image, sigma=0.5, n=20_000, seed=0)
    assert found.predicted == 1
    assert found.radius == pytest.approx(expected.radius, rel=0.1)
    assert found.radius < 0.5


@pytest.mark.parametrize("p", [0.5, 0.51, 0.6, 0.9, 0.99, 0.999])
def test_t3_abstention_and_false_rates_match_the_binomial(p: float, grey: ImageInput) -> None:
    """With n=100 and alpha=.05 the exact rates are known; every certificate at p=.5 is false."""
    n, alpha, seeds = 100, 0.05, 300
    classifier, true_p = coin(p), exact_p(p)
    certify = Certify(sigma=COIN_SIGMA, n0=64, n=n, alpha=alpha)
    found = [drain(certify.run(classifier, [grey], seed=s))[0] for s in range(seeds)]
    for label in (0, 1):
        q = true_p if label == 1 else 1 - true_p
        mine = [c for c in found if c.counts[label] == c.n_top and label == np.argmax(c.counts[:2])]
        least = next(k for k in range(n + 1) if lower_confidence_bound(k, n, alpha) > 0.5)
        answered = sum(c.predicted == label for c in mine)
        rate = float(binom.sf(least - 1, n, q))
        # n0 may have chosen the other class, so the rate is an upper limit; near p=1 it is exact.
        assert answered <= binom.ppf(1 - 1e-6, seeds, min(rate, 1))
        if q > 0.95:
            assert answered >= binom.ppf(1e-6, seeds, rate)
    true_radius = COIN_SIGMA * norm.ppf(true_p)
    false = sum(c.radius > (true_radius if c.predicted == 1 else 0.0) for c in found)
    assert false <= binom.ppf(1 - 1e-6, seeds, alpha)


def test_t3_abstention_rate_at_margin_half_sigma(linear: MakeLinear) -> None:
    """T3: n=100, alpha=.001, margin/sigma=.5 abstains with probability .21."""
    n, alpha, seeds = 100, 1e-3, 400
    classifier, image = linear(margin=0.25, shape=SHAPE)
    certify = Certify(sigma=0.5, n0=1000, n=n, alpha=alpha)
    found = [drain(certify.run(classifier, [image], seed=s))[0] for s in range(seeds)]
    least = next(k for k in range(n + 1) if lower_confidence_bound(k, n, alpha) > 0.5)
    exact = float(binom.cdf(least - 1, n, norm.cdf(0.5)))
    assert exact == pytest.approx(0.21, abs=0.01)
    abstained = sum(c.predicted is None for c in found)
    assert binom.ppf(1e-6, seeds, exact) <= abstained <= binom.ppf(1 - 1e-6, seeds, exact)


@pytest.mark.parametrize("stage", ["select", "label", "predict"])
def test_votes_that_chose_cannot_certify(stage: str, grey: ImageInput) -> None:
    classifier = coin(0.9)
    stream = draw_votes(
        classifier, [grey], np.array([[0.25]]), 100, seed=0, caller="x", stage=stage
    )
    with pytest.raises(ParameterError, match="cannot certify"):
        certificates_from_votes(
            Certify(sigma=0.25), drain(stream), np.array([[1]]), 1e-3,
            classifier=classifier, images=[grey], seed=0, stream="x 0", guarantee="A",
        )  # fmt: skip


@pytest.mark.parametrize("drawn", ["uniform-grid", "gaussian"])
def test_votes_under_other_noise_cannot_certify(drawn: str, grey: ImageInput) -> None:
    classifier = coin(0.9)
    stream = draw_votes(
        classifier, [grey], np.array([[0.25]]), 100,
        seed=0, caller="x", stage="certify", noise=drawn,
    )  # fmt: skip
    with pytest.raises(ParameterError, match=f"under {drawn} noise cannot certify for gaussian"):
        certificates_from_votes(
            Certify(sigma=0.25), drain(stream), np.array([[1]]), 1e-3,
            classifier=classifier, images=[grey], seed=0, stream="x 0", guarantee="A",
        )  # fmt: skip


def test_label_and_certifying_draws_are_different(grey: ImageInput) -> None:
    """T4: at p=.5 the class that leads n0 must not lead the fresh draws more often than chance."""
    classifier, seeds = coin(0.5), 400
    certify = Certify(sigma=COIN_SIGMA, n0=128, n=128, alpha=0.4)
    found = [drain(certify.run(classifier, [grey], seed=s))[0] for s in range(seeds)]
    above = sum(c.n_top > 64 for c in found)
    chance = float(binom.sf(64, 128, exact_p(0.5)))
    assert above <= binom.ppf(1 - 1e-6, seeds, chance)


class Invalid(nn.Module):
    """NaN logits for every row."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.full((len(x), 2), torch.nan)


@pytest.mark.parametrize("bound", ["clopper-pearson", "two-sided"])
def test_a_nan_network_abstains(bound: str, grey: ImageInput) -> None:
    classifier = Classifier(Invalid(), spec_of(SHAPE, 2))
    certificate = api.certify(classifier, grey, sigma=0.25, n=1000, bound=bound)
    assert certificate.predicted is None
    assert certificate.radius == 0.0
    assert certificate.counts == (0, 0, 1000)
    assert "Abstained" in certificate.statement
    assert "NaN or infinite logits" in certificate.statement
    assert certificate.p_lower == 0.0
    assert api.predict(classifier, grey, sigma=0.25, n=1000).predicted is None


def test_the_certificate_says_everything_needed_to_repeat_it(grey: ImageInput) -> None:
    classifier = coin(0.99)
    found = api.certify(classifier, grey, sigma=0.25, n0=50, n=2000, alpha=1e-3, seed=7)
    assert (found.n0, found.n, found.draws, found.seed) == (50, 2000, 2050, 7)
    assert found.weights_id == classifier.weights_id
    assert found.precision == "fp32"
    assert found.image_digest == grey.digest
    assert found.counts[1] == found.n_top
    assert found.guarantee == "A"
    assert found.norm == "l2"
    assert (found.noise, found.stream, found.device) == ("gaussian-grid", "certify 0", "cpu")
    assert found == api.certify(classifier, grey, sigma=0.25, n0=50, n=2000, alpha=1e-3, seed=7)


def test_the_statement_floors_the_radius_and_names_its_risk(grey: ImageInput) -> None:
    found = api.certify(coin(0.99), grey, sigma=0.25, n=2000)
    shown = float(found.statement.split("radius ")[1].split(" ")[0])
    assert shown <= found.radius < shown + 0.001
    for part in ("pixels in [0,1]", "class 1", "\u03c3=0.25", "\u2264 0.001", "n=2,000 fresh"):
        assert part in found.statement
    assert found.statement.endswith(EXACT)
    idealised = api.certify(coin(0.99), grey, sigma=0.25, n=2000, noise="idealised")
    assert "in exact arithmetic" in idealised.statement
    assert EXACT not in idealised.statement


@pytest.mark.parametrize(
    ("radius", "shown"), [(0.29999, "0.299"), (0.0009, "0.000"), (1.0, "1.000")]
)
def test_a_sentence_never_rounds_a_radius_up(radius: float, shown: str) -> None:
    sentence = statement(
        guarantee="A", predicted=0, class_names=("cat",), radius=radius, sigma=0.25, alpha=1e-3,
        n=100, n0=10, noise="gaussian",
    )  # fmt: skip
    assert f"radius {shown} (pixels" in sentence


def test_the_printed_risk_is_never_below_the_paid_one(grey: ImageInput) -> None:
    for alpha in (0.0010049, 1e-3 / 12, 0.05):
        found = api.certify(coin(0.99), grey, sigma=0.25, n=2000, alpha=alpha)
        shown = float(found.statement.split("\u2264 ")[1].split(" ")[0])
        assert alpha <= shown <= alpha * 1.01


@pytest.mark.parametrize(("noise", "kind"), [("exact", "gaussian-grid"), ("idealised", "gaussian")])
def test_certificate_and_predict_speak_of_the_same_classifier(
    grey: ImageInput, noise: str, kind: str
) -> None:
    found = api.certify(coin(0.99), grey, sigma=0.25, n=2000, noise=noise)
    asked = api.predict(coin(0.99), grey, sigma=0.25, n=500, noise=noise)
    assert found.noise == asked.noise == kind
    assert found.predicted == asked.predicted


def test_unanimous_votes_reach_the_ceiling(grey: ImageInput) -> None:
    found = api.certify(coin(1 - 1e-9), grey, sigma=0.25, n=1000)
    assert found.n_top == 1000
    assert found.radius == pytest.approx(radius_ceiling(0.25, 1000, 1e-3), rel=1e-9)
    assert found.p_lower < 1


def test_two_sided_certifies_where_one_sided_abstains(grey: ImageInput) -> None:
    """Three classes near .45, .275, .275: no majority, yet the top class is safe."""

    class Thirds(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            score = (x[:, 0, 0, 0] - 128 / 255) / COIN_SIGMA
            cuts = [norm.ppf(0.45), norm.ppf(0.725)]
            choice = (score > cuts[0]).long() + (score > cuts[1]).long()
            return nn.functional.one_hot(choice, 3).float()

    classifier = Classifier(Thirds(), spec_of(SHAPE, 3))
    drawn = {"sigma": COIN_SIGMA, "n": 5000, "seed": 0}
    one = api.certify(classifier, grey, **drawn)
    two = api.certify(classifier, grey, **drawn, bound="two-sided")
    assert one.predicted is None
    assert two.predicted == 0
    true = COIN_SIGMA / 2 * (norm.ppf(0.45) - norm.ppf(0.275))
    assert 0 < two.radius < true
    assert two.p_upper_runner_up is not None


def test_an_n_that_can_never_certify_is_refused_before_sampling(grey: ImageInput) -> None:
    with pytest.raises(ParameterError, match="n of at least 10"):
        api.certify(coin(0.9), grey, sigma=0.25, n=9, alpha=1e-3)
    assert api.certify(coin(1 - 1e-9), grey, sigma=0.25, n=10, alpha=1e-3).predicted == 1
    with pytest.raises(ParameterError, match="two-sided bound: give n of at least 11"):
        api.certify(coin(0.9), grey, sigma=0.25, n=10, alpha=1e-3, bound="two-sided")


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("sigma", (0, -1, float("nan"), float("inf"), 1e9, "x")),
        ("n", (0, -5, 1e12, float("nan"), 2.5)),
        ("n0", (0, float("inf"), 1e12)),
        ("alpha", (0, 1, -0.1, float("nan"))),
        ("bound", ("wald",)),
    ],
)
def test_bad_parameters_are_refused_in_one_sentence(field: str, values: tuple[object, ...]) -> None:
    for value in values:
        with pytest.raises(ParameterError, match=field) as caught:
            Certify(**({"sigma": 0.25} | {field: value}))
        assert "\n" not in str(caught.value)


def test_votes_keep_their_stage(grey: ImageInput) -> None:
    stream = draw_votes(
        coin(0.9), [grey], np.array([[0.25]]), 10, seed=0, caller="x", stage="label"
    )
    found = drain(stream)
    assert isinstance(found, Votes)
    assert found.stage == "label"
