import io
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_core.errors import ParameterError
from rs_core.store import RunStore
from rs_core.worker import Scheduler, serve
from rs_core.worker.desk.side import SideDesk
from rs_core.worker.protocol import answer_lines, reply_to


def answer(verb: str, request: dict[str, Any]) -> dict[str, Any]:
    if verb == "echo":
        return {"said": request.get("said")}
    if verb == "refuse":
        raise ParameterError("n=0 is out of range: give at least 1.")
    if verb == "fill":
        raise MemoryError
    raise ZeroDivisionError(verb)


def asked(*lines: bytes, max_line: int = 1000) -> list[dict[str, Any]]:
    sink = io.BytesIO()
    answer_lines(io.BytesIO(b"".join(lines)), sink, answer, max_line=max_line)
    return [json.loads(line) for line in sink.getvalue().splitlines()]


def test_every_request_has_its_reply_in_order() -> None:
    found = asked(
        b'{"id": 1, "verb": "echo", "said": "a"}\n', b"\n", b'{"id": 2, "verb": "refuse"}\n'
    )
    assert found == [
        {"id": 1, "ok": {"said": "a"}},
        {
            "id": 2,
            "error": {
                "kind": "ParameterError",
                "message": "n=0 is out of range: give at least 1.",
            },
        },
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense", b"\xff\xfe", b"[]", b"{}", b"null", b'"text"', b'{"id": 1}',
        b'{"id": "1", "verb": "echo"}', b'{"id": true, "verb": "echo"}', b'{"id": 1, "verb": 2}',
        b"[" * 100_000, b'{"id": 1, "verb": "echo"', b"1" * 5000,
        b'{"id": 1, "verb": "echo", "verb": "refuse"}',
    ],
    ids=range(14),
)  # fmt: skip
def test_garbage_is_answered_without_an_id(line: bytes) -> None:
    found = reply_to(line, answer)
    assert found["id"] is None
    assert found["error"]["kind"] == "ProtocolError"
    assert asked(line[:900] + b"\n", b'{"id": 5, "verb": "echo"}\n')[1]["id"] == 5


@given(st.binary(max_size=200))
def test_any_bytes_are_answered(line: bytes) -> None:
    json.dumps(reply_to(line, answer))


def test_too_long_a_line_is_refused_and_the_next_one_answered() -> None:
    found = asked(b"x" * 3000 + b"\n", b'{"id": 5, "verb": "echo"}\n')
    assert [reply["id"] for reply in found] == [None, 5]
    assert "longer than 1000 bytes" in found[0]["error"]["message"]


def test_a_bug_is_one_sentence_and_its_details_are_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = asked(b'{"id": 1, "verb": "crash"}\n')[0]
    assert found["error"]["kind"] == "InternalError"
    assert "rs.log" in found["error"]["message"]
    assert "ZeroDivisionError" in caplog.text


def test_want_of_memory_is_one_sentence() -> None:
    found = asked(b'{"id": 1, "verb": "fill"}\n')[0]
    assert found["error"]["kind"] == "MemoryError"


def test_serving_ends_with_its_source(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    sink = io.BytesIO()
    source = io.BytesIO(b'{"id": 1, "verb": "echo"}\n')
    thread = threading.Thread(target=serve, args=(source, sink, answer, Scheduler(store)))
    thread.start()
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert json.loads(sink.getvalue()) == {"id": 1, "ok": {"said": None}}
    store.close()


def test_a_picture_that_takes_long_holds_nobody_elses_answer() -> None:
    """The third answer comes while the first is still being read."""
    reading, seen = threading.Event(), threading.Event()

    def slow(verb: str, request: dict[str, Any]) -> dict[str, Any]:
        if verb == "decode":
            assert reading.wait(60)
        return {"said": request["said"]}

    class Sink(io.BytesIO):
        def flush(self) -> None:
            if b'"id": 3' in self.getvalue():
                reading.set()
            if b'"id": 1' in self.getvalue():
                seen.set()

    sink, side = Sink(), SideDesk()
    lines = b"".join(
        b'{"id": %d, "verb": "%s", "owner": "ann", "said": %d}\n' % (number, verb, number)
        for number, verb in ((1, b"decode"), (2, b"echo"), (3, b"echo"))
    )
    answer_lines(io.BytesIO(lines), sink, slow, side=side)
    assert seen.wait(60)
    side.close()
    said = [json.loads(line) for line in sink.getvalue().splitlines()]
    assert [reply["id"] for reply in said] == [2, 3, 1]
    assert all(reply["ok"] == {"said": reply["id"]} for reply in said)
