"""What a person does in the app, in a real browser with the real worker."""

import json
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect

from rs_core.logs import read_log
from tests.browser.acts import (
    LONG,
    QUICK,
    finished,
    hold_accessible_everywhere,
    main,
    run_of,
    sidebar,
    start,
)
from tests.browser.conftest import ROOT, Visitor, serve, stop

PAGES = {
    "": "How far can this image be changed?",
    "sweep": "Which noise level suits this image?",
    "compare": "Who picks the noise level best?",
    "sandwich": "How robust is this image, really?",
    "attack": "What breaks it?",
    "memory": "Which balls can stand side by side?",
    "train": "How does training with noise change the radii?",
    "papers": "Do the papers' claims hold here?",
}


@pytest.mark.parametrize("path", PAGES)
def test_cold_server_deep_link(path: str, visit: Visitor, tmp_path: Path) -> None:
    cold = serve(tmp_path)
    try:
        opened = visit(path, at=cold)
        page = opened.page
        expect(page.get_by_role("heading", level=1)).to_have_text(PAGES[path])
        menu = page.get_by_test_id("stSidebarNav").get_by_role("link")
        expect(menu).to_have_count(len(PAGES))
        expect(sidebar(page).get_by_text("Preset image")).to_be_visible()
        expect(page.get_by_role("dialog")).to_have_count(0)
        assert opened.is_clean()
    finally:
        stop(cold)


def test_a_preset_is_diagnosed_without_a_click(visit: Visitor) -> None:
    opened = visit()
    expect(main(opened.page).get_by_text("A Certified")).to_be_visible()
    expect(main(opened.page).get_by_role("figure").first).to_be_visible()
    expect(main(opened.page).get_by_text(re.compile("Certified ℓ2 radius"))).to_be_visible()
    assert opened.is_clean()


def test_the_tour_has_four_steps_and_leads_back(visit: Visitor) -> None:
    opened = visit("?teach=true")
    page = opened.page
    expect(main(page).get_by_text("Clopper-Pearson bound")).to_be_visible()
    expect(sidebar(page).get_by_text("Seed, risk, device")).to_have_count(0)
    page.get_by_role("button", name="Take the tour").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("1. One image")).to_be_visible()
    for step in ("2. One vote", "3. Which noise", "4. What may be claimed"):
        dialog.get_by_role("button", name="Next").click()
        expect(dialog.get_by_text(step)).to_be_visible()
    dialog.get_by_role("button", name="Back").click()
    expect(dialog.get_by_text("3. Which noise")).to_be_visible()
    dialog.get_by_role("button", name="Next").click()
    dialog.get_by_role("button", name="Start looking").click()
    expect(dialog).to_have_count(0)
    main(page).get_by_role("button", name="cat", exact=True).click()
    expect(sidebar(page).get_by_alt_text(re.compile("cat, as it came"))).to_be_visible()
    assert opened.is_clean()


def test_a_click_draws_the_curve(visit: Visitor) -> None:
    opened = visit("sweep?sweep_n=100&sweep_n0=10")
    expect(main(opened.page).get_by_text("No sweep yet")).to_be_visible()
    start(opened.page)
    expect(main(opened.page).locator(".js-plotly-plot").first).to_be_visible()
    finished(opened.page)
    assert opened.is_clean()


def test_a_live_sweep_is_paused_resumed_and_cancelled(visit: Visitor) -> None:
    opened = visit(f"sweep?{LONG}")
    page = opened.page
    start(page)
    expect(main(page).get_by_text("live: anytime-valid band").first).to_be_visible()
    before = main(page).get_by_text(re.compile("forward passes, about")).inner_text()
    expect(main(page).get_by_text(re.compile("^Running"))).not_to_have_text(before)
    page.get_by_role("button", name="Pause").click()
    expect(main(page).get_by_text(re.compile("^Paused"))).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(main(page).get_by_text(re.compile("^Running"))).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(main(page).get_by_text(re.compile("^Cancelled after"))).to_be_visible()
    expect(main(page).get_by_role("progressbar")).to_have_count(0)
    assert opened.is_clean()


def test_a_reload_finds_the_run_and_a_copied_link_does_not(visit: Visitor) -> None:
    opened = visit(f"sweep?{LONG}")
    page = opened.page
    start(page)
    expect(main(page).get_by_text(re.compile("^Running"))).to_be_visible()
    run = run_of(page)
    page.reload()
    expect(main(page).get_by_text(re.compile("^Running"))).to_be_visible()
    assert run_of(page) == run
    stranger = visit(page.url.rsplit("/", 1)[1])
    expect(main(stranger.page).get_by_text("belongs to somebody else")).to_be_visible()
    expect(main(stranger.page).get_by_text(re.compile("^Running"))).to_have_count(0)
    page.get_by_role("button", name="Cancel").click()
    expect(main(page).get_by_text(re.compile("^Cancelled after"))).to_be_visible()


