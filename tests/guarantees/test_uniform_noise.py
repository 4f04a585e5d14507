"""l1 radii against what is known exactly: a threshold on one value under uniform noise.

f(x) = [x_0 > t] has p = 1/2 + margin / (2 lambda) under noise uniform on [-lambda, lambda]^d, so
lambda * (2p - 1) is the margin itself, which is the l1 distance of the boundary.
"""

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import binom
from torch import Tensor, nn

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import drain
from rs_core.guarantees import FrozenLambda, GlobalLambda
from rs_core.images import ImageInput
from rs_core.results import Certificate, Selection, Votes
from rs_core.results.comparison import Comparison, Method, method_scores
from rs_core.selectors import SELECTORS
from rs_core.smoothing import certify as module
from rs_core.smoothing.certify import bound_radii
from rs_core.smoothing.statements import EXACT
from rs_core.statistics import l1_radius, l2_radius, lower_confidence_bound
from tests.conftest import spec_of

SPEC = spec_of((1, 8, 8), 2)
GREY = 128 / 255


class Threshold(nn.Module):
    """Class 1 where the first value exceeds a threshold that lies `margin` below grey."""

    def __init__(self, margin: float) -> None:
        super().__init__()
        self.threshold = GREY - margin

    def forward(self, x: Tensor) -> Tensor:
        score = x[:, 0, 0, 0] - self.threshold
        return torch.stack([-score, score], dim=1)


def threshold(margin: float) -> Classifier:
    return Classifier(Threshold(margin), SPEC)


def certified(
    classifier: Classifier, image: ImageInput, level: float = 0.5, seed: int = 0, **options: object
) -> Certificate:
    selection = Selection("gradient", level, (), 0, norm="l1")
    (found,) = drain(FrozenLambda(**options).run(classifier, [image], [selection], seed=seed))
    return found


@pytest.mark.parametrize("margin", [0.1, 0.3, 0.45])
@pytest.mark.parametrize("bound", ["clopper-pearson", "two-sided"])
@pytest.mark.parametrize("noise", ["exact", "idealised"])
def test_the_radius_is_the_margin_from_below(
    margin: float, bound: str, noise: str, grey: ImageInput
) -> None:
    draws = {"n": 400_000, "alpha": 1e-6, "bound": bound, "noise": noise}
    found = certified(threshold(margin), grey, **draws)
    assert found.predicted == 1
    assert 0.97 * margin - 0.005 < found.radius <= margin
    kind = "uniform-grid" if noise == "exact" else "uniform"
    assert (found.norm, found.noise, found.guarantee) == ("l1", kind, "C")
    assert found.stream == "frozen_lambda 0"
    if bound == "clopper-pearson":
        p_lower = lower_confidence_bound(found.n_top, found.n, 1e-6)
        assert found.radius == pytest.approx(2 * 0.5 * (p_lower - 0.5))


def test_beyond_the_noise_the_radius_is_below_lambda(grey: ImageInput) -> None:
    found = certified(threshold(0.9), grey, n=1000)
    assert found.n_top == 1000
    assert 0.98 < found.radius / 0.5 < 1


def test_no_perturbation_of_the_plane_beats_the_radius() -> None:
    """Two values, exactly: the class at the certified edge, for thresholds along any direction."""
    level, grid = 0.5, np.linspace(-1, 1, 801)
    u, v = np.meshgrid(grid, grid)
    for angle in np.linspace(0, np.pi / 2, 7):
        a, b = np.cos(angle), np.sin(angle)
        for margin in (0.05, 0.2):
            p = float((a * level * u + b * level * v + margin > 0).mean())
            radius = float(l1_radius(level, p, 1 - p))
            boundary = margin / max(a, b)  # l1 distance of a line
            assert radius <= boundary + 0.01
            for way in ((a > 0, 0), (0, b > 0)):
                at = margin - radius * 0.97 * (a * way[0] + b * way[1])
                assert (a * level * u + b * level * v + at > 0).mean() > 0.5 - 1e-3


