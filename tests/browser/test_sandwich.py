"""Sandwiches in the browser: both ends move, a reload finds them, ends that cross are red."""

import json
import re
import time
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect

from rs_core.results import from_json, to_json
from rs_core.results.sandwich import SandwichStrip
from rs_core.store.documents import read_document, write_document
from tests.browser.acts import (
    RUNNING,
    as_asked,
    cancel,
    comes_true,
    hold_accessible_everywhere,
    main,
    run_of,
)
from tests.browser.conftest import Server, Visit, Visitor

SMALL = (
    "sandwich_n=300&sandwich_n0=20&sandwich_steps=10&sandwich_draws=2&sandwich_rounds=3"
    "&sandwich_judged=16&sandwich_confirm_n=200"
)
ONE = f"sandwich?{SMALL}"
PRESETS = f"sandwich?{SMALL}&sandwich_source=Presets"
LONG = (
    "sandwich?sandwich_n=40000&sandwich_steps=40&sandwich_draws=8&sandwich_rounds=40"
    "&sandwich_judged=64&sandwich_restarts=3"
)
# Notes what each tick draws: the lower end so far, and the attack's own opinion of the upper one.
WATCH = """() => { window.seen = {low: new Set(), high: new Set()}; setInterval(() => {
  for (const plot of document.querySelectorAll('.js-plotly-plot'))
    for (const trace of plot.data || []) {
      if (trace.name === 'certified so far') seen.low.add(trace.x[0]);
      if (trace.name === 'attack, unconfirmed') seen.high.add(trace.x[0]);
    } }, 100); }"""
SIDEWAYS = """(() => { const m = document.querySelector('[data-testid=stMain]');
  return m.scrollWidth - m.clientWidth; })()"""


def start(page: Page) -> None:
    button = main(page).get_by_role("button", name=re.compile("Make the sandwich"))
    expect(button).to_be_enabled()
    button.click()


def finished(page: Page) -> None:
    expect(main(page).get_by_text("Both ends are probabilistic")).to_be_visible(timeout=120_000)
    as_asked(page)


def download(page: Page, label: str) -> bytes:
    with page.expect_download() as waiting:
        main(page).get_by_role("button", name=label, exact=True).click()
    return Path(waiting.value.path()).read_bytes()


def result_on_disk(server: Server, run: str) -> Path:
    """Where a run's result lies, once it is finished."""
    deadline = time.monotonic() + 120
    while state_on_disk(server, run) != "finished":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return server.home / "runs" / run / "result.json"


def state_on_disk(server: Server, run: str) -> str:
    state = server.home / "runs" / run / "state"
    return str(read_document(state).content["state"]) if state.is_file() else "queued"


def left_at_work(visit: Visitor, server: Server) -> tuple[Visit, str, str]:
    """(visit, address, run) of a sandwich that nobody looked at once it was finished.

    A busy machine may finish one before its page is left: then another is started.
    """
    for seed in range(4, 10):
        opened = visit(f"{PRESETS}&seed={seed}")
        start(opened.page)
        expect(opened.page).to_have_url(re.compile("run="))
        address = opened.page.url
        opened.page.goto("about:blank")
        run = parse_qs(urlparse(address).query)["run"][0]
        if state_on_disk(server, run) != "finished":
            return opened, address, run
        opened.page.context.close()
    raise AssertionError("every sandwich was finished before its page was left")


def test_both_ends_move_while_it_runs(visit: Visitor) -> None:
    opened = visit(LONG)
    page = opened.page
    expect(main(page).get_by_text("No sandwich yet")).to_be_visible()
    expect(main(page).get_by_text(re.compile("^1 image: at most"))).to_be_visible()
    page.evaluate(WATCH)
    start(page)
    expect(main(page).get_by_text(RUNNING)).to_be_visible()
    comes_true(page, "seen.low.size > 1 && seen.high.size > 1", 120)
    expect(main(page).get_by_text("the attack's own opinion")).to_be_visible()
    run = run_of(page)
    page.reload()
    expect(main(page).get_by_text(RUNNING)).to_be_visible()
    assert run_of(page) == run
    cancel(page)
    assert opened.is_clean()


