"""Lanes run a little ahead of their reader, say the same all the same, and end when told."""

from collections.abc import Generator
from threading import Event, current_thread
from typing import Any

import pytest

from rs_core.attacks.lanes import AHEAD, Ahead, abreast, shares
from rs_core.classifiers import Classifier
from rs_core.images import ImageInput
from rs_core.smoothing.threads import block_threads
from tests.attacks.conftest import SETTINGS


def counting(limit: int, made: list[int]) -> Generator[int, None, str]:
    for number in range(limit):
        made.append(number)
        yield number
    return f"after {limit}"


def settled() -> None:
    """Until every thread of the pool has let go of what it was doing."""
    list(block_threads(2).map(lambda _: None, range(8)))


@pytest.mark.parametrize("threads", [1, 2])
def test_items_and_results_come_in_order(threads: int) -> None:
    steps = abreast(threads, [counting(50, []), counting(50, [])])
    assert [next(steps) for _ in range(50)] == [[number, number] for number in range(50)]
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value == ["after 50", "after 50"]


def test_a_lane_that_nobody_reads_makes_no_more_than_its_lead_and_holds_no_thread() -> None:
    made: list[int] = []
    lane = Ahead(2, counting(1000, made))
    settled()  # passes only if the lane gave its thread back
    assert len(made) == AHEAD
    assert [next(lane) for _ in range(5)] == list(range(5))
    settled()
    assert 5 < len(made) <= 5 + AHEAD
    lane.stop()


def test_a_stopped_lane_makes_nothing_more_and_closes_its_generator() -> None:
    made: list[int] = []
    closed = Event()

    def guarded() -> Generator[int, None, str]:
        try:
            return (yield from counting(1000, made))
        finally:
            closed.set()

    steps = abreast(2, [guarded(), counting(1000, [])])
    next(steps)
    steps.close()
    assert closed.is_set()
    count = len(made)
    settled()
    assert len(made) == count <= 1 + AHEAD


def test_an_error_of_a_lane_reaches_the_reader_and_stops_the_others() -> None:
    made: list[int] = []

    def failing() -> Generator[int, None, str]:
        yield 0
        raise ValueError("in a lane")

    steps = abreast(2, [counting(1000, made), failing()])
    assert next(steps) == [0, 0]
    with pytest.raises(ValueError, match="in a lane"):
        next(steps)
    count = len(made)
    settled()
    assert len(made) == count


def test_lanes_compute_in_the_pool() -> None:
    def named() -> Generator[str, None, None]:
        yield current_thread().name

    lane = Ahead(2, named())
    assert next(lane).startswith("rs-block")
    with pytest.raises(StopIteration):
        next(lane)
    lane.stop()


@pytest.mark.parametrize("name", ["pgd", "epgd", "ddn"])
def test_an_attack_on_two_lanes_steps_as_on_one(
    name: str, network: Classifier, images: list[ImageInput], monkeypatch: pytest.MonkeyPatch
) -> None:
    def events(threads: int) -> list[Any]:
        monkeypatch.setattr("rs_core.attacks.attack.cores", lambda _: threads)
        return list(SETTINGS[name].run(network, images, seed=0))

    alone, two = events(1), events(2)
    for one, other in zip(alone[:-1], two[:-1], strict=True):
        assert (one.done, one.total) == (other.done, other.total)
        assert other.losses == pytest.approx(one.losses, rel=1e-3, abs=1e-4)
    digests = [[found.image_digest for found in run[-1].result] for run in (alone, two)]
    assert digests[0] == digests[1] == [image.digest for image in images]


def test_shares_cover_everything_once() -> None:
    for count in range(20):
        for lanes in range(1, 5):
            assert [i for share in shares(count, lanes) for i in share] == list(range(count))
