"""Pictures of every kind, brought through the browser."""

import re
from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("playwright.sync_api")
from PIL import Image
from playwright.sync_api import expect

from tests.browser.acts import bring, comes_true, scene, sidebar, stored
from tests.browser.conftest import Visitor

CIFAR = "?image=cat&model=cifar10-conv4"


def rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return stored(scene(), "JPEG", exif=exif)


def animated() -> bytes:
    return stored(scene(), "GIF", save_all=True, append_images=[scene(size=(96, 64)).rotate(90)])


def deep() -> bytes:
    levels = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    return stored(Image.fromarray(levels), "PNG")


GOOD: dict[str, tuple[Callable[[], bytes], str]] = {
    "photo.png": (lambda: stored(scene(), "PNG"), "resized"),
    "cmyk.jpg": (lambda: stored(scene("CMYK"), "JPEG"), "cmyk"),
    "deep.png": (deep, "16"),
    "turned.jpg": (rotated, "exif|turned|rotated"),
    "moving.gif": (animated, "first frame"),
}
BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "huge.png": (lambda: stored(Image.new("1", (13300, 13300)), "PNG"), "pixels|megapixel"),
    "cut.jpg": (lambda: stored(scene(), "JPEG")[:900], "truncated|damaged|cut|cannot"),
    "text.png": (lambda: b"<html>no picture</html>", "not a supported image|image"),
    "x](http://evil.example) <b>.png": (lambda: b"GIF", "image"),
}


def test_a_good_picture_is_decoded_and_noted(visit: Visitor) -> None:
    opened = visit(CIFAR)
    expect(sidebar(opened.page).get_by_alt_text(re.compile("cat, as it came"))).to_be_visible()
    for name, (build, note) in GOOD.items():
        bring(opened.page, name, build())
        shown = sidebar(opened.page).get_by_alt_text(f"{name}, as it came", exact=True)
        expect(shown).to_be_visible()
        expect(sidebar(opened.page).get_by_text(re.compile(note, re.I)).first).to_be_visible()
        certified = re.compile("Certified ℓ2 radius|Abstained")
        expect(opened.page.get_by_text(certified).first).to_be_visible()
    assert opened.is_clean()


def test_a_bad_picture_is_one_sentence_and_the_last_one_stays(visit: Visitor) -> None:
    opened = visit(CIFAR)
    before = sidebar(opened.page).get_by_alt_text(re.compile("cat, as it came"))
    expect(before).to_be_visible()
    for name, (build, sentence) in BAD.items():
        bring(opened.page, name, build())
        told = sidebar(opened.page).get_by_test_id("stAlert")
        expect(told).to_contain_text(name.rpartition("/")[2])
        expect(told).to_have_text(re.compile(sentence, re.I))
        assert told.locator("a, img, b").count() == 0
        expect(before).to_be_visible()
    assert opened.is_clean()


def test_a_file_above_10_mb_is_refused_beside_the_control(visit: Visitor) -> None:
    page = visit(CIFAR).page
    expect(sidebar(page).get_by_alt_text(re.compile("cat, as it came"))).to_be_visible()
    bring(page, "big.png", bytes(11_000_000))
    expect(sidebar(page).get_by_text(re.compile("10.?MB or smaller|must be 10"))).to_be_visible()


def test_a_paper_digit_is_inverted_shown_and_undone(visit: Visitor) -> None:
    page = visit().page
    paper = Image.new("L", (300, 200), 235)
    paper.paste(30, (140, 40, 160, 160))
    expect(sidebar(page).get_by_alt_text(re.compile("digit-3, as it came"))).to_be_visible()
    bring(page, "one.png", stored(paper, "PNG"))
    noted = sidebar(page).get_by_text(re.compile("inverted", re.I))
    expect(noted.first).to_be_visible()
    sidebar(page).get_by_text("Keep", exact=True).click()
    expect(noted).to_have_text("dark on bright: not inverted")


def test_a_digit_is_drawn(visit: Visitor) -> None:
    opened = visit()
    page = opened.page
    expect(sidebar(page).get_by_alt_text(re.compile("digit-3, as it came"))).to_be_visible()
    sidebar(page).get_by_text("Draw", exact=True).click()
    canvas = sidebar(page).locator("canvas")
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 30, steps=8)
    page.mouse.up()
    sidebar(page).get_by_role("button", name="Use drawing").click()
    expect(sidebar(page).get_by_alt_text(re.compile("drawing, as it came"))).to_be_visible()
    said = page.get_by_test_id("stMainBlockContainer").get_by_text(re.compile("says class 1"))
    expect(said).to_be_visible()
    assert opened.is_clean()


def test_a_photo_is_taken_only_when_the_camera_is_asked_for(visit: Visitor) -> None:
    page = visit(permissions=["camera"]).page
    expect(sidebar(page).get_by_alt_text(re.compile("digit-3, as it came"))).to_be_visible()
    sidebar(page).get_by_text("Your own", exact=True).click()
    expect(sidebar(page).locator("video")).to_have_count(0)
    sidebar(page).get_by_text("Use the camera").click()
    expect(sidebar(page).locator("video")).to_be_visible()
    comes_true(page, "document.querySelector('video').readyState >= 2")
    sidebar(page).get_by_role("button", name="Take Photo").click()
    expect(sidebar(page).get_by_alt_text(re.compile("photo, as it came"))).to_be_visible()
