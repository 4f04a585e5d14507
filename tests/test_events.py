import pytest

from rs_core.events import Finished, Step, Stream, drain, relay


def count(n: int) -> Stream[str]:
    for i in range(n):
        yield Step(i + 1, n)
    yield Finished("done")


def endless() -> Stream[str]:
    yield Step(1, 2)


def test_drain_returns_the_result() -> None:
    assert drain(count(3)) == "done"


def test_a_stream_without_a_result_is_a_bug() -> None:
    with pytest.raises(RuntimeError, match="without a result"):
        drain(endless())
    with pytest.raises(RuntimeError, match="without a result"):
        list(relay(endless()))


def test_relay_moves_steps_into_a_longer_job() -> None:
    def both() -> Stream[str]:
        first = yield from relay(count(2), total=5)
        second = yield from relay(count(3), before=2, total=5)
        yield Finished(first + second)

    *steps, last = both()
    assert [(s.done, s.total) for s in steps] == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
    assert last == Finished("donedone")
