import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import norm
from torch import Tensor, nn

from rs_core.classifiers import Classifier
from rs_core.errors import ModelFileError, ParameterError
from rs_core.evaluation import average_certified_radius, certified_accuracy
from rs_core.events import Finished, drain
from rs_core.guarantees import Dual, PublishedDual
from rs_core.images import ImageInput, image_from_array
from rs_core.logs.certificates import row_from_certificate
from rs_core.results import Certificate, Selection, from_json, to_json
from rs_core.smoothing.median import check_scalar
from rs_core.smoothing.options import Arithmetic
from rs_core.statistics import (
    empirical_median_percentiles,
    lower_confidence_bound,
    median_indices,
    shifted_percentiles,
)
from tests.conftest import Coin, MakeLinear, spec_of

NOT_USED = [Selection("network", 0.25, (), 0)]


def certified(dual: Dual, classifier: Classifier, image: ImageInput) -> Certificate:
    return drain(dual.run(classifier, [image], NOT_USED, seed=0))[0]


def constant(value: float):
    return lambda x: torch.full((len(x),), value)


def test_a_constant_selector_gives_cohens_radius_cut_at_the_distance(linear: MakeLinear) -> None:
    classifier, image = linear(0.5)
    near = certified(Dual(network=constant(0.25), n=2000, distance=0.1), classifier, image)
    assert (near.predicted, near.radius, near.guarantee) == (1, 0.1, "A")
    settings = {"n": 2000, "distance": 0.7, "sigma_m": 0.5}
    far = certified(Dual(network=constant(0.25), **settings), classifier, image)
    assert 0.35 < far.radius <= 0.5
    assert far.sigma == 0.25
    assert far.draws == 1001 + 2100


def test_the_budget_is_a_printed_sum(linear: MakeLinear) -> None:
    dual = Dual(network=constant(0.25), n=500, alpha=0.01, alpha_h=1e-3, beta=1e-2)
    assert dual.budget == "2 x 0.001 + 0.01 = 0.012, and beta = 0.01 per query"
    certificate = certified(dual, *linear(0.5))
    assert certificate.alpha == pytest.approx(0.012)
    assert dual.budget in certificate.statement


def test_the_deployed_median_is_bounded_and_the_published_one_the_populations() -> None:
    values = np.random.default_rng(0).normal(0.5, 0.1, 1001)
    settings = {"network": constant(0.25), "distance": 0.1, "sigma_m": 0.25, "beta": 1e-3}
    even = Dual(**settings, n_h=1000).bound_of(values[:-1])
    around = empirical_median_percentiles(1000, 1e-3)
    assert even.percentiles == shifted_percentiles(0.1, 0.25, around)
    wide, narrow = empirical_median_percentiles(1001, 1e-3), (0.5, 0.5)
    for kind, around in ((Dual, wide), (PublishedDual, narrow)):
        bound = kind(**settings).bound_of(values)
        assert bound.percentiles == shifted_percentiles(0.1, 0.25, around)
        assert bound.indices == median_indices(1001, *bound.percentiles, 1e-5)


def test_every_sigma_within_reach_is_certified(linear: MakeLinear) -> None:
    """h = .5 + steep slope along one pixel: within the distance it reaches several sigmas."""
    classifier, image = linear(0.5)

    def steep(x: Tensor) -> Tensor:
        return 0.35 + 0.2 * (x[:, 0, 0, 0] - image.pixels[0, 0, 0])

    dual = Dual(network=steep, n=2000, distance=0.4, sigma_m=0.25)
    certificate = certified(dual, classifier, image)
    assert certificate.draws > 1001 + 2100
    assert 0 < certificate.radius <= 0.4
    count = (certificate.draws - 1001) // 2100
    assert f"{count} from" in certificate.statement


def test_snapping_is_monotone_and_takes_the_smaller_of_two() -> None:
    dual = Dual(network=constant(0.25), sigmas=(0.25, 0.5, 0.75))
    values = np.linspace(0, 1, 201)
    snapped = [dual.snap(v) for v in values]
    assert snapped == sorted(snapped)
    assert dual.snap(0.375) == 0.25
    assert set(snapped) == {0.25, 0.5, 0.75}


class Shell(nn.Module):
    """T8's counterexample in one dimension: class 1 on 0.40 < |z| < 2.0, class 0 elsewhere."""

    def forward(self, x: Tensor) -> Tensor:
        z = (x.flatten(1)[:, :1] - 128 / 255).abs()
        inside = ((z > 0.40) & (z < 2.0)).float()
        return torch.cat([1 - inside, inside], dim=1)


@pytest.fixture
def shell() -> tuple[Classifier, ImageInput]:
    spec = spec_of((1, 1, 1), 2)
    image = image_from_array(np.full((1, 1, 1), 128, np.uint8), spec, name="zero")
    return Classifier(Shell(), spec), image


