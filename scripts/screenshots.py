"""Takes the README's screenshots, where the browser tests run.

.venv/bin/python -m scripts.screenshots
"""

import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS, ROOT, serve, stop

OUT = ROOT / "docs"
SHOTS = {
    "sweep": ("sweep?sweep_n=10000", 1280, 1640, "light"),
    "sweep-dark": ("sweep?sweep_n=10000&image=kingfisher&model=cifar10-conv4", 1280, 1240, "dark"),
    "start-narrow": ("", 390, 1240, "light"),
}


def take(page: Page, path: Path) -> None:
    """Wait for what the page promises, then photograph it."""
    if "sweep" in page.url:
        page.get_by_role("button", name="Start the sweep").click()
        page.get_by_text("Drag the noise level").first.wait_for()
    else:
        page.get_by_text("Try another image").wait_for()
    page.mouse.move(0, 0)
    page.wait_for_timeout(2500)
    page.screenshot(path=path)


def main() -> None:
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home, sync_playwright() as started:
        server = serve(Path(home))
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name, (path, width, height, scheme) in SHOTS.items():
            page = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme
            ).new_page()
            page.set_default_timeout(120_000)
            page.goto(f"{server.url}/{path}")
            take(page, OUT / f"{name}.png")
        browser.close()
        stop(server)


if __name__ == "__main__":
    main()
