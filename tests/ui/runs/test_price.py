"""What a page knows of a run's price: asked once, and never in the way of a start."""

from typing import Any

import pytest

from rs_ui.client.worker import WorkerError
from rs_ui.runs import price, run, session
from rs_ui.runs.price import Price, price_of

ASKED: dict[str, Any] = {"n": 100}


class Desk:
    """Answers or refuses as it is told, and notes what it is asked."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.error: WorkerError | None = None

    def __call__(self, verb: str, **fields: Any) -> dict[str, Any]:
        self.calls.append({"verb": verb, **fields})
        if self.error is not None:
            raise self.error
        return {"passes": 100 * fields["count"], "levels": 2}


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    made, kept = Desk(), dict[str, Any]()
    monkeypatch.setattr(run, "call", made)
    monkeypatch.setattr(session, "owner", lambda: "ann")
    monkeypatch.setattr(session, "remembered", lambda name, default=None: kept.get(name, default))
    monkeypatch.setattr(session, "remember", kept.__setitem__)
    return made


def test_a_price_is_asked_again_only_when_something_changes(desk: Desk) -> None:
    for _ in range(3):
        assert price_of("here", "points", "m", dict(ASKED), 4) == Price(400, 2)
    assert desk.calls == [
        {"verb": "price", "kind": "points", "model": "m", "config": ASKED, "count": 4}
    ]
    changes = [("here", "regions", "m", ASKED, 4), ("here", "points", "m", {"n": 101}, 4)]
    changes += [("here", "points", "k", ASKED, 4), ("here", "points", "m", ASKED, 5)]
    for number, asked in enumerate(changes, 2):
        price_of(*asked)
        assert len(desk.calls) == number
    price_of("there", "points", "m", ASKED, 5)
    price_of("here", "points", "m", ASKED, 5)
    assert len(desk.calls) == 6


def test_without_settings_nothing_is_asked(desk: Desk) -> None:
    assert price_of("here", "points", "m", None) == Price()
    assert price.price_of_run(None) == Price()
    assert desk.calls == []


def test_a_refusal_is_kept_and_told(desk: Desk) -> None:
    desk.error = WorkerError("n=1 can never certify.", "ParameterError")
    for _ in range(2):
        assert price_of("here", "points", "m", ASKED) == Price(refusal="n=1 can never certify.")
    assert len(desk.calls) == 1


@pytest.mark.parametrize("kind", ["WorkerError", "StoreError"])
def test_what_is_not_answered_hinders_no_start_and_is_asked_again(desk: Desk, kind: str) -> None:
    desk.error = WorkerError("no answer within 30 s: try again.", kind)
    assert price_of("here", "points", "m", ASKED) == Price()
    desk.error = None
    assert price_of("here", "points", "m", ASKED) == Price(100, 2)
    assert len(desk.calls) == 2
