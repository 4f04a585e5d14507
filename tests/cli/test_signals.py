import os
import signal
from collections.abc import Iterator

import pytest

from rs_core.cli.signals import ending, ending_alike, interruptible, was_ended
from rs_core.events import Finished, Step


@pytest.fixture(autouse=True)
def terminal() -> Iterator[None]:
    """Ctrl-C as a terminal has it; tests that run in the background would inherit deafness."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def steps(pressed_after: int, times: int, ended: list[int]) -> Iterator[Step | Finished[str]]:
    """Five steps; Ctrl-C arrives in the middle of one."""
    number = 0
    try:
        for number in range(5):
            if number == pressed_after:
                for _ in range(times):
                    os.kill(os.getpid(), signal.SIGINT)
            yield Step(done=number + 1, total=5)
        yield Finished("whole")
    except GeneratorExit:
        ended.append(number + 1)
        raise


def test_ctrl_c_ends_after_the_step_under_way_which_is_closed() -> None:
    before, ended, seen = signal.getsignal(signal.SIGINT), list[int](), list[int]()
    with pytest.raises(KeyboardInterrupt):
        seen += [e.done for e in interruptible(steps(2, 1, ended)) if isinstance(e, Step)]
    assert ended == [3]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_does_not_wait() -> None:
    ended = list[int]()
    with pytest.raises(KeyboardInterrupt):
        list(interruptible(steps(2, 2, ended)))
    assert ended == []


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_other_ends_are_like_ctrl_c(name: str) -> None:
    number, seen = getattr(signal, name), list[int]()

    def three() -> Iterator[Step | Finished[str]]:
        for done in (1, 2, 3):
            if done == 2:
                os.kill(os.getpid(), number)
            yield Step(done=done, total=3)

    with pytest.raises(KeyboardInterrupt):
        seen += [event.done for event in interruptible(three()) if isinstance(event, Step)]
    assert ending()[1] == 128 + number
    assert was_ended()
    with ending_alike():
        assert not was_ended()


def test_what_nobody_ends_is_passed_on_whole() -> None:
    events = list(interruptible(steps(9, 1, [])))
    assert [e.done for e in events if isinstance(e, Step)] == [1, 2, 3, 4, 5]
    assert events[-1] == Finished("whole")


def test_who_ignores_ctrl_c_in_the_background_goes_on_to() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        events = list(interruptible(steps(2, 2, [])))
    finally:
        signal.signal(signal.SIGINT, before)
    assert events[-1] == Finished("whole")