def test_the_copied_link_shows_the_same_numbers(visit: Visitor) -> None:
    page = visit(f"sweep?image=digit-9&seed=5&alpha=0.01&{QUICK}").page
    start(page)
    finished(page)
    sidebar(page).get_by_text("Copy link").click()
    link = page.get_by_test_id("stPopoverBody").locator("pre").inner_text()
    assert "run=" not in link
    other = visit(link.rsplit("/", 1)[1]).page
    start(other)
    finished(other)
    statement = re.compile("Certified ℓ2 radius")
    ours = main(page).get_by_text(statement).first.inner_text()
    assert main(other).get_by_text(statement).first.inner_text() == ours
    assert "P(this statement is false) ≤ 0.01" in ours


def test_the_slider_moves_without_the_server(visit: Visitor) -> None:
    page = visit(f"sweep?{QUICK}").page
    start(page)
    finished(page)
    page.wait_for_timeout(1500)
    page.evaluate(
        "() => { window.sent = 0; const send = WebSocket.prototype.send; "
        "WebSocket.prototype.send = function (x) { sent++; send.call(this, x); } }"
    )
    label = main(page).locator(".slider-label").first
    rail = main(page).locator(".slider-rail-touch-rect")
    size = rail.bounding_box()
    assert size is not None
    seen = set()
    for share in (0.02, 0.98):
        rail.click(position={"x": share * size["width"], "y": size["height"] / 2}, force=True)
        seen.add(label.text_content())
    assert seen == {"σ = 0.12", "σ = 0.5"}
    assert page.evaluate("sent") == 0


def test_the_whole_sweep_by_keyboard(visit: Visitor) -> None:
    page = visit("sweep").page
    box = page.get_by_label("Noise levels (sigmas")
    box.focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("0.25, 0.5")
    page.keyboard.press("Enter")
    number = page.get_by_label("Fresh noisy copies that certify it")
    for _ in range(10):
        page.keyboard.press("Tab")
        if number.evaluate("element => element === document.activeElement"):
            break
    page.keyboard.press("Control+a")
    page.keyboard.type("300")
    page.keyboard.press("Enter")
    expect(main(page).get_by_text("1,200 forward passes")).to_be_visible()
    button = page.get_by_role("button", name="Start the sweep")
    for _ in range(10):
        page.keyboard.press("Tab")
        if button.evaluate("element => element === document.activeElement"):
            break
    page.keyboard.press("Enter")
    finished(page)


def test_downloads_parse_and_equal_the_command_line(visit: Visitor, tmp_path: Path) -> None:
    page = visit(f"sweep?image=digit-7&seed=3&{QUICK}").page
    start(page)
    finished(page)
    found = {}
    for label in ("CSV", "TSV", "JSON", "Report"):
        with page.expect_download() as waiting:
            main(page).get_by_role("button", name=label, exact=True).click()
        found[label] = Path(waiting.value.path()).read_text(encoding="utf-8")
    shown = json.loads(found["JSON"])
    radii = [point["radius"] for point in shown["certificates"]]
    assert [row.radius for row in read_log(StringIO(found["TSV"]))] == radii
    assert found["TSV"].startswith("idx\tlabel\tpredict\tradius\tcorrect\ttime\t")
    assert found["CSV"].count("\n") == len(radii) + 2
    assert "<!DOCTYPE html>" in found["Report"]
    command = "sweep --image digit-7 --model mnist-conv4 --seed 3 --sigmas 0.12 0.5 --n 300 --json"
    printed = subprocess.run(
        [sys.executable, "-m", "rs_core", *command.split()], cwd=ROOT, capture_output=True
    )
    assert shown["command"] == "rs app"
    assert json.loads(printed.stdout) == {**shown, "command": f"rs {command}"}


def test_it_is_accessible_and_never_scrolls_sideways(visit: Visitor) -> None:
    def certified(page: Page) -> None:
        expect(main(page).get_by_text("A Certified")).to_be_visible()

    hold_accessible_everywhere(visit().page, certified)
    page = visit(f"sweep?teach=true&{QUICK}").page
    start(page)
    hold_accessible_everywhere(page, finished)
