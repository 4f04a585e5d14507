"""False certificates counted by simulation: the protocols that keep alpha and those that do not."""

import numpy as np
import pytest
from scipy.stats import binom, norm

from rs_core.statistics import anytime_lower_bound, l2_radius, lower_confidence_bound

ALPHA = 1e-3
TRIALS = 300_000
SIGMAS = 20


def most_false(trials, alpha=ALPHA):
    """Exceeded once in a million runs by a protocol whose error is exactly alpha."""
    return binom.ppf(1 - 1e-6, trials, alpha)


def radius_table(n, alpha=ALPHA):
    """Radius over sigma for each number of votes 0..n."""
    return l2_radius(1.0, lower_confidence_bound(np.arange(n + 1), n, alpha))


def linear_oracle_certificates(n, margin, table, trials, rng, n0=100):
    """False certificates of sign(w.x + b) at distance margin*sigma; ties go to the wrong class."""
    p = norm.cdf(margin)
    right = rng.binomial(n0, p, trials) > n0 / 2
    votes = rng.binomial(n, p, trials)
    radii = table[np.where(right, votes, n - votes)]
    return np.count_nonzero(radii > np.where(right, margin, 0.0))


CONFIGURATIONS = [(100, 0.02), (100, 1.0), (1000, 0.0), (1000, 2.0), (10_000, 0.5), (10_000, 1.0)]


def test_linear_oracle_false_certificates_per_million():
    rng = np.random.default_rng(0)
    limit = most_false(10**6)
    assert limit == 1154
    for n, margin in CONFIGURATIONS:
        assert linear_oracle_certificates(n, margin, radius_table(n), 10**6, rng) <= limit


def test_linear_oracle_notices_a_bound_at_twice_the_level():
    rng = np.random.default_rng(0)
    table = radius_table(10_000, 2 * ALPHA)
    assert linear_oracle_certificates(10_000, 1.0, table, 10**6, rng) > most_false(10**6)


@pytest.mark.parametrize(
    ("n", "ratio"), [(100, 0.526), (1000, 0.851), (10_000, 0.954), (100_000, 0.985)]
)
def test_linear_oracle_radii_are_tight(n, ratio):
    votes = np.random.default_rng(0).binomial(n, norm.cdf(1.0), 20_001)
    median = l2_radius(1.0, lower_confidence_bound(int(np.median(votes)), n, ALPHA))
    assert median == pytest.approx(ratio, abs=0.01)


@pytest.fixture(scope="module")
def coin_votes():
    return np.random.default_rng(1).binomial(100, 0.5, (TRIALS, SIGMAS))


def false_share(radii):
    """Share of false certificates over alpha where every certificate is false."""
    return np.count_nonzero(radii > 0) / len(radii) / ALPHA


def test_one_preset_sigma_keeps_alpha(coin_votes):
    assert 0.5 < false_share(radius_table(100)[coin_votes[:, 0]]) <= 1.1


def test_the_same_votes_must_not_choose_and_certify(coin_votes):
    reused = radius_table(100)[coin_votes].max(axis=1)
    assert false_share(reused) == pytest.approx(17.7, abs=1.0)


def test_choosing_then_certifying_with_fresh_votes_keeps_alpha(coin_votes):
    chosen = coin_votes[:, : SIGMAS // 2].argmax(axis=1)
    fresh = coin_votes[np.arange(TRIALS), SIGMAS // 2 + chosen]
    false = false_share(radius_table(100)[fresh])
    assert false <= 1.1
    assert false * ALPHA * TRIALS <= most_false(TRIALS)


def test_splitting_alpha_over_the_sigmas_keeps_alpha(coin_votes):
    split = radius_table(100, ALPHA / SIGMAS)[coin_votes].max(axis=1)
    false = false_share(split)
    assert 0 < false <= 1.1
    assert false * ALPHA * TRIALS <= most_false(TRIALS)


def test_the_label_must_not_come_from_the_certifying_votes(coin_votes):
    votes = coin_votes.ravel()[:3_000_000]
    reused = radius_table(100)[np.maximum(votes, 100 - votes)]
    assert false_share(reused) == pytest.approx(1.79, abs=0.12)


def test_a_linear_oracle_over_many_sigmas_suffers_alike():
    rng = np.random.default_rng(2)
    distance, sigmas = 0.05, np.geomspace(0.12, 1.0, SIGMAS)
    p = norm.cdf(distance / sigmas)
    radii = sigmas * radius_table(100)[rng.binomial(100, p, (TRIALS, SIGMAS))]
    again = sigmas * radius_table(100)[rng.binomial(100, p, (TRIALS, SIGMAS))]
    fresh = again[np.arange(TRIALS), radii.argmax(axis=1)]
    assert np.count_nonzero(radii.max(axis=1) > distance) > 10 * ALPHA * TRIALS
    assert np.count_nonzero(fresh > distance) <= most_false(TRIALS)


@pytest.fixture(scope="module")
def looks():
    """(draws at each of 20 looks from 1e2 to 1e5, votes of a fair coin at each look)."""
    draws = np.round(np.geomspace(100, 100_000, 20)).astype(np.int64)
    steps = np.diff(draws, prepend=0)
    votes = np.random.default_rng(3).binomial(steps, 0.5, (TRIALS, 20)).cumsum(axis=1)
    return draws, votes


def fewest_votes(bound, draws, alpha):
    """The fewest votes whose lower bound is above 1/2, per number of draws."""
    low, high = draws // 2, draws
    while (low < high).any():
        middle = (low + high) // 2
        enough = bound(middle, draws, alpha) > 0.5
        low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
    return low


@pytest.mark.parametrize(
    ("bound", "alpha", "lowest", "highest"),
    [
        (lower_confidence_bound, ALPHA, 10.5, 12.5),
        (lower_confidence_bound, ALPHA / 20, 0.1, 1.1),
        (anytime_lower_bound, ALPHA, 0.01, 1.1),
    ],
    ids=["stop when certified", "alpha split over the looks", "anytime bound"],
)
def test_twenty_looks(looks, bound, alpha, lowest, highest):
    draws, votes = looks
    false = (votes >= fewest_votes(bound, draws, alpha)).any(axis=1)
    assert lowest <= np.count_nonzero(false) / TRIALS / ALPHA <= highest
