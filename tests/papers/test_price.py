"""What a table costs: counts in closed form, and a speed that is measured once."""

import math
from collections.abc import Iterator

import pytest

from rs_core.papers import price
from rs_core.papers.factory import pair_of
from rs_core.papers.price import (
    Speeds,
    certifying_passes,
    price_of,
    time_words,
    training_passes,
)
from rs_core.papers.table import Choice, Shipped, Training
from tests.papers.tiny import FIXED, PICKED, TINY, TRAINING, with_rows


def test_counts_are_those_of_the_settings() -> None:
    found = price_of(TINY, seeds=3, images=40)
    assert (found.networks, found.training_images) == (3, 3 * 2 * 400)
    assert found.passes == 3 * 40 * (200 + 3 * 20 + 200)
    assert math.isnan(found.seconds)


def test_a_shipped_network_is_certified_once_whatever_the_seeds() -> None:
    row = FIXED.__class__("x", Shipped("mnist-conv4"), FIXED.selector, FIXED.guarantee)
    found = price_of(with_rows(row), seeds=3, images=40)
    assert (found.networks, found.passes) == (0, 40 * 200)


def test_an_image_takes_what_choosing_and_certifying_take() -> None:
    assert certifying_passes(pair_of(PICKED, TINY.certified)) == 60 + 200


def test_a_training_takes_an_attack_and_its_copies() -> None:
    assert training_passes(TRAINING, 400) == 2 * 400 * 3
    settings = {"epochs": 2, "steps": 4, "noises": 2}
    attacked = Training(Choice("smoothadv", settings), "mlp", "digits")
    assert training_passes(attacked, 400) == 2 * 400 * 2 * 5 * 3


def test_a_kind_of_work_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []

    def rate(done: Iterator[int]) -> float:
        counted.append(next(done))
        return 100.0

    monkeypatch.setattr(price, "_rate", rate)
    speeds = Speeds(device="cpu")
    first = price_of(TINY, seeds=1, images=10, speeds=speeds)
    again = price_of(TINY, seeds=1, images=10, speeds=speeds)
    assert first == again
    assert len(counted) == 2  # one training, one network's votes
    assert first.certifying_seconds == pytest.approx(first.passes / 100)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "about 0 s"), (99, "about 99 s"), (720, "about 12 min"), (18_720, "about 5.2 h")],
)
def test_a_time_is_told_in_few_digits(seconds: float, words: str) -> None:
    assert time_words(seconds) == words


@pytest.mark.parametrize("own", [None, {"name": "stored"}, {"name": "insta", "levels": 4, "n": 2}])
def test_every_way_of_training_can_be_sampled(own: dict[str, object] | None) -> None:
    settings = {"sigma": 0.2, "epochs": 4, "batch_size": 32, "per_image": own}
    training = Training(Choice("gaussian", settings), "mlp", "digits")
    assert Speeds(device="cpu").training(training) > 0
