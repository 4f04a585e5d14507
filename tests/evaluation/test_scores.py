import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from rs_core.errors import DataError
from rs_core.evaluation import average_certified_radius, certified_accuracy, index_set, infer_alpha
from rs_core.logs import LogRow
from rs_core.statistics import (
    anytime_lower_bound,
    l2_radius,
    l2_radius_two_sided,
    radius_ceiling,
    two_sided_bounds,
)


def row(idx: int, radius: float, correct: bool | None = True, **extra: object) -> LogRow:
    label = None if correct is None else 1
    predict = 1 if correct or correct is None else (None if radius == 0 else 2)
    return LogRow(idx, label, predict, radius, correct, None, **extra)


LOG = [row(0, 0.5), row(1, 1.0, False), row(2, 0.0, False), row(3, 1.5)]


def test_certified_accuracy_counts_correct_rows_that_reach_the_radius() -> None:
    assert certified_accuracy(LOG, [0, 0.25, 0.5, 0.6, 1.5, 1.6]) == (0.5, 0.5, 0.5, 0.25, 0.25, 0)


def test_acr_is_the_mean_radius_of_correct_rows_over_all_rows() -> None:
    assert average_certified_radius(LOG) == pytest.approx(2.0 / 4)


logs = st.lists(st.tuples(st.floats(0, 5), st.booleans()), min_size=1, max_size=30)


@given(logs)
def test_accuracy_falls_and_integrates_to_the_acr(pairs: list[tuple[float, bool]]) -> None:
    log = [row(i, r, hit) for i, (r, hit) in enumerate(pairs)]
    cuts = sorted({0.0, *(r for r, _ in pairs)})
    accuracy = certified_accuracy(log, cuts)
    assert list(accuracy) == sorted(accuracy, reverse=True)
    area = sum(a * (high - low) for a, low, high in zip(accuracy[1:], cuts, cuts[1:], strict=False))
    assert area == pytest.approx(average_certified_radius(log), abs=1e-9)


def test_an_abstention_is_never_correct() -> None:
    liar = LogRow(0, 1, None, 0.0, True, None)
    assert certified_accuracy([liar], [0.0]) == (0.0,)


def test_scores_refuse_what_they_cannot_score() -> None:
    for score in (average_certified_radius, lambda log: certified_accuracy(log, [0.0])):
        with pytest.raises(DataError, match="1 of 2 rows have no true label"):
            score([row(0, 0.5), row(1, 0.5, None)])
        with pytest.raises(DataError, match="holds no rows"):
            score([])
        with pytest.raises(DataError, match="index 3 occurs 2 times"):
            score([row(3, 0.5), row(3, 0.7)])


def test_index_set_is_ascending() -> None:
    assert index_set([row(20, 0.1), row(0, 0.1), row(40, 0.1)]) == (0, 20, 40)


def cohen_log(alpha: float, noise: float, draws: int, **extra: object) -> list[LogRow]:
    """Forty rows as Cohen prints them (three digits), one in four saturated."""
    cap = radius_ceiling(noise, draws, alpha)
    radii = [cap if i % 4 == 0 else cap * i / 50 for i in range(40)]
    return [row(i, float(f"{r:.3g}"), **extra) for i, r in enumerate(radii)]


