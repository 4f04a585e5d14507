"""A report's table on a page: real headings, and a region that a keyboard can scroll."""

import html

import streamlit as st

from rs_core.plots.report import Table
from rs_core.plots.text import tidy

_CELL = "padding:6px 12px 6px 0; text-align:left; border-bottom:1px solid rgba(128,128,128,.35)"


def table_of(table: Table) -> None:
    """The table; columns without any content are left out. Cells are texts."""
    kept = [i for i in range(len(table.header)) if any(row[i] for row in table.rows)]
    head = "".join(f'<th scope="col" style="{_CELL}">{_text(table.header[i])}</th>' for i in kept)
    body = "".join(
        "<tr>"
        + "".join(
            f'<th scope="row" style="{_CELL}; font-weight:400">{_text(row[i])}</th>'
            if i == kept[0]
            else f'<td style="{_CELL}">{_text(row[i])}</td>'
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


def _text(cell: object) -> str:
    return html.escape(tidy(str(cell)))
