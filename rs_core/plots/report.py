"""A report as one HTML document that needs nothing else: no network, no fonts, no second file."""

import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from rs_core.plots.style import BADGES, NOTHING, BadgeStyle, alt_text
from rs_core.plots.text import printable, tidy
from rs_core.results import Badge, to_json

# The browser itself refuses every request, whatever a figure or a file name holds.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)
_NUMBER = re.compile(r"-|-?[\d.,]+(e-?\d+)?%?")
_SENTENCE = 24


class Statement(NamedTuple):
    """A sentence that a reader may quote, with the badge that says what backs it."""

    badge: Badge | None  # None for an abstention
    text: str


class Table(NamedTuple):
    """A table: caption, one header per column, rows of as many cells, a text or a badge each."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str | BadgeStyle]]


def html_report(
    title: str,
    statements: Sequence[Statement],
    figures: Sequence[go.Figure],
    tables: Sequence[Table],
    notes: Sequence[str],
    *,
    settings: Mapping[str, Any] | None = None,
) -> str:
    """One self-contained HTML document, light or dark as the reader's system is.

    Every text is escaped; plotly.js is inlined once, and only where there is a figure.

    Args:
        title: plain text, a file name perhaps.
        statements: what may be claimed, each with its badge.
        figures: drawn in order; `layout.meta["alt"]` is read to those who cannot see them.
        tables: texts, numbers already formatted (radii rounded down).
        notes: caveats, one sentence each.
        settings: shown as JSON in a block that opens on request.
    """
    sections = [
        _section("What is claimed", "".join(_statement(s) for s in statements)),
        _section("Figures", "".join(_figure(f, i) for i, f in enumerate(figures, start=1))),
        _section("Numbers", "".join(_table(t) for t in tables)),
        _section("How to read this", _notes(notes)),
        _settings(settings) if settings else "",
    ]
    scripts = f"<script>{get_plotlyjs()}</script>\n<script>{SCRIPT}</script>\n" if figures else ""
    name = _escaped(title)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(_POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{name}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{name}</h1>\n{''.join(sections)}</main>\n{scripts}</body>\n</html>\n"
    )


def _escaped(text: str) -> str:
    return html.escape(tidy(text))


def _section(heading: str, body: str) -> str:
    return f"<section>\n<h2>{heading}</h2>\n{body}</section>\n" if body else ""


def _badge(badge: BadgeStyle) -> str:
    circle = '<circle cx="10" cy="10" r="9"/>'
    shape = f'<polygon points="{badge.polygon}"/>' if badge.polygon else circle
    return (
        f'<span class="badge"><svg viewBox="-1 -1 22 22" fill="{badge.colour}" '
        f'aria-hidden="true">{shape}</svg>{html.escape(badge.text)}</span>'
    )


def _statement(statement: Statement) -> str:
    badge = BADGES[statement.badge] if statement.badge else NOTHING
    return (
        f'<div class="statement" style="border-left-color: {badge.colour}">{_badge(badge)}'
        f"<p>{_escaped(statement.text)}</p></div>\n"
    )


def _figure(figure: go.Figure, index: int) -> str:
    # plotly's JSON writes <, > and / as escapes, so no text in it can end the script element.
    return (
        f'<figure aria-label="{_escaped(alt_text(figure))}">\n'
        f'<div class="plot" id="figure-{index}"></div>\n'
        f'<script type="application/json" id="figure-{index}-data">{figure.to_json()}</script>\n'
        "<noscript><p>This figure needs JavaScript; the tables hold the numbers.</p></noscript>\n"
        "</figure>\n"
    )


def _table(table: Table) -> str:
    kinds = [_kind([row[i] for row in table.rows]) for i in range(len(table.header))]
    caption = _escaped(table.caption)
    head = "".join(
        f'<th scope="col"{kind}>{_cell(cell)}</th>'
        for cell, kind in zip(table.header, kinds, strict=True)
    )
    body = "".join(_row(row, kinds) for row in table.rows)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{caption}">\n<table>\n'
        f"<caption>{caption}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}"
        "</tbody>\n</table>\n</div>\n"
    )


def _row(cells: Sequence[str | BadgeStyle], kinds: Sequence[str]) -> str:
    first = f'<th scope="row"{kinds[0]}>{_cell(cells[0])}</th>'
    rest = "".join(
        f"<td{kind}>{_cell(cell)}</td>" for cell, kind in zip(cells[1:], kinds[1:], strict=True)
    )
    return f"<tr>{first}{rest}</tr>\n"


def _kind(column: Sequence[str | BadgeStyle]) -> str:
    """The class attribute of a column: numbers stand right, sentences get room."""
    texts = [cell for cell in column if isinstance(cell, str)]
    if len(texts) == len(column) and all(_NUMBER.fullmatch(text) for text in texts):
        return ' class="number"'
    return ' class="wide"' if any(len(text) > _SENTENCE for text in texts) else ""


def _cell(cell: str | BadgeStyle) -> str:
    return _badge(cell) if isinstance(cell, BadgeStyle) else _escaped(cell)


def _notes(notes: Sequence[str]) -> str:
    items = "".join(f"<li>{_escaped(note)}</li>\n" for note in notes)
    return f"<ul>\n{items}</ul>\n" if items else ""


def _settings(settings: Mapping[str, Any]) -> str:
    text = json.dumps(to_json(dict(settings)), indent=2, ensure_ascii=False, default=str)
    shown = "\n".join(printable(line) for line in text.split("\n"))
    return (
        f"<details>\n<summary>Settings (JSON)</summary>\n<pre>{html.escape(shown)}</pre>\n"
        "</details>\n"
    )


STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --page: #ffffff;
  --card: #f6f8fa; --line: #d0d7de; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #a3adb8; --page: #0f1318; --card: #1a2028; --line: #3a434e; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
main { max-width: 1120px; margin: 0 auto; padding: 16px; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 8px 0 16px; }
h2 { font-size: 1.15rem; margin: 28px 0 8px; }
.statement { display: flex; flex-wrap: wrap; gap: 6px 12px; align-items: flex-start;
  background: var(--card); border: 1px solid var(--line); border-left-width: 6px;
  border-radius: 6px; padding: 10px 12px; margin: 0 0 10px; }
.statement p { margin: 0; flex: 1 1 300px; }
.badge { display: inline-flex; align-items: center; gap: 6px; white-space: nowrap;
  font-weight: 600; overflow-wrap: normal; }
.badge svg { width: 18px; height: 18px; flex: none; stroke: var(--ink); stroke-width: 1; }
figure { margin: 0 0 16px; }
.plot { width: 100%; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem;
  font-variant-numeric: tabular-nums; overflow-wrap: normal; }
caption { text-align: left; padding: 8px 10px; color: var(--soft); }
th, td { padding: 6px 10px; text-align: left; border-top: 1px solid var(--line);
  vertical-align: top; }
th[scope="row"] { font-weight: 400; min-width: 5rem; overflow-wrap: anywhere; }
td.wide, th.wide { min-width: 13rem; }
thead th { background: var(--card); }
td.number, th.number { text-align: right; }
td.number { white-space: nowrap; }
li { margin: 4px 0; }
details { border: 1px solid var(--line); border-radius: 6px; padding: 8px 12px; margin: 24px 0; }
summary { cursor: pointer; font-weight: 600; }
pre { margin: 8px 0 0; overflow-x: auto; font-size: 0.85rem; white-space: pre-wrap; }
@media print { .statement, figure, table { break-inside: avoid; } }
"""

