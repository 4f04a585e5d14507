"""A training in the browser, with a real worker: watched, left, found again, used."""

import io
import json
import re
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect

from rs_core.models import load_model
from rs_core.results import from_json
from rs_core.results.training import TrainingOutcome
from tests.browser.acts import RUNNING, TABLES, hold_accessible_everywhere, main, run_of, sidebar
from tests.browser.conftest import Visitor

SMALL = "train?train_architecture=mlp&train_count=2&train_precision=fp32"
LONG = f"{SMALL}&train_epochs=400"
SHORT = f"{SMALL}&train_epochs=2"
LEARNING = 180_000  # a busy machine learns slowly


def start(page: Page) -> None:
    button = main(page).get_by_role("button", name="Start the training")
    expect(button).to_be_enabled()
    button.click()


def epoch(page: Page, least: int) -> None:
    """Wait until an epoch of that number, below 10, or a later one is under way."""
    number = re.compile(rf"^Epoch ([{least}-9]|\d\d+) of 400")
    expect(main(page).get_by_text(number)).to_be_visible(timeout=LEARNING)


def finished(page: Page) -> None:
    use = main(page).get_by_role("button", name="Use this model now")
    expect(use).to_be_visible(timeout=LEARNING)


def test_watched_left_found_again_paused_cancelled_and_resumed(visit: Visitor) -> None:
    opened = visit(LONG)
    page = opened.page
    start(page)
    epoch(page, 3)
    expect(main(page).get_by_text("Certified radii while it learns")).to_be_visible()
    run = run_of(page)
    page.reload()
    epoch(page, 3)
    assert run_of(page) == run
    page.get_by_role("button", name="Pause").click()
    expect(main(page).get_by_text(re.compile("^Paused"))).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(main(page).get_by_text(RUNNING)).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(main(page).get_by_text("What it had learned is kept")).to_be_visible()
    stranger = visit(f"train?run={run}")
    expect(main(stranger.page).get_by_text("belongs to somebody else")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    epoch(page, 3)
    assert run_of(page) == run
    page.get_by_role("button", name="Cancel").click()
    expect(main(page).get_by_text("What it had learned is kept")).to_be_visible()
    assert opened.is_clean()


def test_a_trained_network_is_used_in_the_sweep(visit: Visitor) -> None:
    opened = visit(SHORT)
    page = opened.page
    start(page)
    finished(page)
    run = run_of(page)
    expect(main(page).get_by_text("What is taken for what")).to_be_visible()
    page.goto(page.url.partition("?")[0])
    main(page).get_by_role("button", name=re.compile("finished$")).click()
    finished(page)
    assert run_of(page) == run
    page.get_by_role("button", name="Use this model now").click()
    chosen = sidebar(page).get_by_role("combobox", name="Network")
    expect(chosen).to_have_value(re.compile(r"^mnist5k-mlp-gaussian-s025 \(yours"))
    main(page).get_by_role("link", name="which noise level suits an image").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Which noise level suits this image?")
    page.get_by_label("Fresh noisy copies that certify it").fill("100")
    page.get_by_role("button", name="Start the sweep").click()
    expect(main(page).get_by_text("Drag the noise level").first).to_be_visible()
    expect(main(page).get_by_text(re.compile("mnist5k.mlp.gaussian.s025")).first).to_be_visible()
    assert opened.is_clean()


def test_its_network_and_history_come_as_files(visit: Visitor, tmp_path: Path) -> None:
    page = visit(SHORT).page
    start(page)
    finished(page)
    found = {}
    for label in ("Network", "History, TSV", "Everything, JSON"):
        with page.expect_download() as waiting:
            main(page).get_by_role("button", name=label, exact=True).click()
        found[label] = Path(waiting.value.path()).read_bytes()
    outcome = from_json(TrainingOutcome, json.loads(found["Everything, JSON"]))
    assert len(found["History, TSV"].decode().splitlines()) == 1 + len(outcome.course.epochs) == 3
    with zipfile.ZipFile(io.BytesIO(found["Network"])) as archive:
        weights = next(name for name in archive.namelist() if name.endswith(".safetensors"))
        archive.extractall(tmp_path)
    _, spec = load_model(tmp_path / weights)
    assert spec.sha256 == outcome.spec.sha256
    assert spec.weights == weights


def test_what_makes_no_sense_is_said_beside_the_button(visit: Visitor) -> None:
    page = visit(f"{SMALL}&train_batch_size=5000").page
    start(page)
    expect(main(page).get_by_text("is larger than the 4,000 images")).to_be_visible()
    page = visit(f"{SMALL}&train_learning_rate=100&train_schedule=constant&train_epochs=30").page
    start(page)
    diverged = main(page).get_by_text(re.compile("diverged in epoch"))
    expect(diverged).to_be_visible(timeout=LEARNING)


def whole(page: Page) -> None:
    finished(page)
    expect(main(page).get_by_text("What is taken for what")).to_be_visible()


def test_it_is_accessible_and_never_scrolls_sideways(visit: Visitor) -> None:
    page = visit(SHORT, viewport={"width": 1280, "height": 3600}).page
    start(page)
    hold_accessible_everywhere(page, whole, *TABLES)
