"""What several pages show: the certificate card with its badge, the image pair, the error box."""

import html
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from rs_core.abstention import why_abstains
from rs_core.plots import alt_text
from rs_core.plots.report import Table
from rs_core.plots.style import BadgeStyle, certificate_badge
from rs_core.plots.text import class_text, radius_text, tidy
from rs_core.results import Certificate
from rs_ui.runs.session import Subject

_CONFIG = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d"],
}

_IN_A_ROW, _SMALL = 20, 40
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&@^=])")
# Streamlit looks for these once more when the backslashes are gone: addresses, which become links,
# :material/icons:, and arrows and other signs that are typed in two.
_LATE_MARKUP = re.compile(
    r":(?=//|[\w+-][\w/+-]*:)|@(?=\w)|www(?=\.)|-(?=[->])|<(?=[-=])|[>~](?==)", re.I
)
_JOINER = "\N{WORD JOINER}"  # no width, and no break
_CARD = """
<div style="border:1px solid rgba(128,128,128,.45); border-left:6px solid {colour};
  border-radius:8px; padding:12px 16px">
  <div style="display:flex; gap:8px; align-items:center; font-weight:600">{shape}{badge}</div>
  <div style="font-size:1.9rem; font-weight:700; line-height:1.25; margin-top:4px">{headline}
    <span style="font-size:1rem; font-weight:400">{unit}</span></div>
  <div style="margin-top:2px">{verdict}</div>
  <div style="margin-top:8px; font-size:.9rem">{sentence}</div>
</div>
"""


def plain(text: str) -> str:
    """The text such that Streamlit's Markdown shows it as typed: a file name is no markup."""
    return _MARKUP.sub(r"\\\1", _LATE_MARKUP.sub(rf"\g<0>{_JOINER}", tidy(text)))


def error_box(sentence: str) -> None:
    """One sentence: what is wrong, the limit, what to do. Stands beside the control it concerns."""
    st.error(plain(sentence), icon=":material/error:")


def badge_html(badge: BadgeStyle) -> str:
    """A badge's shape in its colour, for `st.html`; letter and word stand beside it."""
    # st.html drops SVG, so the outline is a clip path: its 20 units are 100 %.
    corners = [pair.split(",") for pair in badge.polygon.split()]
    outline = ",".join(f"{5 * float(x):g}% {5 * float(y):g}%" for x, y in corners)
    shape = f"clip-path:polygon({outline})" if corners else "border-radius:50%"
    return (
        f'<span aria-hidden="true" style="flex:none; width:20px; height:20px; '
        f'background:{badge.colour}; {shape}"></span>'
    )


def certificate_card(certificate: Certificate, label: int | None, names: tuple[str, ...]) -> None:
    """What a certificate claims: badge, radius, class, and the sentence that may be quoted."""
    badge = certificate_badge(certificate)
    if certificate.predicted is None:
        headline, unit = "No radius", ""
        verdict = f"The vote abstains: {why_abstains(certificate)}."
    else:
        headline = f"radius {radius_text(certificate.radius)}"
        unit = f"{certificate.norm}, pixels of [0,1]"
        verdict = _sentence(certificate.predicted, label, names)
    st.html(
        _CARD.format(
            colour=badge.colour,
            shape=badge_html(badge),
            badge=html.escape(badge.text),
            headline=html.escape(headline),
            unit=html.escape(unit),
            verdict=html.escape(verdict),
            sentence=html.escape(tidy(certificate.statement)),
        )
    )


def _sentence(predicted: int, label: int | None, names: tuple[str, ...]) -> str:
    said = f"The smoothed classifier says {class_text(predicted, names)}"
    if label is None:
        return f"{said}; the true class was not given."
    if label == predicted:
        return f"{said}, which is the true class."
    return f"{said}; the true class is {class_text(label, names)}: certified, and wrong."


def image_pair(subject: Subject, *, width: int = 112) -> None:
    """The picture as it came, what the network sees, and what was done in between."""
    name = tidy(subject.name)
    with st.container(horizontal=True, gap="small"):
        st.image(subject.original, caption="as it came", width=width, alt=f"{name}, as it came")
        st.image(
            shown(subject.pixels),
            caption="network's input",
            width=width,
            alt=f"{name}, {size_text(subject)}, as the network sees it",
        )
    for note in subject.notes:
        st.caption(plain(note))


def size_text(subject: Subject) -> str:
    """The size of the network's input, e.g. "28 x 28 pixels, grey"."""
    channels, height, width = subject.pixels.shape
    return f"{width} x {height} pixels, {'grey' if channels == 1 else 'colour'}"


def shown(pixels: np.ndarray) -> np.ndarray:
    """Pixels (C, H, W) in [0,1] as an 8-bit picture (H, W, 3), enlarged without smoothing."""
    levels = np.rint(255 * np.clip(pixels, 0.0, 1.0)).astype(np.uint8)
    picture = np.broadcast_to(levels, (3, *levels.shape[1:])).transpose(1, 2, 0)
    times = max(224 // max(picture.shape[:2]), 1)
    return np.ascontiguousarray(picture.repeat(times, axis=0).repeat(times, axis=1))


def thumbnail_row(pictures: Sequence[bytes]) -> None:
    """The first pictures, small, side by side; how many more there are in words."""
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
        for picture in pictures[:_IN_A_ROW]:
            st.image(picture, width=_SMALL, alt="one of the images")
        if len(pictures) > _IN_A_ROW:
            st.caption(f"and {len(pictures) - _IN_A_ROW} more", width="content")


_SENTENCE, _WIDE = 24, "; min-width:11rem"
_CELL = "padding:6px 12px 6px 0; text-align:left; border-bottom:1px solid rgba(128,128,128,.35)"


def table_of(table: Table) -> None:
    """The table; columns without any content are left out. Cells are texts or badges."""
    kept = [i for i in range(len(table.header)) if any(row[i] for row in table.rows)]
    cell = {i: _CELL + (_WIDE if _is_wide([row[i] for row in table.rows]) else "") for i in kept}
    head = "".join(f'<th scope="col" style="{cell[i]}">{_text(table.header[i])}</th>' for i in kept)
    body = "".join(
        "<tr>"
        + "".join(
            f'<th scope="row" style="{cell[i]}; font-weight:400">{_content(row[i])}</th>'
            if i == kept[0]
            else f'<td style="{cell[i]}">{_content(row[i])}</td>'
            for i in kept
        )
        + "</tr>"
        for row in table.rows
    )
    st.html(
        f'<div role="region" tabindex="0" aria-label="{_text(table.caption)}" '
        'style="overflow-x:auto"><table style="border-collapse:collapse; width:100%; '
        f'font-size:.95rem; font-variant-numeric:tabular-nums"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _is_wide(column: Sequence[str | BadgeStyle]) -> bool:
    """Whether a column holds sentences, which need room to be read."""
    return any(isinstance(cell, str) and len(cell) > _SENTENCE for cell in column)


def _content(cell: str | BadgeStyle) -> str:
    if not isinstance(cell, BadgeStyle):
        return _text(cell)
    named = f'{badge_html(cell)}<span style="white-space:nowrap">{_text(cell.text)}</span>'
    return f'<span style="display:flex; gap:6px; align-items:center">{named}</span>'


def _text(cell: object) -> str:
    return html.escape(tidy(str(cell)))


def chart(figure: Any, key: str) -> None:
    """A figure with its words for a screen reader."""
    st.plotly_chart(figure, key=key, alt=alt_text(figure), config=_CONFIG)
