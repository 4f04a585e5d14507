"""The cascade's radius against one-dimensional cascades whose probabilities are known exactly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from rs_core.errors import ParameterError
from rs_core.statistics import cascade_terms, l2_radius

CLASSES = 4
ALMOST_ONE = 1 - 1e-9  # nearer to 1 the quantile of a rounded probability is anything


def random_line(rng: np.random.Generator, scales: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Edges on a line, and the class between two of them for the network of each scale."""
    edges = np.sort(rng.uniform(-2, 2, rng.integers(1, 7)))
    return edges, [rng.integers(0, CLASSES, len(edges) + 1) for _ in range(scales)]


def probabilities(
    x: float, sigmas: np.ndarray, edges: np.ndarray, labels: list[np.ndarray]
) -> np.ndarray:
    """(S, CLASSES) exactly, of a classifier that is constant between edges."""
    found = np.zeros((len(sigmas), CLASSES))
    for j, sigma in enumerate(sigmas):
        ends = norm.cdf((np.concatenate([[-np.inf], edges, [np.inf]]) - x) / sigma)
        np.add.at(found[j], labels[j], np.diff(ends))
    return found


def answer(p: np.ndarray) -> int | None:
    """The class of the cascade with exact probabilities; None where no scale has a majority."""
    for row in p[::-1]:
        if row.max() > 0.5:
            return int(row.argmax())
    return None


def radii(sigmas: np.ndarray, p: np.ndarray) -> np.ndarray:
    """(S, CLASSES)"""
    low, high = np.clip(p, 0, ALMOST_ONE), np.clip(p, 1 - ALMOST_ONE, 1)
    return cascade_terms(sigmas, low, high).min(axis=-1)


def test_no_point_of_a_thousand_balls_is_answered_otherwise() -> None:
    """Whichever scale is named for a class, all points of its ball have that class's answer."""
    rng = np.random.default_rng(0)
    balls, above = 0, 0
    for _ in range(1000):
        sigmas = np.sort(rng.uniform(0.1, 1.5, rng.integers(2, 5)))
        edges, labels = random_line(rng, len(sigmas))
        x = float(rng.uniform(-2, 2))
        p = probabilities(x, sigmas, edges, labels)
        for k, c in zip(*np.nonzero(radii(sigmas, p) > 1e-9), strict=True):
            radius = radii(sigmas, p)[k, c]
            balls += 1
            above += int(c != p[-1].argmax() or k < len(sigmas) - 1)
            for share in np.linspace(-0.9999, 0.9999, 41):
                near = probabilities(x + share * radius, sigmas, edges, labels)
                assert answer(near) == c, (sigmas, edges, labels, x, share)
    assert balls > 1000
    assert above > 300


def test_a_cascade_of_one_scale_is_a_majority_vote() -> None:
    lower, upper = np.array([[0.9, 0.02]]), np.array([[0.95, 0.06]])
    (terms,) = cascade_terms(np.array([0.5]), lower, upper)[:, 0]
    assert terms[0] == l2_radius(0.5, 0.9)


@given(st.integers(0, 10**6))
def test_it_is_never_below_the_smallest_radius_of_all_scales(seed: int) -> None:
    """`grid_minimum` with the bounds of the same votes; every larger scale keeps others out."""
    rng = np.random.default_rng(seed)
    sigmas = np.sort(rng.uniform(0.1, 1.5, 3))
    lower = rng.dirichlet(np.ones(CLASSES) / 4, 3) * 0.999
    upper = np.maximum(1 - lower.sum(axis=1, keepdims=True) + lower, 1e-9)
    found = cascade_terms(sigmas, lower, upper).min(axis=-1)
    for c in range(CLASSES):
        smallest = min(l2_radius(s, p) for s, p in zip(sigmas, lower[:, c], strict=True))
        assert (found[:, c] >= smallest - 1e-9).all() or smallest == 0


def test_every_other_class_is_kept_out_and_not_their_sum() -> None:
    """Three classes of .3 each leave the scale silent: their sum says nothing."""
    sigmas = np.array([0.25, 1.0])
    p = np.array([[0.97, 0.01, 0.01, 0.01], [0.1, 0.3, 0.3, 0.3]])
    terms = cascade_terms(sigmas, p, p)[0, 0]
    assert terms[0] == pytest.approx(0.25 * norm.ppf(0.97))
    assert terms[1] == pytest.approx(1.0 * norm.ppf(0.7))
    p[1] = [0.1, 0.05, 0.75, 0.1]
    assert cascade_terms(sigmas, p, p)[0, 0].min() < 0


def test_scales_below_the_one_that_answers_say_nothing() -> None:
    p = np.array([[0.0, 0.99], [0.9, 0.1]])
    terms = cascade_terms(np.array([0.25, 0.5]), p, np.maximum(p, 1e-9))[1, 0]
    assert terms.tolist() == [np.inf, pytest.approx(0.5 * norm.ppf(0.9))]


@pytest.mark.parametrize(
    ("sigmas", "lower", "upper"),
    [
        ([0.5, 0.25], [[0.1], [0.1]], [[0.2], [0.2]]),
        ([0.5], [[0.1], [0.1]], [[0.2], [0.2]]),
        ([0.5], [[1.0]], [[1.0]]),
        ([0.5], [[0.5]], [[0.0]]),
        ([0.5], [[-0.1]], [[0.5]]),
        ([0.5], [[0.1, 0.2]], [[0.5]]),
    ],
)
def test_what_is_no_bound_is_refused(
    sigmas: list[float], lower: list[list[float]], upper: list[list[float]]
) -> None:
    with pytest.raises(ParameterError, match="give"):
        cascade_terms(np.array(sigmas), np.array(lower), np.array(upper))