@pytest.mark.parametrize("sigma", [0.12, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("alpha", [0.01, 0.001, 0.0001])
@pytest.mark.parametrize("n", [10_000, 100_000])
def test_alpha_is_read_off_three_digit_radii(alpha: float, sigma: float, n: int) -> None:
    assert infer_alpha(cohen_log(alpha, sigma, n), sigma=sigma, n=n) == alpha
    assert infer_alpha(cohen_log(alpha, sigma, n, sigma=sigma, n=n)) == alpha


def test_the_published_saturation_values_tell_the_two_alphas_apart() -> None:
    # 0.978 at sigma=0.25 is what a published CIFAR-10 log shows; Cohen et al. (2019) state 0.001.
    assert infer_alpha([row(i, 0.978) for i in range(9)], sigma=0.25, n=100_000) == 0.01
    assert infer_alpha([row(i, 0.953) for i in range(9)], sigma=0.25, n=100_000) == 0.001


@given(st.floats(1e-6, 0.1), st.floats(0.05, 2), st.sampled_from([100, 1000, 100_000]))
def test_full_precision_radii_give_alpha_to_three_digits(
    alpha: float, sigma: float, n: int
) -> None:
    log = [row(0, radius_ceiling(sigma, n, alpha), sigma=sigma, n=n, counts=(0, n, 0))]
    inferred = infer_alpha(log)
    assert inferred is not None
    assert inferred == pytest.approx(alpha, rel=0.006)


def test_rows_that_may_not_be_saturated_tell_nothing() -> None:
    lone = [row(0, 0.953), row(1, 0.5), row(2, 0.4)]
    assert infer_alpha(lone, sigma=0.25, n=100_000) is None
    split = 0.25 * norm.ppf(0.95)
    counted = [row(i, split, sigma=0.25, n=1000, counts=(970, 30, 0)) for i in range(5)]
    assert infer_alpha(counted) is None
    low = [row(i, 0.2) for i in range(5)]
    assert infer_alpha(low, sigma=0.25, n=100_000) is None


def test_alpha_needs_sigma_and_n() -> None:
    log = cohen_log(0.001, 0.5, 100_000)
    assert infer_alpha(log) is None
    assert infer_alpha(log, sigma=0.5) is None
    assert infer_alpha([], sigma=0.5, n=1000) is None
    assert infer_alpha([row(0, 0.0, False)], sigma=0.5, n=1000) is None


def test_radii_above_every_ceiling_are_no_alpha() -> None:
    assert infer_alpha([row(i, 9.99) for i in range(5)], sigma=0.25, n=1000) is None


def test_each_row_counts_with_its_own_sigma() -> None:
    log = [
        row(i, float(f"{radius_ceiling(s, 100_000, 0.001):.3g}"), sigma=s, n=100_000)
        for i, s in enumerate((0.12, 0.25, 0.31, 0.5))
    ]
    inferred = infer_alpha(log)
    assert inferred is not None
    assert math.isclose(inferred, 0.001, rel_tol=1e-9)


@pytest.mark.parametrize("recorded", [True, False])
def test_the_two_sided_bounds_share_of_alpha_is_made_up_for(recorded: bool) -> None:
    """1,000 of 1,000 votes among 10 classes and INVALID: once 11 bounds, now two, share alpha."""
    counts, sigma, parts = (0, 1000, *[0] * 9), 0.5, 2 if recorded else 11
    level = 0.001 / parts
    p_lower, p_upper = two_sided_bounds(np.array(counts), 1, 2 * level)
    radius = float(l2_radius_two_sided(sigma, p_lower, p_upper))
    said = {"alpha": 0.001, "level": level} if recorded else {}
    log = [row(0, radius, sigma=sigma, n=1000, counts=counts, bound="two-sided", **said)]
    assert infer_alpha(log) == 0.001
    assert infer_alpha([replace(log[0], bound=None, level=None)]) == pytest.approx(level, rel=1e-3)


def test_anytime_rows_and_weakened_radii_tell_nothing_of_alpha() -> None:
    counts, sigma = (0, 1000, 0), 0.5
    anytime = float(l2_radius(sigma, anytime_lower_bound(1000, 1000, 0.001)))
    known = {"sigma": sigma, "n": 1000, "counts": counts, "alpha": 0.001, "level": 0.001}
    assert infer_alpha([row(0, anytime, bound="anytime", **known)]) is None
    unsaid = {name: known[name] for name in ("sigma", "n", "counts")}
    assert infer_alpha([row(0, anytime, bound="anytime", **unsaid)]) is None
    full = radius_ceiling(sigma, 1000, 0.001)
    assert infer_alpha([row(0, full, bound="clopper-pearson", **known)]) == 0.001
    assert infer_alpha([row(0, 0.9 * full, bound="clopper-pearson", **known)]) is None
