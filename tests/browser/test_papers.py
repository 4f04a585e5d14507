"""The page Papers in the browser: a study that came along, and a table repeated here."""

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect

from rs_core.logs.studies import shipped_studies
from rs_core.results import from_json
from rs_core.results.paper import RepeatedTable
from tests.browser.acts import RUNNING, TABLES, hold_accessible_everywhere, main, run_of
from tests.browser.conftest import Visitor

HERE = "papers?papers_part=Repeat+a+table+here"
WORKING = 120_000  # a busy machine repeats slowly


def whole(page: Page) -> None:
    """A table is shown to its end."""
    expect(main(page).get_by_text("On the command line, this repeats it")).to_be_visible(
        timeout=WORKING
    )


def start(page: Page) -> None:
    expect(main(page).get_by_text("with no other run")).to_be_visible(timeout=WORKING)
    main(page).get_by_role("button", name="Repeat this table").click()


def test_a_study_is_looked_at_and_taken_home(visit: Visitor) -> None:
    known = shipped_studies()
    opened = visit("papers?study=trial-small")
    page = opened.page
    whole(page)
    listed = main(page).get_by_role("region", name="Studies that come along")
    expect(listed.get_by_role("row")).to_have_count(1 + len(known))
    scores = main(page).get_by_role("region", name=re.compile("^Average certified radius"))
    expect(scores.get_by_text("A Certified").first).to_be_visible()
    expect(main(page).get_by_role("figure")).to_have_count(1)
    with page.expect_download() as waiting:
        main(page).get_by_role("button", name="Everything, JSON").click()
    found = from_json(RepeatedTable, json.loads(Path(waiting.value.path()).read_bytes()))
    assert found == known["trial-small"]
    assert opened.is_clean()


def test_a_table_is_repeated_interrupted_found_again_and_resumed(visit: Visitor) -> None:
    opened = visit(HERE)
    page = opened.page
    start(page)
    expect(main(page).get_by_text(re.compile("^Row [12] of 3"))).to_be_visible(timeout=WORKING)
    run = run_of(page)
    page.get_by_role("button", name="Pause").click()
    expect(main(page).get_by_text(re.compile("^Paused"))).to_be_visible()
    page.reload()
    expect(main(page).get_by_text(re.compile("^Paused"))).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(main(page).get_by_text(RUNNING)).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(main(page).get_by_text("Every finished image is kept")).to_be_visible()
    page.goto(page.url.partition("?")[0] + HERE.removeprefix("papers"))
    main(page).get_by_role("button", name=re.compile("can go on$")).click()
    main(page).get_by_role("button", name="Resume").click()
    whole(page)
    assert run_of(page) == run
    expect(main(page).get_by_text("gaussian, sigma per image").first).to_be_visible()
    stranger = visit(f"papers?run={run}")
    expect(main(stranger.page).get_by_text("belongs to somebody else")).to_be_visible()
    assert opened.is_clean()


def test_studies_are_accessible_and_never_scroll_sideways(visit: Visitor) -> None:
    page = visit("papers?study=trial-small", viewport={"width": 1280, "height": 3600}).page
    hold_accessible_everywhere(page, whole, *TABLES)


def test_the_form_is_worked_by_keyboard(visit: Visitor) -> None:
    page = visit(f"{HERE}&paper_limit=4").page
    expect(main(page).get_by_text("no claim can be told")).to_be_visible(timeout=WORKING)
    expect(main(page).get_by_text("with no other run")).to_be_visible(timeout=WORKING)
    main(page).get_by_role("button", name="Repeat this table").focus()
    page.keyboard.press("Enter")
    whole(page)
    expect(main(page).get_by_text("2 cannot be told")).to_be_visible()