def wide(x: Tensor) -> Tensor:
    """A selector whose median is .25 and whose reach is from .20 to 3.0."""
    z = x.flatten(1)[:, 0] - 128 / 255
    return torch.where(z > 0.25, 3.0, torch.where(z < -0.25, 0.2, 0.25))


def p_shell(sigma: float) -> float:
    return 2 * float(norm.cdf(2.0 / sigma) - norm.cdf(0.4 / sigma))


def test_three_sigmas_cannot_stand_for_a_continuum(shell: tuple[Classifier, ImageInput]) -> None:
    """.20, .25 and 3.0 all say class 0, yet the class flips between."""
    classifier, image = shell
    assert all(p_shell(s) < 0.5 for s in (0.2, 0.25, 3.0))
    assert all(p_shell(s) > 0.5 for s in (0.6, 1.0, 2.1))
    settings = {"network": wide, "n": 5000, "distance": 0.3, "sigma_m": 0.3}
    grid = (0.2, 0.25, 0.6, 1.0, 3.0)
    published = certified(PublishedDual(sigmas=(0.2, 0.25, 3.0), **settings), classifier, image)
    assert published.predicted == 0
    assert published.radius > 0.25
    assert published.guarantee == "C"
    assert published.statement.startswith("Approximate, not certified: ")
    assert "P(this statement is false)" not in published.statement
    assert "frozen at" not in published.statement
    repaired = certified(Dual(sigmas=grid, **settings), classifier, image)
    assert repaired.predicted is None
    assert repaired.radius == 0
    assert repaired.statement.startswith("Abstained")


def test_the_published_form_certifies_each_sigma_at_alpha(linear: MakeLinear) -> None:
    """Hase et al., 4.2: N = 1,000 and alpha = .001 for the classifier at each of three sigmas."""
    classifier, image = linear(0.5)

    def spread(x: Tensor) -> Tensor:
        return 0.35 + 0.2 * (x[:, 0, 0, 0] - image.pixels[0, 0, 0])

    settings = {"network": spread, "n": 1000, "distance": 0.4, "sigma_m": 0.25}
    found = certified(PublishedDual(**settings), classifier, image)
    assert found.draws == 1001 + 3 * 1100
    assert found.p_lower == lower_confidence_bound(found.n_top, 1000, 1e-3)
    assert found.alpha == pytest.approx(1e-3 + 2e-5)
    assert "3 σ" in found.statement
    sound = certified(Dual(**settings), classifier, image)
    count = (sound.draws - 1001) // 1100
    assert count > 1
    assert sound.p_lower == lower_confidence_bound(sound.n_top, 1000, 1e-3)
    # n that alpha/3 could never certify, and alpha can
    assert certified(PublishedDual(**{**settings, "n": 11}), classifier, image).n == 11


@pytest.mark.parametrize("kind", [Dual, PublishedDual])
def test_at_distance_zero_the_class_survives_without_a_radius(
    kind: type[Dual], linear: MakeLinear, shell: tuple[Classifier, ImageInput]
) -> None:
    """The paper's tables hold D = 0; there R = D if R > D is 0, and no abstention."""
    classifier, image = linear(0.5)
    image = replace(image, label=1)
    found = certified(kind(network=constant(0.25), n=500, distance=0), classifier, image)
    assert (found.predicted, found.radius) == (1, 0.0)
    said = "Certified" if kind is Dual else "Approximate, not certified:"
    assert found.statement.startswith(f"{said} ℓ2 radius 0.000 (pixels in [0,1]) · class 1")
    assert "the class is claimed and no ball around it" in found.statement
    assert from_json(Certificate, json.loads(json.dumps(to_json(found)))) == found
    row = row_from_certificate(0, 1, found, 0.0)
    assert (row.predict, row.radius, row.correct) == (1, 0.0, True)
    assert certified_accuracy([row], [0.0]) == (1.0,)
    assert average_certified_radius([row]) == 0.0
    near = certified(kind(network=constant(0.25), n=500, distance=0.1), classifier, image)
    assert "no ball around it" not in near.statement
    flips, centre = shell
    torn = kind(network=wide, n=500, distance=0.3, sigma_m=0.3, sigmas=(0.2, 0.25, 1.0))
    coin = Classifier(Coin(0.5, 0.25), spec_of((1, 1, 1), 2))
    undecided = kind(network=constant(0.25), n=500, distance=0)
    for gone in (certified(torn, flips, centre), certified(undecided, coin, centre)):
        assert (gone.predicted, gone.radius) == (None, 0.0)
        assert gone.statement.startswith("Abstained")


