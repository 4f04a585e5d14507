"""The page of balls in a real browser: points, orders, rules, and a frozen file."""

import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect

from rs_core.guarantees.regions.file import read_allocation
from tests.browser.acts import comes_true, hold_accessible_everywhere, main
from tests.browser.conftest import Visitor

PLANE = "memory?points=Points+in+the+plane&plane_balls_n=500"
SUMS = re.compile(r"One after another, in your order, the regions sum up to")
DIFFER = re.compile(r"\d+ of 12 answers differ")


def press(page: Page, name: str) -> None:
    main(page).get_by_role("button", name=name, exact=True).click()


def circles(page: Page) -> list[float]:
    """Widths of the circles on the left, as drawn."""
    script = """() => {
        const plot = [...document.querySelectorAll('.js-plotly-plot')].find(
            (p) => (p.layout.shapes || []).length);
        return plot ? plot.layout.shapes.map((s) => s.x1 - s.x0) : [];
    }"""
    comes_true(page, f"({script})().length > 0")
    return [round(width, 6) for width in page.evaluate(script)]


def still(page: Page) -> list[float]:
    """The circles once they have stopped changing."""
    seen = circles(page)
    while True:
        page.wait_for_timeout(500)
        seen, last = circles(page), seen
        if seen == last:
            return seen


def summed(page: Page) -> None:
    expect(main(page).get_by_text(SUMS)).to_be_visible(timeout=90_000)


def certified(visit: Visitor, count: int = 5) -> Page:
    page = visit(PLANE).page
    main(page).get_by_label("How many, evenly spread").fill(str(count))
    press(page, "Add a batch")
    press(page, f"Certify {count} points")
    summed(page)
    return page


def test_five_points_are_added_one_by_one_and_as_a_batch(visit: Visitor) -> None:
    opened = visit("memory?images_balls_n=200")
    page = opened.page
    press(page, "Add this image: digit-3")
    expect(main(page).get_by_role("button", name="Certify 1 point")).to_be_enabled()
    main(page).get_by_label("How many, evenly spread").fill("4")
    press(page, "Add a batch")
    press(page, "Certify 5 points")
    summed(page)
    expect(main(page).get_by_text("No two of these balls meet")).to_be_visible()
    assert opened.is_clean()


def test_another_order_changes_a_radius(visit: Visitor) -> None:
    page = certified(visit, 12)
    expect(main(page).get_by_text("Both sides give the same answers")).to_be_visible()
    before = still(page)
    press(page, "Most met first")
    expect(main(page).get_by_text(DIFFER).first).to_be_visible()
    assert still(page) != before
    press(page, "As they came")
    expect(main(page).get_by_text("Both sides give the same answers")).to_be_visible()
    assert still(page) == before


def test_a_point_moves_by_the_keyboard_alone(visit: Visitor) -> None:
    page = certified(visit)
    for name, order in (("Down", "1-0-2-3-4"), ("Down", "1-2-0-3-4"), ("Up", "1-0-2-3-4")):
        main(page).get_by_role("button", name=name, exact=True).focus()
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(f"order={order}"))


def test_rules_are_compared_and_stay_in_the_address(visit: Visitor) -> None:
    page = certified(visit, 12)
    main(page).get_by_label("Rule on the left").click()
    page.get_by_role("option", name="regions, one after another").click()
    main(page).get_by_label("Rule on the right").click()
    page.get_by_role("option", name="regions by linear programme, disjoint").click()
    expect(main(page).get_by_text(DIFFER).first).to_be_visible()
    expect(main(page).get_by_text("disjoint: sum").first).to_be_visible()
    asked = parse_qs(urlparse(page.url).query)
    page.reload()
    expect(main(page).get_by_text(DIFFER).first).to_be_visible()
    assert parse_qs(urlparse(page.url).query) == asked


def test_frozen_regions_are_downloaded_and_check(visit: Visitor, tmp_path: Path) -> None:
    page = certified(visit)
    press(page, "Freeze")
    sealed = main(page).get_by_text("valid for queries after this allocation was frozen")
    expect(sealed.first).to_be_visible(timeout=90_000)
    with page.expect_download() as download:
        main(page).get_by_role("button", name="Frozen regions, JSON").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    record = read_allocation(file)
    record.allocation.check()
    assert record.network == "plane-mlp"
    assert file.name == f"rs-regions-{record.allocation.hash[:8]}.json"
    expect(main(page).get_by_text(f"rs regions check {file.name}")).to_be_visible()
    page.reload()
    expect(main(page).get_by_text(record.allocation.hash).first).to_be_visible(timeout=60_000)
    assert json.loads(file.read_text())["version"] == 2


def test_the_page_is_accessible_and_fits_a_phone(visit: Visitor) -> None:
    opened = visit(PLANE)
    page = opened.page
    press(page, "Add a batch")
    press(page, "Certify 12 points")
    hold_accessible_everywhere(page, summed)
    assert opened.is_clean()