Rule = Callable[[np.ndarray, np.ndarray, int, float], np.ndarray]


def ours(level: np.ndarray, counts: np.ndarray, n: int, alpha: float) -> np.ndarray:
    votes = Votes(counts, level, n, "certify", noise="uniform")
    return bound_radii("clopper-pearson", votes, np.ones(level.shape, dtype=int), alpha)[2]


def false_share(rule: Rule, n: int, alpha: float) -> float:
    """The exact probability, at the worst margin looked at, that the radius exceeds it."""
    level, counts = np.full((n + 1, 1), 0.5), np.zeros((n + 1, 1, 3), dtype=np.int64)
    counts[:, 0, 1] = np.arange(n + 1)
    counts[:, 0, 0] = n - counts[:, 0, 1]
    radii = rule(level, counts, n, alpha)[:, 0]
    worst = 0.0
    for radius in np.unique(radii[radii > 0]):
        margin = radius * (1 - 1e-9)  # just below what this many votes certify
        chance = binom.pmf(np.arange(n + 1), n, 0.5 + margin / (2 * 0.5))
        worst = max(worst, float(chance[radii > margin].sum()))
    return worst


def at_twice(level: np.ndarray, counts: np.ndarray, n: int, alpha: float) -> np.ndarray:
    return ours(level, counts, n, 2 * alpha)


def as_l2(level: np.ndarray, counts: np.ndarray, n: int, alpha: float) -> np.ndarray:
    return np.asarray(l2_radius(level, lower_confidence_bound(counts[..., 1], n, alpha)))


def doubled(level: np.ndarray, counts: np.ndarray, n: int, alpha: float) -> np.ndarray:
    return np.minimum(1.02 * ours(level, counts, n, alpha), 0.49999)


def observed(level: np.ndarray, counts: np.ndarray, n: int, alpha: float) -> np.ndarray:
    p = np.clip(counts[..., 1] / n, 1e-9, 1 - 1e-9)
    return np.asarray(l1_radius(level, p, 1 - p))


@pytest.mark.parametrize("n", [20, 100, 1000])
def test_it_is_false_with_probability_alpha_and_not_more(n: int) -> None:
    alpha = 1e-3
    share = false_share(ours, n, alpha)
    assert share <= alpha * (1 + 1e-6)
    assert share > 0.9 * alpha


@pytest.mark.parametrize("broken", [at_twice, as_l2, doubled, observed])
def test_a_broken_radius_is_false_too_often(broken: Rule) -> None:
    assert false_share(broken, 100, 1e-3) > 1.2e-3


def test_real_noise_is_false_no_more_often_than_alpha(grey: ImageInput) -> None:
    alpha, seeds, false = 0.05, 400, 0
    classifier = threshold(0.2)
    for seed in range(seeds):
        false += certified(classifier, grey, n=200, alpha=alpha, seed=seed).radius > 0.2
    assert false <= binom.ppf(1 - 1e-6, seeds, alpha)
    assert false > 0


