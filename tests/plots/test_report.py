import json
import re
from html.parser import HTMLParser

import plotly.graph_objects as go
import pytest

from rs_core.plots import BADGES, Statement, Table, html_report

EVIL = "<script>alert(1)</script>\"' onload=x \u202e&.png"
VOID = {"meta", "link", "img", "br", "polygon", "circle", "path"}


class Page(HTMLParser):
    """What a browser would build: tags with attributes, text, scripts."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        inside = self.open[-1] if self.open else ""
        (self.scripts if inside == "script" else self.text).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def chart(name: str = "line") -> go.Figure:
    figure = go.Figure(go.Scatter(x=[1, 2], y=[3, 4], name=name))
    return figure.update_layout(meta={"alt": f"A chart of {name}."})


def full(text: str = "plain") -> str:
    return html_report(
        text,
        [Statement("C", text), Statement(None, "nothing")],
        [chart(text), chart("second")],
        [Table(text, (text, "radius"), [(text, "0.412"), (BADGES["A"], "0.5")])],
        [text],
        settings={text: [text, 0.25, float("nan")]},
    )


def test_the_document_is_well_formed_and_complete() -> None:
    page = Page(full())
    assert page.open == []
    assert page.all("html") == [{"lang": "en"}]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all(
        "meta"
    )
    assert len(page.all("h1")) == 1
    headings = "What is claimed", "Figures", "Numbers", "How to read this"
    assert [h for h in page.text if h in headings] == list(headings)


def test_nothing_is_loaded_from_anywhere() -> None:
    document = full(EVIL)
    page = Page(document)
    for tag, attributes in page.tags:
        assert tag not in {"link", "iframe", "object", "embed", "base", "img", "form"}
        assert not {"src", "href", "srcset", "data", "action"} & set(attributes)
    (style,) = re.findall("<style>(.*?)</style>", document, re.S)
    assert "url(" not in style
    assert "@import" not in style
    (policy,) = [m["content"] for m in page.all("meta") if "http-equiv" in m]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    assert "connect-src" not in policy


def test_plotly_is_inlined_once_and_only_for_figures() -> None:
    marker = "plotly.js v"
    assert full().count(marker) == 1
    bare = html_report("t", [Statement("A", "s")], [], [], [])
    assert marker not in bare
    assert Page(bare).all("script") == []
    assert len(bare) < 10_000


def test_every_text_is_escaped() -> None:
    page = Page(full(EVIL))
    assert len(page.all("script")) == len(Page(full()).all("script"))
    assert not [a for _, attributes in page.tags for a in attributes if a.startswith("on")]
    shown = "<script>alert(1)</script>\"' onload=x &.png"
    assert page.text.count(shown) >= 5
    assert f"A chart of {shown}." in [f.get("aria-label") for f in page.all("figure")]
    assert "\u202e" not in full(EVIL)


def test_lone_surrogates_of_a_file_name_can_be_written() -> None:
    html_report("\udcff.png", [], [], [], ["\udcff"], settings={"file": "\udcff"}).encode("utf-8")


def test_figures_carry_their_data_and_their_words() -> None:
    page = Page(full())
    labels = [f["aria-label"] for f in page.all("figure")]
    assert labels == ["A chart of plain.", "A chart of second."]
    data = [json.loads(s) for s in page.scripts if s.startswith("{")]
    assert [d["data"][0]["name"] for d in data] == ["plain", "second"]
    assert data[0]["data"][0]["y"] == [3, 4]


@pytest.mark.parametrize("letter", ["A", "B", "C", "D"])
def test_a_badge_is_letter_word_colour_and_shape(letter: str) -> None:
    badge = BADGES[letter]
    page = Page(html_report("t", [Statement(letter, "claim")], [], [], []))
    assert badge.text in page.text
    (svg,) = page.all("svg")
    assert svg["fill"] == badge.colour
    shapes = [*page.all("polygon"), *page.all("circle")]
    assert len(shapes) == 1
    assert shapes[0].get("points", "") == badge.polygon


def test_tables_have_headers_and_numbers_stand_right() -> None:
    page = Page(full())
    scopes = [th["scope"] for th in page.all("th")]
    assert scopes == ["col", "col", "row", "row"]
    assert [td.get("class") for td in page.all("td")] == ["number", "number"]
    assert "A Certified" in page.text
    assert any(d.get("role") == "region" and d.get("tabindex") == "0" for d in page.all("div"))


def test_a_class_named_like_a_badge_stays_a_name() -> None:
    page = Page(html_report("t", [], [], [Table("c", ("x",), [("A",)])], []))
    assert page.all("svg") == []


def test_settings_are_json_in_a_closed_block() -> None:
    document = full()
    page = Page(document)
    assert page.all("details") == [{}]
    block = next(t for t in page.text if t.startswith("{"))
    assert json.loads(block) == {"plain": ["plain", 0.25, None]}
    assert "<details>" not in html_report("t", [], [], [], [])


def test_light_and_dark_follow_the_reader() -> None:
    document = full()
    assert "color-scheme: light dark" in document
    assert "@media (prefers-color-scheme: dark)" in document
    assert 'matchMedia("(prefers-color-scheme: dark)")' in document


def test_the_same_results_give_the_same_document() -> None:
    assert full() == full()
