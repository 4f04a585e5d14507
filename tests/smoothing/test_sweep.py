import numpy as np
import pytest
import torch
from scipy.stats import binom, norm

from rs_core import api
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, drain
from rs_core.images import ImageInput
from rs_core.results import RadiusCurve
from rs_core.smoothing import Sweep
from rs_core.smoothing.sweep import DEFAULT_SIGMAS, SweepStep
from tests.conftest import Coin, MakeLinear, spec_of

SHAPE = (1, 8, 8)


@pytest.fixture
def coin() -> Classifier:
    return Classifier(Coin(0.95, 0.25), spec_of(SHAPE, 2))


def test_a_linear_classifier_has_its_margin_as_radius_at_every_sigma(linear: MakeLinear) -> None:
    margin = 0.3
    classifier, image = linear(margin)
    curve = api.sweep(classifier, image, sigmas=(0.1, 0.2, 0.4, 0.8), n=4000)
    radii = [c.radius for c in curve.certificates]
    assert all(r <= margin for r in radii)
    assert max(radii) > 0.85 * margin


def test_simultaneous_points_pay_alpha_over_s(coin: Classifier, grey: ImageInput) -> None:
    """T5: union bound; pointwise is the caller's choice."""
    together = api.sweep(coin, grey, sigmas=(0.1, 0.25, 0.5, 1.0), n=1000, alpha=0.01, seed=0)
    alone = api.sweep(
        coin, grey, sigmas=(0.1, 0.25, 0.5, 1.0), n=1000, alpha=0.01, simultaneous=False, seed=0
    )
    assert together.simultaneous
    assert not alone.simultaneous
    assert [c.alpha for c in together.certificates] == [0.0025] * 4
    assert [c.alpha for c in alone.certificates] == [0.01] * 4
    for a, b in zip(together.certificates, alone.certificates, strict=True):
        assert a.counts == b.counts
        assert a.radius <= b.radius
        assert a.guarantee == b.guarantee == "A"


def test_the_best_sigma_is_certified_on_fresh_draws_with_badge_c(
    coin: Classifier, grey: ImageInput
) -> None:
    best_counts, curve_counts = [], []
    for seed in range(20):
        curve = api.sweep(coin, grey, sigmas=(0.1, 0.25, 0.5), n=640, seed=seed)
        assert curve.best is not None
        chosen = max(curve.certificates, key=lambda c: c.radius)
        assert curve.best.sigma == chosen.sigma
        best_counts.append(curve.best.n_top)
        curve_counts.append(chosen.n_top)
        assert curve.best.guarantee == "C"
        assert curve.best.alpha == curve.alpha
        assert "frozen" in curve.best.statement
        assert "attacker who can change" in curve.best.statement
    assert best_counts != curve_counts


@pytest.mark.slow
def test_t4_choosing_and_certifying_on_the_same_votes_would_fail(linear: MakeLinear) -> None:
    """The fresh certificate keeps alpha, the maximum of the curve does not."""
    alpha, seeds, margin = 0.05, 400, 0.05
    classifier, image = linear(margin, shape=SHAPE)
    sweep = Sweep(
        sigmas=tuple(np.linspace(0.05, 1.0, 20)), n0=64, n=128, alpha=alpha, simultaneous=False
    )
    reused = fresh = 0
    for seed in range(seeds):
        curve = drain(sweep.run(classifier, [image], seed=seed))[0]
        reused += max(c.radius for c in curve.certificates) > margin
        fresh += curve.best is not None and curve.best.radius > margin
    assert fresh <= binom.ppf(1 - 1e-6, seeds, alpha)
    # Shared noise makes the sigmas' errors alike, so the maximum fails about twice as often, not
    # twenty times.
    assert reused > 1.5 * alpha * seeds


def test_sigmas_are_sorted_and_duplicates_pay_once(coin: Classifier, grey: ImageInput) -> None:
    curve = api.sweep(coin, grey, sigmas=[0.5, 0.1, 0.5], n=100, alpha=0.01)
    assert [c.sigma for c in curve.certificates] == [0.1, 0.5]
    assert curve.certificates[0].alpha == 0.005
    assert Sweep().sigmas == DEFAULT_SIGMAS


