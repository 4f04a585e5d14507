import platform
import subprocess
import sys

import pytest

from rs_core import allocator
from rs_core.allocator import keep_freed_memory


def test_glibc_takes_the_settings() -> None:
    # in a process of its own, because the settings cannot be taken back
    code = f"import runpy; print(runpy.run_path({allocator.__file__!r})['keep_freed_memory']())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    on_glibc = sys.platform == "linux" and platform.libc_ver()[0] == "glibc"
    assert done.stdout.strip() == str(on_glibc)


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_freed_memory() is False


def test_other_c_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert keep_freed_memory() is False