SCRIPT = """
(function () {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  // On a touch screen a drag over a figure must scroll the page.
  const touch = window.matchMedia("(pointer: coarse)").matches;
  const narrow = window.innerWidth < 600;
  function template() {
    const ink = dark.matches ? "#e6edf3" : "#1b1f24";
    const grid = dark.matches ? "#303944" : "#e1e5ea";
    const axis = { gridcolor: grid, zerolinecolor: grid, linecolor: grid, automargin: true };
    const clear = "rgba(0,0,0,0)";
    return { layout: { font: { color: ink, family: "system-ui, 'DejaVu Sans', sans-serif" },
      paper_bgcolor: clear, plot_bgcolor: clear, xaxis: axis, yaxis: axis,
      legend: { bgcolor: clear }, modebar: { bgcolor: clear, color: grid, activecolor: ink } } };
  }
  function draw() {
    document.querySelectorAll(".plot").forEach(function (plot) {
      const figure = JSON.parse(document.getElementById(plot.id + "-data").textContent);
      figure.layout.template = template();
      if (touch) figure.layout.dragmode = false;
      const lines = figure.data.filter(function (trace) { return trace.type === "scatter"; });
      if (narrow) figure.layout.height += 20 * lines.length;  // the legend grows by rows
      Plotly.react(plot, figure.data, figure.layout,
        { responsive: true, displaylogo: false, displayModeBar: touch || narrow ? false : "hover",
          modeBarButtonsToRemove: ["select2d", "lasso2d", "zoomIn2d", "zoomOut2d"] });
    });
  }
  draw();
  dark.addEventListener("change", draw);
})();
"""
