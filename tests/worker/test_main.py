"""The process itself: what reaches stdout, and what happens where nothing can be stored."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# A noisy network module and a C library would print like this.
CHATTY = """
import os, sys, warnings
import rs_core.worker.__main__ as entry
from rs_core.worker.verbs import Desk

def chat(self, verb, request):
    print("stray print")
    os.write(1, b"stray write\\n")
    warnings.warn("stray warning")
    return {"said": verb}

Desk.__call__ = chat
sys.exit(entry.main())
"""


# Another program locks the store and is closed after the first answer.
LOCKED = """
import sqlite3, sys
import rs_core.worker.__main__ as entry
from rs_core.store import RunStore, rs_home

RunStore().close()
other = sqlite3.connect(rs_home() / "index.sqlite", isolation_level=None)
other.execute("BEGIN EXCLUSIVE")
RunStore.__init__.__kwdefaults__["lock_seconds"] = 0.1
answer = entry.answer_lines

def answer_then_unlock(*args):
    answer(*args)
    other.close()

entry.answer_lines = answer_then_unlock
sys.exit(entry.main())
"""


def replies_of(
    home: Path, *lines: bytes, command: tuple[str, ...] = ("-m", "rs_core.worker")
) -> tuple[list[Any], str, int]:
    finished = subprocess.run(
        [sys.executable, *command], input=b"".join(line + b"\n" for line in lines),
        cwd=ROOT, capture_output=True, timeout=120, env={**os.environ, "RS_HOME": str(home)},
    )  # fmt: skip
    found = [json.loads(line) for line in finished.stdout.splitlines()]
    return found, finished.stderr.decode(), finished.returncode


def test_stdout_carries_replies_and_nothing_else(tmp_path: Path) -> None:
    found, stray, code = replies_of(
        tmp_path, b"garbage", b'{"id": 1, "verb": "ping"}', command=("-c", CHATTY)
    )
    assert [reply["id"] for reply in found] == [None, 1]
    assert found[1]["ok"] == {"said": "ping"}
    assert "stray print" in stray
    assert "stray write" in stray
    log = (tmp_path / "rs.log").read_text()
    assert "stray warning" in log
    assert "torch" in log
    assert code == 0


def test_a_home_that_cannot_be_used_is_said_to_every_request(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    lines = [b'{"id": 1, "verb": "ping"}', b'{"id": 2, "verb": "runs", "owner": "ann"}']
    found, _, code = replies_of(tmp_path / "file" / "home", *lines)
    assert code == 1
    for reply in found:
        assert reply["error"]["kind"] == "StoreError"
        assert "RS_HOME" in reply["error"]["message"]
    assert [reply["id"] for reply in found] == [1, 2]


def test_a_store_that_was_locked_at_the_start_is_used_once_it_is_free(tmp_path: Path) -> None:
    """RELIABILITY row 42."""
    lines = [b'{"id": 1, "verb": "ping"}', b'{"id": 2, "verb": "runs", "owner": "ann"}']
    found, _, code = replies_of(tmp_path, *lines, command=("-c", LOCKED))
    assert "locked the index of the run store" in found[0]["error"]["message"]
    assert found[1]["ok"] == {"runs": []}
    assert code == 0