def test_invalid_rows_abstain(grey: ImageInput) -> None:
    class Broken(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.full((len(x), 2), torch.nan)

    for bound in ("clopper-pearson", "two-sided"):
        found = certified(Classifier(Broken(), SPEC), grey, n=1000, bound=bound)
        assert (found.predicted, found.radius) == (None, 0.0)
        assert found.counts == (0, 0, 1000)
        assert "NaN or infinite logits" in found.statement
        assert "λ=0.5" in found.statement


def test_the_sentence_speaks_of_lambda_and_l1(grey: ImageInput) -> None:
    said = certified(threshold(0.3), grey, n=1000).statement
    assert said.startswith("Certified ℓ1 radius 0.")
    assert "radius with λ frozen at 0.5; an attacker who can change λ is not covered" in said
    assert said.endswith(EXACT)
    idealised = certified(threshold(0.3), grey, n=1000, noise="idealised").statement
    assert "float32 noise taken as exactly uniform on [-λ, λ] in each value" in idealised
    for word in ("σ", "ℓ2", "Gaussian"):
        assert word not in said + idealised


def test_one_lambda_fixed_beforehand_is_certified_against_anyone(grey: ImageInput) -> None:
    classifier, guarantee = threshold(0.3), GlobalLambda(n=1000)
    picked = drain(SELECTORS["fixed"](sigma=0.5).run(classifier, [grey] * 2, seed=0))
    first, second = drain(guarantee.run(classifier, [grey] * 2, picked, seed=0))
    assert first == second
    assert (first.guarantee, first.norm) == ("A", "l1")
    assert "frozen" not in first.statement
    looked = [Selection("gradient", 0.5, (), 0, norm="l1")] * 2
    several = [Selection("fixed", level, (), 0, norm=None) for level in (0.4, 0.5)]
    for selections in (looked, several):
        with pytest.raises(ParameterError, match="global_lambda needs one noise level fixed"):
            drain(guarantee.run(classifier, [grey] * 2, selections, seed=0))


def test_the_gradient_selector_feeds_it(grey: ImageInput) -> None:
    classifier = threshold(0.3)
    selector = SELECTORS["gradient"](norm="l1", steps=5, n=8, start=0.4)
    picked = drain(selector.run(classifier, [grey], seed=0))
    assert picked[0].norm == "l1"
    (found,) = drain(FrozenLambda(n=1000).run(classifier, [grey], picked, seed=0))
    assert found.sigma == picked[0].sigma
    assert found.radius > 0.2


def test_methods_of_two_norms_have_no_scores_in_common(grey: ImageInput) -> None:
    found = certified(threshold(0.3), grey, n=1000)
    selection = Selection("gradient", 0.5, (), 0, norm="l1")
    methods = tuple(
        Method("gradient", {}, name, "C", "alpha", (selection,), (replace(found, norm=norm),), 0.0)
        for name, norm in (("frozen_lambda", "l1"), ("frozen", "l2"))
    )
    both = Comparison("", (0,), ("grey",), (grey.digest,), (1,), methods, ())
    with pytest.raises(ParameterError, match="radii in l1 and l2: compare methods of one norm"):
        method_scores(both)
    assert method_scores(replace(both, methods=methods[:1]))[0].acr == found.radius


@pytest.mark.parametrize("kind", [FrozenLambda, GlobalLambda])
def test_sums_are_exact_unless_asked_otherwise(kind: type[FrozenLambda]) -> None:
    assert kind().noise_kind == "uniform-grid"
    assert kind(noise="idealised").noise_kind == "uniform"


def test_gaussian_votes_make_no_l1_radius(
    grey: ImageInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = module.draw_votes

    def gaussian(*where: object, **options: object) -> object:
        return draw(*where, **{**options, "noise": "gaussian"})

    monkeypatch.setattr(module, "draw_votes", gaussian)
    with pytest.raises(ParameterError, match="gaussian noise cannot certify for uniform-grid"):
        certified(threshold(0.3), grey, n=1000)


def test_counts_and_labels_are_of_different_draws(
    grey: ImageInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every block of every stage of both guarantees has a seed of its own."""
    from rs_core.smoothing import sampling

    blocks, seen = sampling._blocks, []

    def recorded(*where: object, **options: object) -> object:
        for block in blocks(*where, **options):
            seen.append((options["caller"], options["slot"], block.key))
            yield block

    monkeypatch.setattr(sampling, "_blocks", recorded)
    fixed = Selection("fixed", 0.5, (), 0, norm=None)
    for kind in (FrozenLambda, GlobalLambda):
        drain(kind(n=1000, n0=200).run(threshold(0.3), [grey], [fixed], seed=0))
    assert len({stream[:2] for stream in seen}) == 4
    for one, two in itertools.combinations(seen, 2):
        assert one[2] != two[2]
