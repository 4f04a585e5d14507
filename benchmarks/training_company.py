"""Thirty people on other pages while a training runs; `python -m benchmarks.training_company`.

Needs what the browser tests need. Each has the Start page open; in turn each switches teaching
mode on and off. Timed are the app's answer, from the question's leaving the browser to the arrival
of the last message, and what one sees, from the click to the frame that shows the remark. Thirty
browsers draw on the cores that the app computes on, so the second is a bound on what people at
machines of their own would see.
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


# Streamlit's socket: when it last asked after a rest, and when it last heard.
_LISTEN = """(() => {
  const Plain = window.WebSocket;
  window.WebSocket = class extends Plain {
    constructor(...words) {
      super(...words);
      this.addEventListener("message", () => { window.heard = performance.now(); });
    }
    send(message) { window.asked ??= performance.now(); super.send(message); }
  };
})()"""
_RESTS = "document.querySelector('[data-test-script-state=notRunning]')"


def answers(pages: list[Page]) -> tuple[float, float]:
    """95 % quantiles of answer and sight, seconds: every person in turn, on and off."""
    heard, seen = [], []
    for turn in range(ROUNDS):
        for page in pages:
            page.evaluate("window.asked = null")
            seen.append(wait(page, _SWITCH, _REMARK if turn % 2 == 0 else f"!{_REMARK}"))
            page.wait_for_function(_RESTS)
            heard.append(page.evaluate("window.heard - window.asked") / 1000)
    return float(np.quantile(heard, 0.95)), float(np.quantile(seen, 0.95))


def main() -> None:
    with sync_playwright() as started, tempfile.TemporaryDirectory() as home:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        server = serve(Path(home))
        try:
            pages = [browser.new_context().new_page() for _ in range(PEOPLE)]
            for page in pages:
                page.set_default_timeout(120_000)
                page.add_init_script(_LISTEN)
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
    for when, (heard, seen) in (("no training", alone), ("beside a training", beside)):
        label = f"{PEOPLE} people, {when}, p95 of the answer, s"
        print(verdict(label, heard, 0.5, at_most=True))
        print(f"  seen on screen, by browsers on the same cores, p95: {seen:.2f} s")


if __name__ == "__main__":
    main()
