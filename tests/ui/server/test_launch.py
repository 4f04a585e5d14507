"""The served app: who is answered, what answers carry, what is asked outside, who lives here."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from streamlit import net_util
from streamlit.web.server import server_util

from rs_core.errors import ParameterError
from rs_ui.server import launch
from rs_ui.server.settings import check_environment

ROOT = Path(__file__).resolve().parents[3]
CONFIG = ROOT / ".streamlit" / "config.toml"
# Whatever the server would ask on the internet is written down, and not asked.
EAVESDROPPER = """
import pathlib, requests
def refuse(method, url, **options):
    with pathlib.Path({heard!r}).open("a") as heard:
        heard.write(url + "\\n")
    raise requests.ConnectionError("this test has no network")
requests.get = lambda url, **options: refuse("GET", url)
"""
UPGRADE = {
    "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}  # fmt: skip


class Served:
    """An app on a port of its own."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.home, self.heard = home / "home", home / "heard"
        (home / "sitecustomize.py").write_text(EAVESDROPPER.format(heard=str(self.heard)))
        self.environment = {
            **os.environ, "RS_HOME": str(self.home),
            "PYTHONPATH": os.pathsep.join((str(home), str(ROOT))),
        }  # fmt: skip
        self.output = (home / "output").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rs_core", "app", "--port", str(self.port)],
            cwd=ROOT, env=self.environment, stdout=self.output, stderr=self.output,
        )  # fmt: skip

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_up(self) -> bool:
        try:
            with urlopen(f"{self.url}/_stcore/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def ask(self, path: str, **headers: str) -> http.client.HTTPResponse:
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        asked.putrequest("GET", path, skip_host="Host" in headers)
        for name, value in headers.items():
            asked.putheader(name, value)
        asked.endheaders()
        return asked.getresponse()

    def printed(self) -> str:
        """All that it printed until it ended."""
        self.process.wait(30)
        self.output.seek(0)
        return self.output.read()


@contextmanager
def running(folder: Path) -> Iterator[Served]:
    app = Served(folder)
    deadline = time.monotonic() + 120
    while not app.is_up() and time.monotonic() < deadline:
        time.sleep(0.2)
    try:
        yield app
    finally:
        app.process.kill()
        app.process.wait()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with running(tmp_path_factory.mktemp("served")) as app:
        yield app


PATHS = ("/", "/sweep", "/_stcore/health", "/_stcore/host-config", "/media/none", "/favicon.png")


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_says_what_may_be_done_with_it(served: Served, path: str) -> None:
    headers = served.ask(path).headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'self'" in policy
    assert f"connect-src 'self' data: blob: ws://127.0.0.1:{served.port} " in policy
    scripts = next(rule for rule in policy.split("; ") if rule.startswith("script-src"))
    assert "unsafe-inline" not in scripts
    assert "http" not in scripts


@pytest.mark.parametrize("path", PATHS)
def test_a_foreign_name_is_not_answered(served: Served, path: str) -> None:
    answer = served.ask(path, Host=f"evil.example:{served.port}")
    assert answer.status == 421
    assert b"server.allowedHosts" in answer.read()
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert served.ask(path, Host=f"localhost:{served.port}").status != 421


def test_a_refused_origin_asks_nobody_outside(served: Served) -> None:
    for _ in range(5):
        answer = served.ask("/_stcore/stream", Origin="http://evil.example", **UPGRADE)
        assert answer.status == 403
    assert served.ask("/_stcore/stream", Origin=served.url, **UPGRADE).status == 101
    assert not served.heard.exists()


def test_streamlit_would_ask_outside_and_is_kept_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(net_util, "_make_blocking_http_get", lambda url, **_: asked.append(url))
    monkeypatch.setattr(net_util, "_external_ip", None)
    monkeypatch.setattr(net_util, "get_external_ip", net_util.get_external_ip)  # put back later
    assert not server_util.is_url_from_allowed_origins("http://evil.example")
    assert asked, "Streamlit asks in another way now: look what server.stay_inside must answer"
    asked.clear()
    launch.stay_inside()
    assert not server_util.is_url_from_allowed_origins("http://evil.example")
    assert asked == []


def test_a_second_app_on_one_home_names_the_first(served: Served) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", "0"],
        cwd=ROOT, env=served.environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert second.returncode == 2
    (sentence,) = [line for line in second.stderr.splitlines() if line.startswith("rs app: ")]
    assert f"another rs app (process {served.process.pid})" in sentence
    assert f"open {served.url}, or let RS_HOME name another folder" in sentence
    assert "Traceback" not in second.stderr


def test_an_environment_that_takes_protection_away_is_refused(served: Served) -> None:
    environment = {**served.environment, "STREAMLIT_SERVER_ENABLE_CORS": "false"}
    refused = subprocess.run(
        [sys.executable, "-m", "rs_core", "app", "--port", str(served.port + 1)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert refused.returncode == 2
    assert "rs app: STREAMLIT_SERVER_ENABLE_CORS in the environment would" in refused.stderr


HARMFUL = {
    "STREAMLIT_SERVER_ADDRESS": "0.0.0.0",
    "STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION": "false",
    "STREAMLIT_SERVER_ALLOWED_HOSTS": "*",
    "STREAMLIT_SERVER_CORS_ALLOWED_ORIGINS": "*",
    "STREAMLIT_SERVER_MAX_UPLOAD_SIZE": "500",
    "STREAMLIT_SERVER_ENABLE_STATIC_SERVING": "true",
    "STREAMLIT_SERVER_TRUSTED_USER_HEADERS": "{}",
    "STREAMLIT_CLIENT_SHOW_ERROR_DETAILS": "full",
    "STREAMLIT_GLOBAL_DEVELOPMENT_MODE": "true",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "true",
    "STREAMLIT_SOMETHING_OF_A_LATER_VERSION": "1",
}
HARMLESS = {
    "STREAMLIT_SERVER_ADDRESS": "127.0.0.1",
    "STREAMLIT_SERVER_ALLOWED_HOSTS": "127.0.0.1,localhost",
    "STREAMLIT_SERVER_HEADLESS": "True",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    "STREAMLIT_SERVER_PORT": "8600",
    "STREAMLIT_THEME_BASE": "dark",
    "STREAMLIT_LOGGER_LEVEL": "debug",
    "PATH": "/bin",
}


@pytest.mark.parametrize("name", HARMFUL)
def test_each_harmful_variable_is_named(name: str) -> None:
    with pytest.raises(ParameterError, match=f"^{name} in the environment would overrule"):
        check_environment({**HARMLESS, name: HARMFUL[name]}, CONFIG)


def test_variables_that_say_the_same_or_concern_looks_pass() -> None:
    check_environment(HARMLESS, CONFIG)


def test_the_first_app_is_served_until_it_is_told_to_end(served: Served) -> None:
    assert served.is_up()
    assert json.loads((served.home / "server.lock").read_text())["address"] == served.url
    served.process.send_signal(signal.SIGINT)
    printed = served.printed()
    assert f"RS Lab is served at {served.url} (Ctrl-C ends it)." in printed
    assert "Traceback" not in printed


def test_a_second_ctrl_c_prints_no_traceback(tmp_path: Path) -> None:
    with running(tmp_path) as app:
        assert app.ask("/_stcore/stream", Origin=app.url, **UPGRADE).status == 101
        for _ in range(2):
            app.process.send_signal(signal.SIGINT)
            time.sleep(0.05)
        assert "Traceback" not in app.printed()
