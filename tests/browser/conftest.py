"""The real app, served on a port of its own, in Debian's Chromium."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="install playwright: make test does")
from playwright.sync_api import Browser, BrowserContext, Page, expect  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
# Streamlit asks for these under a page's own path before it knows its base path.
PROBES = ("/_stcore/health", "/_stcore/host-config")
START_SECONDS = 120
expect.set_options(timeout=30_000)


@dataclass
class Server:
    """A served app."""

    url: str
    process: subprocess.Popen[bytes]
    home: Path


@dataclass
class Visit:
    """A page, what its console said and which other hosts it asked."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def is_clean(self) -> bool:
        """Nothing in the console but Streamlit's probes, and no request to another host."""
        assert self.complaints == []
        assert self.strangers == []
        return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(home: Path, **environment: str) -> Server:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
        cwd=ROOT,
        env={**os.environ, "RS_HOME": str(home), "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urlopen(f"{url}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return Server(url, process, home)
        except (URLError, OSError):
            time.sleep(0.2)
    process.kill()
    raise RuntimeError(f"the app did not answer within {START_SECONDS} s")


def stop(server: Server) -> None:
    server.process.terminate()
    try:
        server.process.wait(10)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    served = serve(tmp_path_factory.mktemp("rs-home"))
    yield served
    stop(served)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        message = "no Chromium here: apt-get install chromium to run the browser journeys"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


Visitor = Callable[..., Visit]


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visitor]:
    """Opens a path as a browser of its own, or in a given context."""
    contexts: list[BrowserContext] = []

    def open_path(
        path: str = "", *, at: Server = server, context: BrowserContext | None = None, **options
    ) -> Visit:
        if context is None:
            options = {"viewport": {"width": 1280, "height": 2400}, **options}
            context = browser.new_context(**options)
            contexts.append(context)
        visit = Visit(context.new_page())
        visit.page.set_default_timeout(30_000)
        _listen(visit, at)
        visit.page.goto(f"{at.url}/{path}")
        return visit

    yield open_path
    for context in contexts:
        context.close()


def _listen(visit: Visit, server: Server) -> None:
    def heard(message) -> None:
        if message.type in ("error", "warning"):
            where = message.location.get("url", "")
            if not where.endswith(PROBES):
                visit.complaints.append(f"{message.text} {where}")

    def asked(request) -> None:
        if not request.url.startswith((server.url, "data:", "blob:")):
            visit.strangers.append(request.url)

    visit.page.on("console", heard)
    visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    visit.page.on("request", asked)
