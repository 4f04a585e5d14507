import math
import time
from pathlib import Path

import pytest

from rs_core.store.calendar import DAY, Calendar
from tests.store.conftest import DEEP

NOW = 1.8e9


class Clock:
    """The machine's clock, set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
        self.path = path
        self.now = NOW
        monkeypatch.setattr(time, "time", lambda: self.now)

    def look(self, now: float) -> float:
        """A look of a new process at that time."""
        self.now = now
        return Calendar(self.path).look()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Clock:
    return Clock(monkeypatch, tmp_path / "calendar.json")


def test_a_time_is_believed_a_day_later(clock: Clock) -> None:
    assert clock.look(NOW) == -math.inf
    assert clock.look(NOW + DAY - 1) == -math.inf
    assert clock.look(NOW + DAY) == NOW
    assert clock.look(NOW + 2 * DAY) == NOW + DAY
    # Who looks once a year is believed too.
    assert clock.look(NOW + 365 * DAY) == NOW + 2 * DAY
    assert clock.look(NOW + 730 * DAY) == NOW + 365 * DAY


def test_a_clock_that_is_ahead_for_a_while_is_not_believed(clock: Clock) -> None:
    clock.look(NOW)
    for minute in range(600):
        assert clock.look(NOW + 31 * DAY + 60 * minute) <= NOW
    for hour in range(23):
        assert clock.look(NOW + 3600 * hour) <= NOW
    assert clock.look(NOW + 23 * 3600 + DAY) < NOW + DAY


def test_a_clock_that_goes_back_takes_what_was_believed_with_it(clock: Clock) -> None:
    clock.look(NOW + 100 * DAY)
    assert clock.look(NOW + 101 * DAY) == NOW + 100 * DAY
    assert clock.look(NOW) == NOW


def test_now_is_never_before_what_is_believed(clock: Clock) -> None:
    clock.look(NOW)
    clock.look(NOW + DAY)
    clock.now = 0.0
    assert Calendar(clock.path).now() == NOW
    clock.now = NOW + 5
    assert Calendar(clock.path).now() == NOW + 5


@pytest.mark.parametrize(
    "content", [b"", b"null", DEEP, b'{"seen": "x"}', b'{"believed": NaN, "seen": 1}', b"[1]"]
)
def test_a_damaged_calendar_begins_again(clock: Clock, content: bytes) -> None:
    clock.look(NOW)
    clock.path.write_bytes(content)
    assert clock.look(NOW + DAY) == -math.inf
    assert clock.look(NOW + 2 * DAY) == NOW + DAY


def test_a_full_disk_believes_nothing_new(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rs_core.store.calendar.write_document", full)
    assert clock.look(NOW) == -math.inf