def test_one_finished_and_growing_steps(linear: MakeLinear) -> None:
    classifier, image = linear(0.5)
    dual = Dual(network=constant(0.25), n=500)
    events = list(dual.run(classifier, [image, image], NOT_USED * 2, seed=0))
    *steps, last = events
    assert isinstance(last, Finished)
    assert [s.done for s in steps] == sorted(s.done for s in steps)
    assert last.result[0] == last.result[1]
    with pytest.raises(ParameterError, match="errors to be paid"):
        replace(dual, alpha_h=0.0)


class BatchMean(nn.Module):
    """Answers hang on the other images of the batch."""

    def forward(self, x: Tensor) -> Tensor:
        return 0.25 + 0.1 * (x[:, 0, 0, 0] - x.mean())


class Counting(nn.Module):
    """After so many calls it answers something else."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.left = calls

    def forward(self, x: Tensor) -> Tensor:
        self.left -= 1
        return torch.full((len(x),), 0.25 if self.left > 0 else 0.5)


def test_a_selector_that_is_no_function_of_the_image_is_refused(linear: MakeLinear) -> None:
    classifier, image = linear(0.5)
    tried = Counting(10**9).eval()
    check_scalar(tried, classifier)
    cases = {
        "training mode": nn.Sequential(nn.Flatten(), nn.Linear(3072, 1), nn.BatchNorm1d(1)),
        "changes with the other images": BatchMean().eval(),
        "random numbers": lambda x: 0.25 + 0.01 * torch.rand(len(x)),
        "changed while it was asked": Counting(10**9 - tried.left + 3).eval(),
        "not accept input|one row of logits|tensor of logits": lambda x: torch.ones(3),
    }
    for said, network in cases.items():
        with pytest.raises(ModelFileError, match=said):
            certified(Dual(network=network, n=500), classifier, image)
    kept = nn.Sequential(nn.Flatten(), nn.Linear(3072, 1), nn.BatchNorm1d(1)).eval()
    assert certified(Dual(network=kept, n=500), classifier, image).draws > 0


def test_the_record_repeats_it(linear: MakeLinear) -> None:
    classifier, image = linear(0.5)

    def other(x: Tensor) -> Tensor:
        return torch.full((len(x),), 0.25) + 0.0

    dual = Dual(network=constant(0.25), n=500, n_h=501)
    found = certified(dual, classifier, image)
    details = found.details
    assert details is not None
    assert (details["sigma_m"], details["n_h"]) == (0.25, 501)
    assert details["grid"] == list(dual.sigmas)
    (row,) = details["sigmas"]
    assert (row["sigma"], row["counts"]) == (0.25, list(found.counts))
    assert from_json(Certificate, json.loads(json.dumps(to_json(found)))) == found
    assert certified(dual, classifier, image) == found
    same = certified(replace(dual, network=other), classifier, image)
    assert same.counts == found.counts
    assert same.details != details
    old = to_json(found)
    del old["details"]
    assert from_json(Certificate, old).details is None


def test_its_sentence_names_the_queries_of_which_it_speaks(linear: MakeLinear) -> None:
    said = certified(Dual(network=constant(0.25), n=500), *linear(0.5)).statement
    assert "lower median of h on 1,001 copies at σ_m=0.25, then PREDICT" in said
    assert "further probability ≤ 0.001 + PREDICT's alpha" in said


@pytest.mark.parametrize("noise", ["exact", "idealised"])
def test_h_draws_the_noise_of_f(linear: MakeLinear, noise: Arithmetic) -> None:
    """Copies on the grid where f's are, so that no bit of the image is read off a sum."""
    classifier, image = linear(0.5)
    asked: list[Tensor] = []

    def looking(x: Tensor) -> Tensor:
        asked.append(x)
        return torch.full((len(x),), 0.25)

    certified(Dual(network=looking, n=500, noise=noise), classifier, image)
    last = asked[-1].double()
    on_grid = torch.equal((last * 261_120).round().div(261_120).float(), asked[-1])
    assert on_grid == (noise == "exact")


def test_draws_without_an_answer_widen_both_bounds_and_are_said(linear: MakeLinear) -> None:
    classifier, image = linear(0.5)

    def torn(x: Tensor) -> Tensor:
        z = x[:, 0, 0, 0] - image.pixels[0, 0, 0]
        return torch.where(z > 0.45, torch.nan, 0.25 + 0.1 * z)

    dual = Dual(network=torn, n=1000, distance=0.1)
    found = certified(dual, classifier, image)
    assert found.details is not None
    gone = found.details["without_answer"]
    assert 10 < gone < 100
    assert f"h gave NaN or infinity on {gone} of 1,001 copies, and a query with" in found.statement
    lost = certified(replace(dual, network=lambda x: x[:, 0, 0, 0] / 0), classifier, image)
    assert lost.predicted is None
    assert "h gave NaN or infinity on 1,001 of 1,001 copies" in lost.statement
