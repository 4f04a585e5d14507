import base64
import re

import numpy as np
import pytest

from rs_core.plots import BADGES
from rs_ui.inputs.picture import png_of
from rs_ui.panels import badge_html, plain, shown
from rs_ui.runs.status import Status, draws_of, duration


@pytest.mark.parametrize(
    "text",
    ["![x](http://a.b/c.png)", "<b>x</b>", "`rm`", ":red[x]", "$x$", "# x", "a_b_c", "~~x~~"],
)
def test_no_markup_survives(text: str) -> None:
    escaped = plain(text)
    assert escaped.replace("\\", "").replace("\N{WORD JOINER}", "") == text
    for mark in "![]()<>`:$#_~*":
        assert escaped.count(mark) == escaped.count(f"\\{mark}")


# What Streamlit's page looks for in a text whose backslashes are gone: two of GitHub's patterns for
# addresses, icons, its logo, and signs that are typed in two (tests/browser looks at the real one).
LATE = re.compile(
    r"(https?://|www(?=\.))[-.\w]+|[-.\w+]+@[-\w]+\.|:material/\w+:|:streamlit:|->|<-|--|>=|<=|~=",
    re.I,
)


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example/a b", "see HTTP://EVIL.EXAMPLE", "www.evil.example", "WWW.A.B",
        "mailto:a.b@evil.example", ":material/home:", "x :streamlit:", "a->b<-c <-> d", "--- x --",
        "x>=y<=z~=u", "[x](https://evil.example)", "a:material/home:b:material/home:",
    ],
)  # fmt: skip
def test_no_address_and_no_icon_comes_back_when_the_backslashes_are_gone(text: str) -> None:
    assert LATE.search(text)
    shown = plain(text).replace("\\", "")
    assert not LATE.search(shown)
    assert shown.replace("\N{WORD JOINER}", "") == text


def test_sentences_of_our_own_stay_as_they_are() -> None:
    sentence = "n=0 is out of range: give a number at least 1, e.g. 1e-3 or 10:30 (eps=-1)"
    assert plain(sentence).replace("\\", "") == sentence


def test_control_characters_become_spaces() -> None:
    assert plain("a\u202eb\nc") == "a b c"


@pytest.mark.parametrize("address", [None, 3, "", "data:text/html;base64,AAAA", "x" * 2_000_000])
def test_only_png_addresses_are_drawings(address: object) -> None:
    assert png_of(address) is None


def test_a_drawing_is_its_bytes() -> None:
    head = "data:image/png;base64,"
    assert png_of(head + base64.b64encode(b"png").decode()) == b"png"
    assert png_of(f"{head}no base64!") is None


def test_each_badge_has_a_shape_of_its_own() -> None:
    shapes = {badge_html(badge).partition("background:")[0] for badge in BADGES.values()}
    outlines = [badge_html(b).rpartition(";")[2] for b in BADGES.values()]
    assert len(shapes) == 1
    assert len(set(outlines)) == len(BADGES)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 224, 300)])
def test_pictures_are_enlarged_whole(shape: tuple[int, int, int]) -> None:
    picture = shown(np.full(shape, 2.0, np.float32))
    assert picture.dtype == np.uint8
    assert picture.shape[0] % shape[1] == 0
    assert picture.shape[0] >= min(shape[1], 112)
    assert picture.min() == 255


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.84, "0.8 s"), (25, "25 s"), (180, "3 min"), (7200, "2.0 h")]
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_status_knows_what_is_left() -> None:
    status = Status("running", done=250, total=1000, seconds=5.0)
    assert status.is_live
    assert not status.has_ended
    assert status.share == 0.25
    assert status.progress_text == "250 of 1,000 forward passes, about 15 s left"
    assert Status("queued").share == 0
    assert Status("cancelled").has_ended


def test_draws_are_counted_over_the_curve_and_its_best() -> None:
    point = {"draws": 10}
    assert draws_of(point) == 10
    assert draws_of({"certificates": [point, point], "best": point}) == 30
    assert draws_of({"certificates": [point], "best": None}) == 10


def test_the_draws_of_a_comparison_are_those_of_all_its_parts() -> None:
    point = {"draws": 10}
    curve = {"certificates": [point] * 3, "best": None}
    method = {"selections": [{"draws": 4}] * 2, "certificates": [point] * 2}
    assert draws_of({"methods": [method, method], "curves": [curve, curve]}) == 2 * 28 + 60