def test_every_preset_lies_between_its_ends(visit: Visitor) -> None:
    opened = visit(PRESETS)
    page = opened.page
    start(page)
    finished(page)
    run = run_of(page)
    page.reload()
    finished(page)
    assert run_of(page) == run
    strip = from_json(SandwichStrip, json.loads(download(page, "JSON")))
    assert len(strip.sandwiches) > 1
    assert strip.crossings == ()
    assert any(one.lower > 0 and one.upper is not None for one in strip.sandwiches)
    rows = download(page, "TSV").decode().splitlines()
    assert len(rows) == 1 + len(strip.sandwiches)
    assert download(page, "Report").decode().startswith("<!DOCTYPE html>")
    held = np.load(BytesIO(download(page, "Images")))
    found = [strip.sandwiches[i].attack for i in held["frozen_index"]]
    np.testing.assert_array_equal(held["frozen"], np.stack([a.adversarial for a in found if a]))
    first = strip.by_gap()[0].name
    expect(main(page).get_by_alt_text(f"{first}, as the network sees it")).to_be_visible()
    chooser = main(page).get_by_label("Look at one image, by ascending gap")
    expect(chooser).to_have_value(re.compile(f"^{first}: "))
    chooser.focus()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(chooser).not_to_have_value(re.compile(f"^{first}: "))
    other = chooser.input_value().partition(": ")[0]
    expect(main(page).get_by_alt_text(f"{other}, as the network sees it")).to_be_visible()
    expect(main(page).get_by_text(re.compile(r"Frozen at σ = 0\.25"))).to_be_visible()
    stranger = visit(page.url.rsplit("/", 1)[1])
    expect(main(stranger.page).get_by_text("belongs to somebody else")).to_be_visible()
    assert opened.is_clean()


def test_none_found_is_never_called_safe(visit: Visitor) -> None:
    page = visit(f"{ONE}&sandwich_eps=0.01&sandwich_attack=PGD").page
    start(page)
    finished(page)
    sentence = "None found up to ℓ2 distance 0.01 (pixels of [0,1]): not safe, only not found."
    expect(main(page).get_by_text(sentence)).to_be_visible()
    expect(main(page).get_by_role("figure", name=re.compile("no attack found"))).to_be_visible()


def test_the_system_that_picks_again_has_an_attack_end_only(visit: Visitor) -> None:
    page = visit(
        f"{ONE}&sandwich_level=Picked+for+each+image&sandwich_selector=multistart"
        "&sandwich_multistart_levels=3&sandwich_multistart_m=8&sandwich_pipeline=true"
    ).page
    start(page)
    finished(page)
    expect(main(page).get_by_text("C Fixed sigma", exact=True)).to_be_visible()
    second = main(page).get_by_text("nothing certified; an attack end only")
    expect(second).to_be_visible()
    expect(main(page).get_by_text("D Empirical", exact=True)).to_have_count(2)


def test_a_forced_crossing_is_red_and_kept_for_a_bug_report(visit: Visitor, server: Server) -> None:
    """The stored result is changed on disk: the app has no way of making ends cross.

    Nobody looks meanwhile, for a result that was drawn once is not read again.
    """
    opened, address, run = left_at_work(visit, server)
    page = opened.page
    kept = result_on_disk(server, run)
    result = read_document(kept).content
    strip = from_json(SandwichStrip, result)
    place = next(i for i, one in enumerate(strip.sandwiches) if one.upper and one.lower)
    named, upper = strip.sandwiches[place].name, strip.sandwiches[place].upper
    result["sandwiches"][place]["certificate"]["radius"] = upper + 0.25
    write_document(kept, result)
    page.goto(address)
    box = main(page).get_by_test_id("stAlert").first
    expect(box).to_contain_text("Inconsistent: alpha event, different classifier, or bug")
    expect(box).to_contain_text(named)
    red = [int(part) for part in re.findall(r"\d+", box.locator("> *").first.evaluate(
        "element => getComputedStyle(element).color"
    ))[:3]]  # fmt: skip
    assert red[0] > max(red[1:])
    expect(main(page).get_by_text("lies above the confirmed attack")).to_be_visible()
    expect(main(page).get_by_role("figure", name=re.compile("1 inconsistent"))).to_be_visible()
    told = json.loads(download(page, "The whole run, for a bug report"))
    assert told["result"] == result
    assert [one["name"] for one in told["report"]["crossings"]] == [named]
    assert len(told["images"]) == len(strip.sandwiches)
    again = json.loads(download(page, "JSON"))
    assert to_json(from_json(SandwichStrip, again)) == result
    assert kept.is_file()
    assert opened.is_clean()


def test_it_is_accessible_and_never_scrolls_sideways(visit: Visitor) -> None:
    def opened(page: Page) -> None:
        finished(page)
        main(page).get_by_text("The attack in numbers").first.click()
        expect(main(page).get_by_text("PREDICT drew noise").first).to_be_visible()

    page = visit(f"{PRESETS}&teach=true", viewport={"width": 1280, "height": 2800}).page
    start(page)
    hold_accessible_everywhere(page, opened)
