"""Selectors compared in the browser: a hundred images, live, cancelled, found again, looked at."""

import json
import re
from io import StringIO
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect

from rs_core.logs import read_log
from rs_core.results import from_json
from rs_core.results.comparison import Comparison
from tests.browser.acts import (
    RUNNING,
    TABLES,
    as_asked,
    done_of,
    hold_accessible_everywhere,
    main,
    run_of,
    scene,
    sidebar,
    stored,
)
from tests.browser.conftest import Visitor

SMALL = (
    "compare_n=50&compare_n0=10&compare_grid_n=4&compare_greedy_grid_evaluations=20"
    "&compare_gradient_steps=10&compare_multistart_m=8&compare_sigmas=0.12%2C+0.25%2C+0.5"
)
FEW = f"compare?{SMALL}&compare_count=3"
HUNDRED = f"compare?{SMALL}&compare_count=100"
LONG = "compare?compare_count=100&compare_n=100000"
METHODS = ("fixed", "grid", "greedy grid", "gradient", "multistart")


def start(page: Page) -> None:
    button = main(page).get_by_role("button", name="Start the comparison")
    expect(button).to_be_enabled()
    button.click()


def finished(page: Page) -> None:
    expect(main(page).get_by_role("heading", name="Image by image")).to_be_visible(timeout=120_000)
    as_asked(page)


def methods_shown(page: Page) -> list[str]:
    cells = main(page).locator("table tbody th")
    return [text.strip() for text in cells.all_inner_texts()]


def test_a_hundred_images_by_five_selectors(visit: Visitor) -> None:
    opened = visit(HUNDRED)
    page = opened.page
    expect(main(page).get_by_text(re.compile("100 images: at most"))).to_be_visible()
    start(page)
    expect(main(page).get_by_text(RUNNING)).to_be_visible()
    expect(main(page).get_by_text("of 5)")).to_be_visible()
    before = done_of(page)
    expect(main(page).get_by_text(RUNNING)).not_to_contain_text(f"{before:,} of")
    expect(main(page).locator("table").first).to_be_visible()
    assert methods_shown(page)[0] == "fixed"
    run = run_of(page)
    page.reload()
    finished(page)
    assert run_of(page) == run
    assert methods_shown(page)[:5] == list(METHODS)
    expect(main(page).get_by_text("100 images of MNIST", exact=False).first).to_be_visible()
    expect(main(page).get_by_text("The oracle is not a defence")).to_be_visible()
    assert opened.is_clean()


def test_a_comparison_is_paused_found_again_and_cancelled(visit: Visitor) -> None:
    opened = visit(LONG)
    page = opened.page
    start(page)
    expect(main(page).get_by_text(RUNNING)).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(main(page).get_by_text(re.compile("^Paused"))).to_be_visible()
    run = run_of(page)
    page.reload()
    expect(main(page).get_by_text(re.compile("^Paused"))).to_be_visible()
    assert run_of(page) == run
    page.get_by_role("button", name="Resume").click()
    expect(main(page).get_by_text(RUNNING)).to_be_visible()
    stranger = visit(page.url.rsplit("/", 1)[1])
    expect(main(stranger.page).get_by_text("belongs to somebody else")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(main(page).get_by_text(re.compile("^Cancelled after"))).to_be_visible()
    expect(main(page).get_by_role("progressbar")).to_have_count(0)
    assert opened.is_clean()


def test_downloads_parse_and_agree(visit: Visitor) -> None:
    page = visit(f"{FEW}&compare_multistart_stronger=true").page
    start(page)
    finished(page)
    found = {}
    for label in ("TSV", "JSON", "Report"):
        with page.expect_download() as waiting:
            main(page).get_by_role("button", name=label, exact=True).click()
        found[label] = Path(waiting.value.path()).read_text(encoding="utf-8")
    whole = from_json(Comparison, json.loads(found["JSON"]))
    assert [m.badge for m in whole.methods] == ["A", "C", "C", "C", "C", "A"]
    rows = read_log(StringIO(found["TSV"]))
    assert [r.radius for r in rows] == [c.radius for m in whole.methods for c in m.certificates]
    header = found["TSV"].splitlines()[0].split("\t")
    assert header[:6] == ["idx", "label", "predict", "radius", "correct", "time"]
    assert header[-1] == "selector"
    assert found["Report"].startswith("<!DOCTYPE html>")
    assert methods_shown(page)[:2] == ["fixed", "multistart, grid minimum"]


def test_a_row_opens_an_image_and_one_click_its_sweep(visit: Visitor) -> None:
    opened = visit(f"{FEW}&seed=5&alpha=0.01&model=mnist-conv4")
    page = opened.page
    start(page)
    finished(page)
    chooser = main(page).get_by_label("Look at one image (or click its row)")
    table = main(page).get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    table.click(position={"x": 16, "y": 36 + 44 + 22})
    expect(chooser).to_have_value(re.compile("^2: "))
    name = chooser.input_value().partition(": ")[2]
    expect(main(page).get_by_text("Where each method put its sigma")).to_be_visible()
    expect(main(page).get_by_text(re.compile("radius with σ frozen at")).first).to_be_visible()
    main(page).get_by_role("link", name="Open in Sigma sweep").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Which noise level suits this image?")
    expect(sidebar(page).get_by_alt_text(f"{name}, as it came")).to_be_visible()
    assert "take=" not in page.url
    page.get_by_label("Fresh noisy copies that certify it").fill("100")
    page.get_by_role("button", name="Start the sweep").click()
    expect(main(page).get_by_text("Drag the noise level").first).to_be_visible()
    expect(main(page).get_by_text(re.compile("seed 5")).first).to_be_visible()
    expect(main(page).get_by_text(re.compile("statement is false\\) ≤ 0.01")).first).to_be_visible()
    assert opened.is_clean()


def test_own_files_are_taken_and_a_bad_one_is_said(visit: Visitor) -> None:
    page = visit(f"{FEW}&compare_source=Your+files").page
    chooser = main(page).locator("input[type=file]")
    chooser.set_input_files([
        {"name": "one.png", "mimeType": "image/png", "buffer": stored(scene("L"), "PNG")},
        {"name": "bad.png", "mimeType": "image/png", "buffer": b"no picture"},
    ])  # fmt: skip
    expect(main(page).get_by_test_id("stAlert").first).to_contain_text("bad.png")
    expect(main(page).get_by_text(re.compile("^1 image: at most"))).to_be_visible()
    start(page)
    finished(page)
    expect(main(page).get_by_text("need the true class of every image")).to_be_visible()


def test_a_network_without_a_set_says_how_to_get_one(visit: Visitor) -> None:
    page = visit("compare?image=cat").page
    expect(main(page).get_by_text("RS_DATA")).to_be_visible()
    expect(main(page).get_by_role("button", name="Start the comparison")).to_be_disabled()
    main(page).get_by_text("What badge C does not promise").click()
    expect(main(page).get_by_text("The certificate is true, and the class flips")).to_be_visible()


def test_it_is_accessible_and_never_scrolls_sideways(visit: Visitor) -> None:
    page = visit(FEW).page
    start(page)
    hold_accessible_everywhere(page, finished, *TABLES)
