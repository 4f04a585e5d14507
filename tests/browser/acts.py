"""What every journey does: look at a part of the page, bring a file, start a sweep."""

import re
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import numpy as np
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Server

QUICK = "sweep_sigmas=0.12%2C+0.5&sweep_n=300"
LONG = "sweep_n=1000000"
RUNNING = re.compile("^Running")
TABLES = ("glide", "dvn-scroller", "gdg-")  # marks of Streamlit's tables
_STREAMLITS = ("data-baseweb", "stSidebarCollapse", "modebar")
_SIDEWAYS = (
    "(() => { const m = document.querySelector('[data-testid=stMain]');"
    "return Math.max(m.scrollWidth - m.clientWidth,"
    "document.scrollingElement.scrollWidth - window.innerWidth); })()"
)
_BRIGHTNESS = (
    "getComputedStyle(document.querySelector('[data-testid=stApp]'))"
    ".backgroundColor.match(/\\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0)"
)


def main(page: Page) -> Locator:
    return page.get_by_test_id("stMainBlockContainer")


def sidebar(page: Page) -> Locator:
    return page.get_by_test_id("stSidebar")


def comes_true(page: Page, expression: str, seconds: float = 30) -> None:
    """Wait for a JavaScript expression; `wait_for_function` evaluates text, as no page may."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(50)


def start(page: Page) -> None:
    page.get_by_role("button", name="Start the sweep").click()


def finished(page: Page) -> None:
    expect(main(page).get_by_text("Drag the noise level").first).to_be_visible()


def as_asked(page: Page) -> None:
    """The shown run is what the controls ask for: nothing says otherwise."""
    expect(main(page).get_by_text("than the controls show now")).to_have_count(0)


def run_of(page: Page) -> str:
    return parse_qs(urlparse(page.url).query)["run"][0]


def done_of(page: Page) -> int:
    status = main(page).get_by_text(RUNNING)
    # A worker that has just taken the run over names no number before its first step.
    expect(status).to_have_text(re.compile(r"^Running: [\d,]+ "))
    text = status.inner_text()
    return int(re.sub(r"\D", "", text.partition(" of ")[0]))


def cancel(page: Page) -> None:
    page.get_by_role("button", name="Cancel").click()
    expect(main(page).get_by_text(re.compile("^Cancelled after"))).to_be_visible()


def bring(page: Page, name: str, data: bytes) -> None:
    sidebar(page).get_by_text("Your own", exact=True).click()
    chooser = sidebar(page).get_by_role("region", name="Image file").locator("input[type=file]")
    chooser.set_input_files({"name": name, "mimeType": "image/png", "buffer": data})


def scene(mode: str = "RGB", size: tuple[int, int] = (96, 64)) -> Image.Image:
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 256, (*size[::-1], 3), dtype=np.uint8))
    return picture.convert(mode)


def stored(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def worker_of(server: Server) -> int:
    """The compute process below the server, by its parent's id."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
            command = (entry.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == server.process.pid and b"rs_core.worker" in command:
            return int(entry.parent.name)
    raise AssertionError("the server has no compute process")


def hold_accessible(page: Page, *others: str) -> None:
    """Nothing scrolls sideways, and axe finds nothing serious but in what is not this app's own.

    Args:
        others: further marks of elements that Streamlit wrote.
    """
    page.mouse.move(0, 0)  # a button looks different under the pointer
    page.wait_for_timeout(500)
    comes_true(page, f"{_SIDEWAYS} <= 1")
    results = Axe().run(page)
    bad = [v for v in results.response["violations"] if v["impact"] in ("serious", "critical")]
    ours = [
        (v["id"], node["html"])
        for v in bad
        for node in v["nodes"]
        if not any(mark in node["html"] for mark in (*_STREAMLITS, *others))
    ]
    assert ours == [], ours


def hold_accessible_everywhere(page: Page, shown: Callable[[Page], None], *others: str) -> None:
    """`hold_accessible` of one run in light and dark, on a wide screen and on a phone's.

    Args:
        shown: waits until all that is to be looked at is there.
        others: as there.
    """
    shown(page)
    assert page.viewport_size is not None
    height = page.viewport_size["height"]
    for scheme, background in (("light", "> 600"), ("dark", "< 165")):
        page.emulate_media(color_scheme=scheme)
        comes_true(page, f"{_BRIGHTNESS} {background}")
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": height})
            hold_accessible(page, *others)
