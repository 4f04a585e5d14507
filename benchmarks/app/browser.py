"""The app in a real Chromium: how long people wait; `.venv/bin/python -m benchmarks.app.browser`.

Needs what the browser tests need. Waiting is timed inside the page, from the click to the frame
that shows the answer.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.timing import verdict
from tests.browser.conftest import CHROMIUM, FLAGS, Server, serve, stop

ROUNDS, TICKS, PEOPLE = 5, 20, 10
LIVE = "sweep?sweep_n=3000000"
# Clicks what `find` returns, then waits frame by frame until `done` holds; milliseconds.
_WAIT = """([find, done]) => new Promise((answer) => {
  const begun = performance.now();
  eval(find).click();
  const look = () => eval(done)
    ? requestAnimationFrame(() => answer(performance.now() - begun)) : requestAnimationFrame(look);
  look();
})"""
_SAYS = "document.querySelector('[data-testid=stMainBlockContainer]').innerText"


def button(name: str) -> str:
    """Script that finds a button of the main column by its words."""
    return f"[...document.querySelectorAll('button')].find((b) => b.innerText.endsWith('{name}'))"


def wait(page: Page, find: str, done: str) -> float:
    """Seconds from a click to the answer."""
    return float(page.evaluate(_WAIT, [find, done])) / 1000


def first_curve(page: Page, url: str, seed: int) -> float:
    """Click to curve: 12 sigmas x 100 copies, 1x28x28, worker warm."""
    page.goto(f"{url}/sweep?sweep_n=100&seed={seed}")
    page.get_by_text("No sweep yet").wait_for()
    page.wait_for_timeout(500)
    return wait(page, button("Start the sweep"), "document.querySelector('.js-plotly-plot .trace')")


def update(page: Page, url: str, seed: int) -> float:
    """Arrow key on the Start page's slider to the next certificate."""
    page.goto(f"{url}/?seed={seed}&sigma=0.25")
    page.get_by_text("σ=0.25 ").wait_for()
    page.wait_for_timeout(1500)
    page.get_by_role("slider").focus()
    page.evaluate(
        f"() => {{ window.seen = new Promise((answer) => {{ const look = () => {_SAYS}"
        ".includes('σ=0.5 ') ? answer(performance.now()) : requestAnimationFrame(look); look(); });"
        " window.pressed = null; addEventListener('keydown', () => { pressed ??= performance.now()"
        " }, true); }"
    )
    page.keyboard.press("ArrowRight")
    return float(page.evaluate("() => seen.then((then) => then - pressed)")) / 1000


def cancel(page: Page, url: str, seed: int) -> float:
    """Cancel to its acknowledgement."""
    page.goto(f"{url}/{LIVE}&seed={seed}")
    page.get_by_text("No sweep yet").wait_for()
    page.get_by_role("button", name="Start the sweep").click()
    page.get_by_role("button", name="Cancel").wait_for()
    page.wait_for_timeout(1200)
    return wait(page, button("Cancel"), f"{_SAYS}.includes('Cancelled after')")


def live_tick(server: Server, page: Page) -> float:
    """CPU milliseconds of the web process for each second that one person watches a live curve."""
    page.goto(f"{server.url}/{LIVE}&seed=99")
    page.get_by_text("No sweep yet").wait_for()
    page.get_by_role("button", name="Start the sweep").click()
    page.locator(".js-plotly-plot").first.wait_for()
    page.wait_for_timeout(2000)
    before = cpu_seconds(server.process.pid)
    page.wait_for_timeout(1000 * TICKS)
    spent = cpu_seconds(server.process.pid) - before
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("Cancelled after").wait_for()
    return 1000 * spent / TICKS


def drag_messages(page: Page, url: str) -> int:
    """Messages to the server while the slider of a finished curve is moved from end to end."""
    page.goto(f"{url}/sweep?sweep_n=300")
    page.get_by_role("button", name="Start the sweep").click()
    rail = page.locator(".slider-rail-touch-rect").first
    rail.wait_for()
    page.wait_for_timeout(2000)
    page.evaluate(
        "() => { window.sent = 0; const send = WebSocket.prototype.send; "
        "WebSocket.prototype.send = function (x) { sent++; send.call(this, x); } }"
    )
    box = rail.bounding_box()
    assert box is not None
    for share in range(2, 99, 4):
        at = {"x": share / 100 * box["width"], "y": box["height"] / 2}
        rail.click(position=at, force=True)
    return int(page.evaluate("sent"))


def fairness(browser: Browser, url: str) -> float:
    """Slowest over fastest of ten people who start the same sweep at once."""
    pages = [browser.new_context().new_page() for _ in range(PEOPLE)]
    for seed, page in enumerate(pages):
        page.goto(f"{url}/sweep?sweep_n=3000&seed={1000 + seed}")
        page.get_by_text("No sweep yet").wait_for(timeout=120_000)
    begun = time.time()
    for page in pages:
        page.evaluate(
            f"() => {{ window.over = new Promise((answer) => {{ const look = () => "
            f"{_SAYS}.includes('Drag the noise') ? answer(Date.now()) : setTimeout(look, 50); "
            f"look(); }}); {button('Start the sweep')}.click(); }}"
        )
    ends = [float(page.evaluate("() => over")) / 1000 - begun for page in pages]
    for page in pages:
        page.context.close()
    print(f"ten sweeps at once: {', '.join(f'{end:.1f}' for end in sorted(ends))} s")
    return max(ends) / min(ends)


def painted(browser: Browser, home: Path) -> float:
    """From starting the app, everything installed, to a finished certificate on screen."""
    begun = time.perf_counter()
    server = serve(home)
    try:
        page = browser.new_context().new_page()
        page.goto(server.url)
        page.get_by_text("A Certified").wait_for(timeout=60_000)
        return time.perf_counter() - begun
    finally:
        stop(server)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> float:
    """Resident memory of a process, MB."""
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("VmRSS")) / 1024


def has_torch(pid: int) -> bool:
    """Whether a process has mapped torch's library."""
    return "libtorch" in Path(f"/proc/{pid}/maps").read_text()


def median(measure: Callable[[Page, str, int], float], page: Page, url: str) -> float:
    """Median of several; the first, not counted, warms up."""
    return statistics.median([measure(page, url, seed) for seed in range(ROUNDS + 1)][1:])


def main() -> None:
    with sync_playwright() as started, tempfile.TemporaryDirectory() as home:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        painted(browser, Path(home))
        rows = [("second start to a finished certificate, s", painted(browser, Path(home)), 10.0)]
        server = serve(Path(home))
        page = browser.new_context(viewport={"width": 1280, "height": 2400}).new_page()
        page.set_default_timeout(120_000)
        rows += [
            ("click to first curve, 12 sigmas x 100, s", median(first_curve, page, server.url), 1),
            ("arrow key to another certificate, s", median(update, page, server.url), 0.4),
            ("cancel to its acknowledgement, s", median(cancel, page, server.url), 0.3),
            ("messages to the server while the slider moves", drag_messages(page, server.url), 0),
            ("CPU of the web process per live tick, ms", live_tick(server, page), 15),
            ("ten sweeps at once, slowest / fastest", fairness(browser, server.url), 1.5),
            ("web process, MB", resident(server.process.pid), 300),
            ("torch in the web process", has_torch(server.process.pid), 0),
        ]
        for label, value, bar in rows:
            print(verdict(label, float(value), bar, at_most=True))
        stop(server)
        browser.close()


if __name__ == "__main__":
    main()
