"""Thirty people on other pages while a training runs; `python -m benchmarks.training_company`.

Needs what the browser tests need. Each has the Start page open; in turn each switches teaching
mode on and off, and the time from the click to the frame that shows the remark is the answer's.
"""

import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from benchmarks.browser import wait
from benchmarks.timing import verdict
from tests.browser.conftest import CHROMIUM, FLAGS, serve, stop

PEOPLE, ROUNDS = 30, 4
TRAINING = "train?train_epochs=1000"
_SWITCH = "document.querySelector('[data-testid=stSidebar] [role=switch]')"
_REMARK = (
    "document.querySelector('[data-testid=stMainBlockContainer]').innerText"
    ".includes('Clopper-Pearson bound')"
)


def answers(pages: list[Page]) -> list[float]:
    """Seconds of every switch, on and off, of every person in turn."""
    found = []
    for turn in range(ROUNDS):
        for page in pages:
            found.append(wait(page, _SWITCH, _REMARK if turn % 2 == 0 else f"!{_REMARK}"))
    return found


def main() -> None:
    with sync_playwright() as started, tempfile.TemporaryDirectory() as home:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        server = serve(Path(home))
        try:
            pages = [browser.new_context().new_page() for _ in range(PEOPLE)]
            for page in pages:
                page.set_default_timeout(120_000)
                page.goto(server.url)
                page.get_by_text("A Certified").wait_for()
            alone = answers(pages)
            trainer = browser.new_context().new_page()
            trainer.set_default_timeout(120_000)
            trainer.goto(f"{server.url}/{TRAINING}")
            trainer.get_by_role("button", name="Start the training").click()
            trainer.get_by_text("Epoch 2 of 1000").wait_for()
            beside = answers(pages)
            trainer.get_by_text("training steps").wait_for()  # it still runs
        finally:
            stop(server)
            browser.close()
    print(f"{PEOPLE} people, no training: p95 {np.quantile(alone, 0.95):.2f} s")
    p95 = float(np.quantile(beside, 0.95))
    print(verdict(f"{PEOPLE} people beside a training, p95, s", p95, 0.5, at_most=True))


if __name__ == "__main__":
    main()