def test_an_abstaining_curve_has_no_best(grey: ImageInput) -> None:
    fair = Classifier(Coin(0.498, 0.25), spec_of(SHAPE, 2))
    curve = api.sweep(fair, grey, sigmas=(0.24, 0.25), n=200, alpha=1e-6)
    assert [c.predicted for c in curve.certificates] == [None, None]
    assert curve.best is None


def test_the_live_band_brackets_the_truth_at_every_step(linear: MakeLinear) -> None:
    classifier, image = linear(0.3, shape=SHAPE)
    stream = Sweep(sigmas=(0.2, 0.4), n=4000, alpha=1e-3).run(
        classifier, [image], seed=0, batch_size=1
    )
    *steps, last = stream
    bands = [s for s in steps if isinstance(s, SweepStep)]
    assert len(bands) > 10
    for band in bands:
        assert (band.lower <= 0.3).all()
        assert (band.upper >= 0.3).all()
        assert (band.predicted == 1).all()
    assert (bands[-1].upper - bands[-1].lower < bands[0].upper - bands[0].lower).all()
    assert [s.done for s in steps] == sorted(s.done for s in steps)
    assert steps[-1].done == steps[-1].total
    assert isinstance(last, Finished)


def test_the_live_band_is_never_narrower_than_the_finished_bound(linear: MakeLinear) -> None:
    classifier, image = linear(0.3, shape=SHAPE)
    *steps, last = Sweep(sigmas=(0.2, 0.4), n=2000, recertify=False).run(
        classifier, [image], seed=0
    )
    assert isinstance(last, Finished)
    curve = last.result[0]
    assert isinstance(curve, RadiusCurve)
    assert isinstance(steps[-1], SweepStep)
    assert (steps[-1].lower <= [c.radius for c in curve.certificates]).all()


@pytest.mark.parametrize("sigmas", [(), (0.0, 0.5), (0.1, float("nan")), (1e9,), ("a",)])
def test_bad_sigmas_are_refused(sigmas: tuple[object, ...]) -> None:
    with pytest.raises(ParameterError, match="sigmas"):
        Sweep(sigmas=sigmas)


def test_small_n_is_refused_at_the_level_that_each_sigma_pays(
    coin: Classifier, grey: ImageInput
) -> None:
    with pytest.raises(ParameterError, match="n of at least 14"):
        api.sweep(coin, grey, n=12, alpha=1e-3)
    assert norm.ppf(float(np.exp(np.log(1e-3 / 12) / 14))) > 0


@pytest.mark.parametrize(
    "sigmas",
    [np.linspace(0.25, 0.75, 3), torch.tensor([0.25, 0.5, 0.75]), {0.5, 0.25, 0.75}],
)
def test_sigmas_come_in_any_container(
    coin: Classifier, grey: ImageInput, sigmas: list[float]
) -> None:
    curve = api.sweep(coin, grey, sigmas=sigmas, n=100, alpha=0.01)
    assert [c.sigma for c in curve.certificates] == [0.25, 0.5, 0.75]
    assert {type(c.sigma) for c in curve.certificates} == {float}


def test_one_sigma_is_a_grid_of_one() -> None:
    assert Sweep(sigmas=0.5) == Sweep(sigmas=(0.5,))


def test_sigmas_that_no_table_could_tell_apart_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"0\.3 and 0\.30000000000000004 are the same in"):
        Sweep(sigmas=(0.3, 0.1, 0.1 + 0.2))
    assert Sweep(sigmas=(0.3, 0.30001)).sigmas == (0.3, 0.30001)


@pytest.mark.parametrize("bound", ["clopper-pearson", "two-sided"])
def test_an_alpha_that_vanishes_when_shared_out_is_refused(
    coin: Classifier, grey: ImageInput, bound: str
) -> None:
    with pytest.raises(ParameterError, match=r"alpha=.*e-324 is too small.*at least 1e-15"):
        api.sweep(coin, grey, n=5000, alpha=5e-324, bound=bound)
    assert api.sweep(coin, grey, n=5000, alpha=1e-13, bound=bound).alpha == 1e-13
