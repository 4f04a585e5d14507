import os
import socket
import subprocess
from pathlib import Path

import pytest

from rs_core.cli import main

ROOT = Path(__file__).resolve().parents[3]


def test_a_taken_port_is_said_with_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "execv", pytest.fail)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["app", "--port", str(port)]) == 2
    shown = capsys.readouterr()
    assert f"port {port} of 127.0.0.1 is not free" in shown.err
    assert "give --port with another number" in shown.err


def test_a_free_port_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _, words: started.append(words))
    monkeypatch.chdir(ROOT)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    main(["app", "--port", str(port)])
    assert started[0][-1] == str(port)


def test_make_app_takes_a_port() -> None:
    for words, port in (([], "8501"), (["PORT=8600"], "8600")):
        command = ["make", "--dry-run", "--always-make", "app", *words]
        shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert f"rs app --port {port}" in shown.stdout
