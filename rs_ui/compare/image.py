"""Every image of a finished comparison, and one of them looked at closely."""

import base64
import html
from io import BytesIO
from typing import Any

import streamlit as st
from PIL import Image

from rs_core.plots import search_trace, selection_curve, sparkline
from rs_core.plots.compare.points import image_text, method_names
from rs_core.plots.compare.tables import image_table
from rs_core.plots.style import certificate_badge
from rs_core.plots.text import tidy
from rs_core.results import ModelSpec
from rs_core.results.comparison import Comparison, Method
from rs_ui.client.worker import WorkerError
from rs_ui.inputs.picture import TAKE, Picture, offer_picture
from rs_ui.inputs.subject import pixels_of
from rs_ui.panels import badge_html, chart, plain
from rs_ui.runs import cache, session

_ROW = 44


def images(job: str, ids: list[str], comparison: Comparison, spec: ModelSpec) -> None:
    """The table of all images; a row, or the list above it, opens one of them."""
    st.subheader("Image by image")
    owner, names = session.owner(), spec.class_names
    data, config = cache.drawn(owner, job, "rows", lambda: _rows(owner, ids, comparison, names))
    st.dataframe(
        data,
        column_config=config,
        hide_index=True,
        row_height=_ROW,
        key=f"rows_{job}",
        on_select=lambda: _take_row(job),
        selection_mode="single-row",
        alt="Every image with the sigma and the certified radius of each method",
    )
    chosen = st.selectbox(
        "Look at one image (or click its row)",
        range(len(comparison.names)),
        key=f"compare_image_{job}",
        format_func=lambda i: f"{i + 1}: {tidy(comparison.names[i])}",
    )
    if chosen is not None:
        _one(job, ids, comparison, spec, int(chosen))


def _take_row(job: str) -> None:
    rows = st.session_state[f"rows_{job}"]["selection"]["rows"]
    if rows:
        st.session_state[f"compare_image_{job}"] = rows[0]


def _rows(
    owner: str, ids: list[str], comparison: Comparison, names: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Columns of the table, and how they are shown."""
    table = image_table(comparison, names)
    columns: dict[str, Any] = {"picture": [_thumbnail(owner, one) for one in ids]}
    shown: dict[str, Any] = {"picture": st.column_config.ImageColumn("", width=_ROW)}
    titles = method_names(comparison.methods)
    for index, name in enumerate(table.header):
        columns[name] = [row[index] for row in table.rows]
        if name not in titles:
            continue
        lines = [sparkline(s) for s in comparison.methods[titles.index(name)].selections]
        if any(lines):
            columns[f"{name}: search"] = lines
            shown[f"{name}: search"] = st.column_config.LineChartColumn(
                width="small", help="Scores by ascending σ; of gradient, σ step by step"
            )
    return columns, shown


def _thumbnail(owner: str, image: str) -> str | None:
    """The network's input as a PNG address; None where the image was deleted meanwhile."""
    try:
        reply = cache.worker().call("image", owner=owner, image=image)
    except WorkerError:
        return None
    pixels = pixels_of(reply["pixels"])
    levels = (255 * pixels.clip(0, 1)).round().astype("uint8")
    stored = BytesIO()
    picture = levels[0] if len(levels) == 1 else levels.transpose(1, 2, 0)
    Image.fromarray(picture).save(stored, "PNG")
    return f"data:image/png;base64,{base64.b64encode(stored.getvalue()).decode()}"


def _one(job: str, ids: list[str], comparison: Comparison, spec: ModelSpec, image: int) -> None:
    words = image_text(comparison, image, spec.class_names).replace("<br>", " · ")
    st.html(f'<div style="font-size:1.1rem">{words}</div>')
    name, classes = comparison.names[image], spec.class_names
    offer_picture(Picture(name, sample=False, image=ids[image], classes=classes))
    # st.switch_page refuses while settings stand in the address; a link does not.
    st.page_link(
        "pages/sweep.py",
        label="Open in Sigma sweep",
        icon=":material/show_chart:",
        query_params={TAKE: ids[image]},
    )
    owner = session.owner()
    figure = cache.drawn(
        owner, job, f"curve {image}", lambda: selection_curve(comparison, image, spec.class_names)
    )
    chart(figure, f"where_{job}_{image}")
    names = method_names(comparison.methods)
    for name, method in zip(names, comparison.methods, strict=True):
        _claim(name, method, image)
    searched = [k for k, m in enumerate(comparison.methods) if m.selections[image].candidates]
    if searched:
        picked = st.segmented_control(
            "How it searched",
            searched,
            default=searched[0],
            required=True,
            key=f"search_{job}",
            format_func=lambda k: names[k],
        )
        trace = cache.drawn(
            owner, job, f"search {image} {picked}",
            lambda: search_trace(comparison.methods[picked].selections[image]),
        )  # fmt: skip
        chart(trace, f"search_{job}_{image}_{picked}")


def _claim(name: str, method: Method, image: int) -> None:
    """The statement of one certificate under its badge, and what the selector noted."""
    certificate, selection = method.certificates[image], method.selections[image]
    badge = certificate_badge(certificate)
    st.html(
        '<div style="display:flex; gap:8px; align-items:flex-start; margin-bottom:4px">'
        f"{badge_html(badge)}<div><b>{html.escape(badge.text)} · {html.escape(name)}</b><br>"
        f"{html.escape(tidy(certificate.statement))}</div></div>"
    )
    draws = f"{selection.draws:,}" if selection.draws else "no"
    notes = [f"{draws} draws chose σ", *selection.notes]
    st.caption(plain("; ".join(notes)))
