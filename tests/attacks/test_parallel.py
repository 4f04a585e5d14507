"""Shards that run beside each other say the same as shards that take turns."""

import time
from collections.abc import Generator
from threading import current_thread
from typing import Any

import pytest

from rs_core.attacks.parallel import run_side_by_side, split_in_shards
from rs_core.classifiers import Classifier
from rs_core.images import ImageInput
from tests.attacks.conftest import SETTINGS


def counting(limit: int, made: list[int]) -> Generator[int, None, str]:
    for number in range(limit):
        made.append(number)
        yield number
    return f"after {limit}"


@pytest.mark.parametrize("threads", [1, 2])
def test_items_and_results_come_in_order(threads: int) -> None:
    steps = run_side_by_side(threads, [counting(50, []), counting(50, [])])
    assert [next(steps) for _ in range(50)] == [[number, number] for number in range(50)]
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value == ["after 50", "after 50"]


def slowly(seconds: float, made: list[int]) -> Generator[int, None, None]:
    for number in range(1000):
        time.sleep(seconds)
        made.append(number)
        yield number


def test_a_lane_ends_its_step_and_rests_while_the_reader_holds_one() -> None:
    made: list[int] = []
    steps = run_side_by_side(2, [slowly(0.001, made), counting(1000, [])])
    for _ in range(5):
        next(steps)
        time.sleep(0.1)
        count = len(made)
        time.sleep(0.01)
        assert len(made) == count


def test_no_lane_waits_for_another_while_the_reader_waits() -> None:
    made: list[int] = []
    steps = run_side_by_side(2, [slowly(0.2, []), slowly(0.001, made)])
    assert next(steps) == [0, 0]
    assert len(made) > 5
    assert next(steps) == [1, 1]


@pytest.mark.parametrize("threads", [1, 2])
def test_nothing_is_computed_once_the_stream_is_closed(threads: int) -> None:
    made: list[int] = []
    steps = run_side_by_side(threads, [slowly(0.005, made), slowly(0.001, [])])
    next(steps)
    steps.close()
    count = len(made)
    time.sleep(0.02)
    assert len(made) == count


def test_an_error_of_a_lane_reaches_the_reader() -> None:
    def failing() -> Generator[int, None, str]:
        yield 0
        raise ValueError("in a shard")

    steps = run_side_by_side(2, [counting(1000, []), failing()])
    assert next(steps) == [0, 0]
    with pytest.raises(ValueError, match="in a shard"):
        next(steps)


@pytest.mark.parametrize("lengths", [(3, 50), (50, 3)])
def test_lanes_of_unequal_length_are_a_bug(lengths: tuple[int, int]) -> None:
    with pytest.raises(AssertionError, match="equal cost"):
        list(run_side_by_side(1, [counting(length, []) for length in lengths]))


def test_lanes_compute_in_the_pool() -> None:
    def named() -> Generator[str, None, None]:
        yield current_thread().name

    (names,) = list(run_side_by_side(2, [named(), named()]))
    assert all(name.startswith("rs-block") for name in names)


@pytest.mark.parametrize("name", ["pgd", "epgd", "ddn"])
def test_an_attack_on_two_lanes_steps_as_on_one(
    name: str, network: Classifier, images: list[ImageInput], monkeypatch: pytest.MonkeyPatch
) -> None:
    def events(threads: int) -> list[Any]:
        monkeypatch.setattr("rs_core.attacks.base.cores", lambda _: threads)
        return list(SETTINGS[name].run(network, images, seed=0))

    alone, two = events(1), events(2)
    for one, other in zip(alone[:-1], two[:-1], strict=True):
        assert (one.done, one.total) == (other.done, other.total)
        assert other.losses == pytest.approx(one.losses, rel=1e-3, abs=1e-4)
    digests = [[found.image_digest for found in run[-1].result] for run in (alone, two)]
    assert digests[0] == digests[1] == [image.digest for image in images]


def test_shares_cover_everything_once() -> None:
    for count in range(20):
        for shards in range(1, 5):
            assert [i for share in split_in_shards(count, shards) for i in share] == list(
                range(count)
            )


def test_a_settled_step_says_the_same_without_the_logits(
    network: Classifier, images: list[ImageInput]
) -> None:
    for step in list(SETTINGS["epgd"].run(network, images, seed=0))[:-1]:
        kept = step.settled()
        assert kept.losses == step.losses
        assert kept.nearest == step.nearest
        assert kept._said is None
