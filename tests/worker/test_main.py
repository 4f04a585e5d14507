"""The process itself: what reaches stdout, and what happens where nothing can be stored."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# A noisy network module and a C library would print like this.
CHATTY = """
import os, sys, warnings
import rs_core.worker.__main__ as entry
from rs_core.worker.desk.verbs import Api

def chat(self, verb, request):
    print("stray print")
    os.write(1, b"stray write\\n")
    warnings.warn("stray warning")
    return {"said": verb}

Api.__call__ = chat
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
    lines = [b'{"id": 1, "verb": "ping"}', b'{"id": 2, "verb": "runs", "owner": "ann"}']
    found, _, code = replies_of(tmp_path, *lines, command=("-c", LOCKED))
    assert "locked the index of the run store" in found[0]["error"]["message"]
    assert found[1]["ok"] == {"runs": []}
    assert code == 0


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def has_ended(pid: int, seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_alive(pid)


def started(home: Path, code: str = "", **streams: Any) -> "subprocess.Popen[bytes]":
    """A worker that has answered for the first time."""
    command = ("-c", f"{code}\nimport sys\nimport rs_core.worker.__main__ as entry\n{HASTY}")
    process = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "RS_HOME": str(home)}, **streams,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b'{"id": 1, "verb": "ping"}\n')
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["id"] == 1
    return process


HASTY = "entry.GRACE_SECONDS = entry._PATIENCE_SECONDS = 0.5\nsys.exit(entry.main())"


def test_a_second_worker_of_one_home_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    first = started(tmp_path)
    second = subprocess.Popen(
        [sys.executable, "-c", f"import sys\nimport rs_core.worker.__main__ as entry\n{HASTY}"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "RS_HOME": str(tmp_path)},
    )  # fmt: skip
    assert second.stdin is not None
    assert second.stdout is not None
    second.stdin.write(b'{"id": 7, "verb": "ping"}\n')
    second.stdin.flush()
    refusal = json.loads(second.stdout.readline())["error"]
    assert refusal["kind"] == "StoreError"
    assert f"another compute process ({first.pid}) works in {tmp_path}" in refusal["message"]
    first.kill()
    first.wait()
    # It may have refused again before the first was gone; then it serves.
    for number in (8, 9, 10):
        second.stdin.write(b'{"id": %d, "verb": "ping"}\n' % number)
        second.stdin.flush()
        answer = json.loads(second.stdout.readline())
        if "ok" in answer:
            break
    assert "ok" in answer
    second.communicate(timeout=60)
    assert second.returncode == 0


PARENT = """
import subprocess, sys, time
# The pipe's other end lives on in a third process: only the parent's death tells.
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=subprocess.PIPE)
keeper = subprocess.Popen(["sleep", "600"], stdout=child.stdin, stderr=subprocess.DEVNULL)
print(child.pid, keeper.pid, flush=True)
time.sleep(600)
"""


def test_an_orphan_ends(tmp_path: Path) -> None:
    code = f"import sys\nimport rs_core.worker.__main__ as entry\n{HASTY}"
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, code], cwd=ROOT, stdout=subprocess.PIPE,
        env={**os.environ, "RS_HOME": str(tmp_path)},
    ) as parent:  # fmt: skip
        assert parent.stdout is not None
        orphan, keeper = map(int, parent.stdout.readline().split())
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("describe-*.json")) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert is_alive(orphan)
        parent.kill()
    try:
        assert has_ended(orphan)
    finally:
        os.kill(keeper, signal.SIGTERM)


ENDLESS = """
import time
from rs_core.worker.scheduler import Scheduler
Scheduler.turn = lambda self: time.sleep(600)
"""


def test_a_step_without_end_does_not_keep_a_process_whose_handle_was_let_go(tmp_path: Path) -> None:
    process = started(tmp_path, ENDLESS)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(60) == 1
    assert json.loads((tmp_path / "worker.lock").read_bytes())["excused"] is True
