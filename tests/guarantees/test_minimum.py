"""The minimum costs nothing: each of several bounds at alpha, and the smallest is true at alpha."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import binom
from torch import Tensor, nn

from rs_core.classifiers import Classifier
from rs_core.events import drain
from rs_core.guarantees import GUARANTEES, Dual, GridMinimum, Guarantee
from rs_core.images import ImageInput, image_from_array
from rs_core.results import Certificate, Selection
from rs_core.smoothing.median import MedianBound
from rs_core.smoothing.sampling import draw_votes
from rs_core.statistics import l2_radius, lower_confidence_bound
from tests.conftest import spec_of
from tests.guarantees.test_conformance import PICKED, SETTINGS

SIGMAS = (0.1, 0.2, 0.3, 0.4, 0.5)
P, N, N0, ALPHA, WEAK = 0.55, 84, 101, 0.2, 0.3
SPEC = spec_of((1, 2, 2), 2)
RUNS = 300


def false_at(level: float) -> float:
    """How often N votes at probability P are bounded above it."""
    lower = np.asarray(lower_confidence_bound(np.arange(N + 1), N, level))
    return float(binom.sf(np.argmax(lower > P) - 1, N, P))


def test_the_exact_numbers() -> None:
    assert false_at(ALPHA) == pytest.approx(0.173, abs=5e-4)
    assert false_at(ALPHA / len(SIGMAS)) == pytest.approx(0.033, abs=5e-4)


class Weakest(nn.Module):
    """Class 1 with probability P at one noise level, and always at the others."""

    takes_sigma = True

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        edge = float(torch.special.ndtri(torch.tensor(1 - P, dtype=torch.float64)))
        score = (x[:, 0, 0, 0] - 128 / 255) / sigma - edge
        score = torch.where((sigma - WEAK).abs() < 1e-3, score, torch.ones_like(score))
        return torch.stack([-score, score], dim=1)


def quiet(x: Tensor) -> Tensor:
    """A selector whose deployed median reaches all sigmas: its clip is the whole range."""
    return torch.where(x[:, 0, 0, 1] > 0.5, 10.0, 0.0)


MAKE: dict[str, Callable[[], Guarantee]] = {
    "grid_minimum": lambda: GridMinimum(sigmas=SIGMAS, n0=N0, n=N, alpha=ALPHA),
    "dual": lambda: Dual(
        network=quiet, sigmas=SIGMAS, n0=N0, n=N, alpha=ALPHA, n_h=101, alpha_h=1e-6, distance=10.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MAKE)
def test_the_smallest_of_five_radii_is_false_as_often_as_one(name: str) -> None:
    rng = np.random.default_rng(3)
    rest = rng.integers(0, 256, size=(RUNS, 3), dtype=np.uint8)
    pixels = np.concatenate([np.full((RUNS, 1), 128, np.uint8), rest], axis=1)
    images = [image_from_array(p.reshape(2, 2, 1), SPEC, name="grey") for p in pixels]
    picked = [Selection("grid", WEAK, (), 0)] * RUNS
    found = drain(MAKE[name]().run(Classifier(Weakest(), SPEC), images, picked, seed=0))
    true = float(l2_radius(WEAK, P))
    false = sum(c.predicted is not None and c.radius > true for c in found)
    named = float(binom.sf(N0 // 2, N0, P))  # else the sigmas name two classes
    low, high = binom.ppf([1e-4, 1 - 1e-4], RUNS, named * false_at(ALPHA))
    assert low <= false <= high
    assert false > binom.ppf(1 - 1e-6, RUNS, false_at(ALPHA / len(SIGMAS)))
    assert {(c.counted_at, c.level) for c in found if c.predicted is not None} == {(WEAK, ALPHA)}
    assert all(c.alpha >= ALPHA for c in found)


def redrawn(classifier: Classifier, image: ImageInput, certificate: Certificate) -> list[int]:
    """The certifying votes again, from nothing but the certificate."""
    caller, part = certificate.stream.rsplit(" ", 1)
    sigma = certificate.sigma if certificate.counted_at is None else certificate.counted_at
    votes = drain(
        draw_votes(
            classifier, [image], np.array([[sigma]]), certificate.n, seed=certificate.seed,
            caller=caller, part=int(part), stage="certify", noise=certificate.noise,
        )
    )  # fmt: skip
    found: list[int] = votes.counts[0, 0].tolist()
    return found


class Half(nn.Module):
    """Votes that chance decides, at every sigma: no two draws give the same ones."""

    def forward(self, x: Tensor) -> Tensor:
        score = x[:, 0, 0, 0] - 110 / 255
        return torch.stack([-score, score], dim=1)


@pytest.mark.parametrize("name", [*GUARANTEES, "dual"])
def test_the_votes_of_a_certificate_are_drawn_again_from_its_record(name: str) -> None:
    classifier = Classifier(Half(), SPEC)
    image = image_from_array(np.full((2, 2, 1), 128, np.uint8), SPEC, name="grey")
    guarantee = MAKE["dual"]() if name == "dual" else SETTINGS[name]
    guarantee = replace(guarantee, n0=500, n=500)
    picked = PICKED.get(name, Selection("network", 0.3, (), 0))
    (found,) = drain(guarantee.run(classifier, [image], [picked], seed=4))
    assert list(found.counts) == redrawn(classifier, image, found)
    assert found.n == 500
    assert found.p_lower == lower_confidence_bound(found.n_top, 500, guarantee.alpha)


def test_the_weakest_sigma_is_named_where_it_is_not_the_picked_one() -> None:
    image = image_from_array(np.full((2, 2, 1), 128, np.uint8), SPEC, name="grey")
    classifier, picked = Classifier(Weakest(), SPEC), [Selection("grid", 0.5, (), 0)]
    strong = GridMinimum(sigmas=SIGMAS, n0=1000, n=5000)
    (found,) = drain(strong.run(classifier, [image], picked, seed=0))
    assert (found.predicted, found.sigma, found.counted_at) == (1, 0.5, WEAK)
    assert found.p_lower < P
    assert f"σ={WEAK:g}" in found.statement


def test_every_declared_sigma_between_the_bounds_is_reached() -> None:
    dual = MAKE["dual"]()
    assert isinstance(dual, Dual)
    base = dual.bound_of(np.full(101, 0.3))
    for low in range(5):
        for high in range(low, 5):
            bound: MedianBound = replace(base, lower=SIGMAS[low], upper=SIGMAS[high])
            assert dual.reachable(bound) == SIGMAS[low : high + 1]
