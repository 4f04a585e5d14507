"""Studies in the browser: curves that grow on a set, found again, taken home."""

import json
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect

from rs_core.results import from_json
from rs_core.results.study import NoiseStudy
from tests.browser.acts import as_asked, main
from tests.browser.conftest import Visitor

QUICK = (
    "attack?attack_part=On+a+set&study_source=Presets&study_noise_sigmas=0%2C+0.3"
    "&study_noise_samples=4&study_noise_steps=3&study_noise_draws=2"
)


def finished(page: Page) -> None:
    json_button = main(page).get_by_role("button", name="JSON", exact=True)
    expect(json_button).to_be_visible(timeout=90_000)
    as_asked(page)


def test_a_set_is_studied_found_again_and_taken_home(visit: Visitor) -> None:
    opened = visit(QUICK)
    page = opened.page
    expect(main(page).get_by_text("No study yet")).to_be_visible()
    button = main(page).get_by_role("button", name="Start the study")
    expect(button).to_be_enabled()
    button.click()
    finished(page)
    page.reload()
    finished(page)
    expect(main(page).get_by_text("D Empirical").first).to_be_visible()
    expect(main(page).get_by_role("figure").first).to_be_visible()
    with page.expect_download() as waiting:
        main(page).get_by_role("button", name="JSON", exact=True).click()
    study = from_json(NoiseStudy, json.loads(Path(waiting.value.path()).read_bytes()))
    assert {point.sigma for point in study.points} == {0.0, 0.3}
    assert all(0 <= point.correct <= len(study.about.indices) for point in study.points)
    # The other part of the page knows nothing of this run.
    main(page).get_by_text("One image", exact=True).click()
    expect(main(page).get_by_text("No attack yet")).to_be_visible()
    assert opened.is_clean()
