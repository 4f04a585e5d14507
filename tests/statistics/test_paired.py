"""Paired differences: closed forms, and what must not change them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import t

from rs_core.statistics import paired_difference

TABLES = arrays(np.float64, (3, 7), elements=st.floats(-5, 5, width=32))


def test_a_mean_and_its_errors_by_hand() -> None:
    first = np.array([[1.0, 2.0, 4.0], [3.0, 2.0, 3.0]])
    found = paired_difference(first, np.zeros((2, 3)))
    assert found.mean == pytest.approx(2.5)
    assert (found.images, found.seeds) == (3, 2)
    # over images: 2, 2, 3.5; over seeds: 7/3, 8/3
    assert found.image_error == pytest.approx(math.sqrt(0.75 / 3))
    assert found.seed_error == pytest.approx((8 / 3 - 7 / 3) / 2)
    quantile = t.ppf(0.975, 1)
    expected = math.hypot(2 * found.image_error, quantile * found.seed_error)
    assert found.margin == pytest.approx(expected)


def test_one_seed_has_the_images_error_alone() -> None:
    found = paired_difference(np.array([[1.0, 3.0]]), np.array([[0.0, 0.0]]))
    assert math.isnan(found.seed_error)
    assert found.margin == pytest.approx(2 * found.image_error)


def test_one_image_tells_nothing() -> None:
    assert math.isnan(paired_difference(np.array([[1.0]]), np.array([[0.0]])).margin)


def test_pairing_takes_out_what_images_share() -> None:
    hard = np.random.default_rng(0).normal(size=(1, 1000)) * 100
    found = paired_difference(hard + 1, hard)
    assert found.mean == pytest.approx(1)
    assert found.margin < 1e-9


@given(TABLES, TABLES)
def test_exchanging_the_two_changes_the_sign_alone(first: np.ndarray, second: np.ndarray) -> None:
    one, other = paired_difference(first, second), paired_difference(second, first)
    assert one.mean == -other.mean
    assert one.margin == pytest.approx(other.margin)


@given(TABLES, st.permutations(range(7)))
def test_the_order_of_the_images_does_not_matter(first: np.ndarray, order: list[int]) -> None:
    one = paired_difference(first, np.zeros((3, 7)))
    other = paired_difference(first[:, order], np.zeros((3, 7)))
    assert one.mean == pytest.approx(other.mean)
    assert one.margin == pytest.approx(other.margin)


def test_the_margin_covers_as_often_as_it_says() -> None:
    """A difference of 0 between three seeds is called one way or the other in about 5 % of runs."""
    chance = np.random.default_rng(1)
    told = 0
    for _ in range(2000):
        shared = chance.normal(size=(3, 1)) + chance.normal(size=(3, 60))
        found = paired_difference(shared, np.zeros((1, 60)))
        told += abs(found.mean) > found.margin
    assert told / 2000 < 0.06
