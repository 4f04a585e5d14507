"""What holds for every guarantee: badge, statement, fresh draws, repeatability."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from rs_core.abstention import why_abstains
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, drain
from rs_core.guarantees import GUARANTEES, GridMinimum, Guarantee
from rs_core.images import ImageInput
from rs_core.results import Certificate, Selection, from_json, to_json
from rs_core.statistics import l2_radius, moving_sigma_radius
from tests.conftest import Coin, MakeLinear, spec_of

SIGMAS = (0.2, 0.3, 0.4)
SETTINGS: dict[str, Guarantee] = {
    "global_sigma": GUARANTEES["global_sigma"](n=500),
    "grid_minimum": GUARANTEES["grid_minimum"](n=500, sigmas=SIGMAS),
    "cascade": GUARANTEES["cascade"](n=500, sigmas=(0.15, 0.3)),
    "frozen": GUARANTEES["frozen"](n=500),
    "sukenik": GUARANTEES["sukenik"](n=500),
    "regions": GUARANTEES["regions"](n=500),
    "memory": GUARANTEES["memory"](n=500),
    "global_lambda": GUARANTEES["global_lambda"](n=500),
    "frozen_lambda": GUARANTEES["frozen_lambda"](n=500),
}
PICKED = {
    "global_sigma": Selection("fixed", 0.3, (), 0),
    "grid_minimum": Selection("multistart", 0.3, (), 500),
    "cascade": Selection("fixed", 0.3, (), 0),
    "frozen": Selection("gradient", 0.3, (), 100),
    "sukenik": Selection("knn", 0.3, (), 0, rate=0.01),
    "regions": Selection("grid", 0.3, (), 500),
    "memory": Selection("gradient", 0.3, (), 100),
    "global_lambda": Selection("fixed", 0.3, (), 0, norm=None),
    "frozen_lambda": Selection("gradient", 0.3, (), 100, norm="l1"),
}
BADGES = {
    "global_sigma": "A", "grid_minimum": "A", "cascade": "A", "frozen": "C", "sukenik": "A",
    "regions": "B", "memory": "B", "global_lambda": "A", "frozen_lambda": "C",
}  # fmt: skip


def certified(
    name: str, classifier: Classifier, image: ImageInput, seed: int = 0, **changes: object
) -> Certificate:
    guarantee = replace(SETTINGS[name], **changes)
    return drain(guarantee.run(classifier, [image], [PICKED[name]], seed=seed))[0]


def test_every_registered_guarantee_is_held_to_this() -> None:
    assert set(SETTINGS) == set(GUARANTEES) == set(PICKED) == set(BADGES)


@pytest.mark.parametrize("name", GUARANTEES)
def test_a_guarantee(name: str, linear: MakeLinear) -> None:
    margin = 0.5
    classifier, image = linear(margin)
    guarantee, pixels = SETTINGS[name], image.pixels.copy()
    torch.manual_seed(7)
    state = torch.get_rng_state()
    events = list(guarantee.run(classifier, [image, image], [PICKED[name]] * 2, seed=1))
    assert torch.equal(state, torch.get_rng_state())
    assert (image.pixels == pixels).all()
    *steps, last = events
    assert isinstance(last, Finished)
    assert not any(isinstance(step, Finished) for step in steps)
    assert [s.done for s in steps] == sorted(s.done for s in steps)
    assert steps[-1].done == steps[-1].total
    found = last.result
    assert found[0] == found[1]
    certificate = found[0]
    assert certificate.guarantee == guarantee.badge == BADGES[name]
    assert certificate.predicted == 1
    assert 0 < certificate.radius <= margin
    assert certificate.sigma == 0.3
    assert certificate.alpha == guarantee.alpha
    assert f"{guarantee.alpha:g}" in guarantee.budget
    assert f"≤ {guarantee.alpha:g}" in certificate.statement
    assert from_json(Certificate, json.loads(json.dumps(to_json(certificate)))) == certificate
    assert drain(guarantee.run(classifier, [image], [PICKED[name]], seed=1))[0] == certificate
    with pytest.raises(ParameterError, match="one for each"):
        drain(guarantee.run(classifier, [image], [], seed=0))


@pytest.mark.parametrize("name", GUARANTEES)
def test_no_two_guarantees_share_draws(name: str, grey: ImageInput) -> None:
    coin = Classifier(Coin(0.9, 0.3), spec_of((1, 8, 8), 2))
    others = [n for n in GUARANTEES if n != name]
    mine = certified(name, coin, grey, n=20_000)
    assert mine.stream.startswith(name)
    assert all(certified(n, coin, grey, n=20_000).stream != mine.stream for n in others)


@pytest.mark.parametrize("name", GUARANTEES)
def test_an_undecided_vote_abstains(name: str, grey: ImageInput) -> None:
    coin = Classifier(Coin(0.5, 0.3), spec_of((1, 8, 8), 2))
    certificate = certified(name, coin, grey)
    assert (certificate.predicted, certificate.radius) == (None, 0.0)
    assert certificate.statement.startswith("Abstained")


def test_only_a_frozen_noise_level_carries_the_caveat(linear: MakeLinear) -> None:
    classifier, image = linear(0.5)
    for name in GUARANTEES:
        said = certified(name, classifier, image).statement
        assert ("an attacker who can change σ is not covered" in said) == (name == "frozen")
        assert ("an attacker who can change λ is not covered" in said) == (name == "frozen_lambda")


@pytest.mark.parametrize("name", GUARANTEES)
def test_norms_are_not_mixed(name: str, linear: MakeLinear) -> None:
    classifier, image = linear(0.5)
    guarantee = SETTINGS[name]
    other = replace(PICKED[name], norm="l1" if guarantee.norm == "l2" else "l2")
    with pytest.raises(ParameterError, match=f"{name} certifies {guarantee.norm} radii"):
        drain(guarantee.run(classifier, [image], [other], seed=0))
    blind = replace(PICKED[name], norm=None)
    certificate = drain(guarantee.run(classifier, [image], [blind], seed=0))[0]
    assert certificate.norm == guarantee.norm
    assert f"ℓ{guarantee.norm[1]} radius" in certificate.statement
    assert ("λ=0.3" in certificate.statement) == (guarantee.norm == "l1")
    assert ("σ=0.3" in certificate.statement) == (guarantee.norm == "l2")


def test_a_sigma_that_looked_at_the_image_is_not_global(linear: MakeLinear) -> None:
    classifier, image = linear(0.5)
    for selections in (
        [Selection("grid", 0.3, (), 0)] * 2,
        [Selection("fixed", 0.3, (), 0), Selection("fixed", 0.4, (), 0)],
    ):
        with pytest.raises(ParameterError, match="fixed beforehand"):
            drain(SETTINGS["global_sigma"].run(classifier, [image] * 2, selections, seed=0))


def test_a_small_sigma_beside_the_declared_ones_is_none_of_them(linear: MakeLinear) -> None:
    classifier, image = linear(0.5)
    declared = GridMinimum(sigmas=(1e-8, 0.25), n=500)
    for sigma in (1.5e-8, 0.25 * 1.005):
        picked = [Selection("gradient", sigma, (), 0)]
        with pytest.raises(ParameterError, match="not among"):
            drain(declared.run(classifier, [image], picked, seed=0))


def test_the_grid_minimum_is_the_weakest_of_its_points_each_at_alpha(linear: MakeLinear) -> None:
    classifier, image = linear(0.5)
    certificate = certified("grid_minimum", classifier, image)
    assert certificate.draws == 3 * 600
    assert "3 declared sigmas (0.2 to 0.4)" in certificate.statement
    from rs_core.statistics import lower_confidence_bound

    p = lower_confidence_bound(certificate.n_top, 500, 1e-3)
    assert certificate.radius in [pytest.approx(l2_radius(s, p)) for s in SIGMAS]
    with pytest.raises(ParameterError, match="not among"):
        drain(
            SETTINGS["grid_minimum"].run(
                classifier, [image], [Selection("gradient", 0.31, (), 0)], seed=0
            )
        )


def test_the_grid_minimum_abstains_where_two_sigmas_disagree(grey: ImageInput) -> None:
    """At small noise the pixel stays below the threshold, at large noise it mostly does not."""

    class Far(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            far = ((x - 128 / 255).flatten(1).norm(dim=1) > 8 * 0.3).float()
            return torch.stack([1 - far, far], dim=1)

    classifier = Classifier(Far(), spec_of((1, 8, 8), 2))
    certificate = certified("grid_minimum", classifier, grey, sigmas=(0.1, 0.3, 0.9))
    assert certificate.predicted is None
    assert "declared sigmas" not in certificate.statement
    assert why_abstains(certificate) in certificate.statement
    ends = replace(SETTINGS["grid_minimum"], sigmas=(0.1, 0.9))
    picked = [Selection("fixed", 0.9, (), 0)]
    (both,) = drain(ends.run(classifier, [grey], picked, seed=0))
    assert both.predicted is None, "each of the two is certain, and of another class"
    assert both.radius == 0.0
    alone = certified("frozen", classifier, grey)
    assert certificate.radius == 0.0
    assert alone.sigma == 0.3


def test_sukenik_needs_a_slope_and_pays_for_it(linear: MakeLinear) -> None:
    classifier, image = linear(0.5)
    free, bound = (certified(n, classifier, image, n=5000) for n in ("frozen", "sukenik"))
    steep = replace(PICKED["sukenik"], rate=0.2)
    (slow,) = drain(SETTINGS["sukenik"].run(classifier, [image], [steep], seed=0))
    assert slow.radius < bound.radius < free.radius * 1.05
    for found, rate in ((bound, 0.01), (slow, 0.2)):
        assert found.radius == moving_sigma_radius(0.3, found.p_lower, rate, 3072)
        assert f"slope at most {rate:g} per pixel unit" in found.statement
    with pytest.raises(ParameterError, match="no bounded log-slope"):
        drain(SETTINGS["sukenik"].run(classifier, [image], [PICKED["frozen"]], seed=0))
    with pytest.raises(ParameterError, match="clopper-pearson"):
        certified("sukenik", classifier, image, bound="two-sided")


def test_a_frozen_sigma_can_be_attacked_through_the_selector() -> None:
    """One dimension, T9: each frozen certificate is true, and the class still flips.

    f says A inside |z| < 1. At x = 0 the selector answers a small sigma, a little to the right a
    large one, at which most of the noise falls outside.
    """
    from scipy.stats import norm

    def p_inside(x: float, sigma: float) -> float:
        return float(norm.cdf((1 - x) / sigma) - norm.cdf((-1 - x) / sigma))

    radius_at_zero = 0.4 * norm.ppf(p_inside(0.0, 0.4))
    near = 0.1
    assert radius_at_zero > near
    assert p_inside(near, 0.4) > 0.5  # the frozen classifier keeps its answer, as certified
    assert p_inside(near, 3.0) < 0.5  # the classifier that picks again does not
    assert np.isfinite(radius_at_zero)
