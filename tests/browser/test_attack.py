"""The attack lab in the browser: losses seen live, an attack found again, its files."""

import json
import re
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright.sync_api")
from PIL import Image
from playwright.sync_api import Page, expect

from rs_core.results import from_json
from rs_core.results.attack_trial import AttackTrial
from tests.browser.acts import RUNNING, cancel, hold_accessible_everywhere, main, run_of
from tests.browser.conftest import Visitor

QUICK = "attack?attack_epgd_eps=3&attack_epgd_steps=10&attack_epgd_draws=2&attack_confirm_n=200"
LONG = "attack?attack_epgd_steps=3000&attack_epgd_draws=16"
PIXELS = np.float32(255)


def start(page: Page) -> None:
    button = main(page).get_by_role("button", name="Start the attack")
    expect(button).to_be_enabled()
    button.click()


def finished(page: Page) -> None:
    expect(main(page).get_by_role("button", name="npz", exact=True)).to_be_visible(timeout=60_000)
    expect(main(page).get_by_text("D Empirical")).to_be_visible()


def downloaded(page: Page, label: str) -> bytes:
    with page.expect_download() as waiting:
        main(page).get_by_role("button", name=label, exact=True).click()
    return Path(waiting.value.path()).read_bytes()


def test_a_preset_is_attacked_found_again_and_taken_home(visit: Visitor) -> None:
    opened = visit(QUICK)
    page = opened.page
    expect(main(page).get_by_text("No attack yet")).to_be_visible()
    start(page)
    finished(page)
    expect(main(page).get_by_text(re.compile("^Broken at ℓ2"))).to_be_visible()
    run = run_of(page)
    page.reload()
    finished(page)
    assert run_of(page) == run
    expect(main(page).get_by_alt_text(re.compile("10 times as strong, grey"))).to_be_visible()
    expect(main(page).get_by_role("figure")).to_have_count(2)
    trial = from_json(AttackTrial, json.loads(downloaded(page, "JSON")))
    (result,) = trial.results
    assert result.stored_confirmed
    picture = np.asarray(Image.open(BytesIO(downloaded(page, "PNG"))), dtype=np.float32)
    assert np.array_equal(picture[None] / PIXELS, result.stored)
    with np.load(BytesIO(downloaded(page, "npz")), allow_pickle=False) as arrays:
        assert np.array_equal(arrays["adversarial"][0], result.adversarial)
        moved = arrays["adversarial"].astype(np.float64) - arrays["image"]
        assert np.sqrt((moved**2).sum()) == pytest.approx(result.l2)
    header, row = StringIO(downloaded(page, "TSV").decode()).read().splitlines()
    assert float(row.split("\t")[header.split("\t").index("l2")]) == result.l2
    assert opened.is_clean()


def test_losses_are_seen_live_and_the_attack_is_cancelled(visit: Visitor) -> None:
    opened = visit(LONG)
    page = opened.page
    start(page)
    expect(main(page).get_by_text(RUNNING)).to_be_visible()
    figure = main(page).get_by_role("figure", name=re.compile("^Line chart of loss"))
    expect(figure).to_be_visible()
    before = figure.get_attribute("aria-label") or ""
    again = main(page).get_by_role("figure", name=re.compile("^Line chart of loss"))
    expect(again).not_to_have_attribute("aria-label", before)
    page.get_by_role("button", name="Pause").click()
    expect(main(page).get_by_text(re.compile("^Paused"))).to_be_visible()
    run = run_of(page)
    page.reload()
    expect(main(page).get_by_text(re.compile("^Paused"))).to_be_visible()
    assert run_of(page) == run
    stranger = visit(page.url.rsplit("/", 1)[1])
    expect(main(stranger.page).get_by_text("belongs to somebody else")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(main(page).get_by_text(RUNNING)).to_be_visible()
    cancel(page)
    expect(main(page).get_by_role("progressbar")).to_have_count(0)
    assert opened.is_clean()


def test_it_is_accessible_and_never_scrolls_sideways(visit: Visitor) -> None:
    page = visit(QUICK).page
    start(page)
    hold_accessible_everywhere(page, finished)
