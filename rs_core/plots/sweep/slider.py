"""A slider over the sigmas of a finished curve: the noisy image and its votes, in the browser."""

import base64
from collections.abc import Sequence
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from PIL import Image
from plotly.subplots import make_subplots

from rs_core.abstention import why_abstains
from rs_core.errors import ParameterError
from rs_core.plots.style import GREY, OTHER, Style, certificate_badge, frame, series_style
from rs_core.plots.text import class_text, plain, radius_text, votes_text, wrap
from rs_core.results import Certificate, RadiusCurve
from rs_core.statistics import ceil_digits

_MOST_CLASSES = 5
_LARGEST_SIDE = 96


class _SliderInfo(NamedTuple):
    sigmas: tuple[float, ...]
    pictures: tuple[str, ...]  # PNG data addresses
    names: tuple[str, ...]
    shares: tuple[tuple[float, ...], ...]  # one row per sigma
    styles: tuple[Style, ...]
    lines: tuple[str, ...]
    start: int


def sigma_slider_figure(
    curve: RadiusCurve, copies: np.ndarray, class_names: Sequence[str] = ()
) -> go.Figure:
    """The noisy image beside its votes, for the sigma that a slider picks; no server is asked.

    Args:
        curve: at least one certificate, with votes.
        copies: (S, C, H, W), one noisy copy per certificate; clipped for display only.
        class_names: one per class; empty for numbers alone.

    Raises:
        ParameterError: no certificates, or shapes that do not match.
    """
    return _figure(_info(curve, np.asarray(copies), class_names))


def _info(curve: RadiusCurve, copies: np.ndarray, names: Sequence[str]) -> _SliderInfo:
    points = curve.certificates
    if not points or copies.ndim != 4 or len(copies) != len(points):
        raise ParameterError(
            f"{len(points)} certificates and copies of shape {copies.shape}: give one noisy copy "
            "(C, H, W) per certificate."
        )
    leaders = _leaders(points)
    rows = tuple(_shares(c, leaders) for c in points)
    labels = [plain(_short(k, names)) for k in leaders]
    styles = [series_style(index) for index in range(len(leaders))]
    return _SliderInfo(
        sigmas=tuple(c.sigma for c in points),
        pictures=tuple(_png(copy) for copy in copies),
        names=(*labels, _rest(points)),
        shares=rows,
        styles=(*styles, OTHER),
        lines=tuple(_line(c, curve, names) for c in points),
        start=max(range(len(points)), key=lambda i: points[i].radius),
    )


def _leaders(points: Sequence[Certificate]) -> list[int]:
    """The classes with the largest share at any sigma, the certified ones first."""
    classes = range(len(points[0].counts) - 1)
    best = {k: max(c.counts[k] / max(sum(c.counts), 1) for c in points) for k in classes}
    certified = [c.predicted for c in points if c.predicted is not None]
    ranked = sorted((k for k in classes if best[k] > 0), key=lambda k: -best[k])
    return list(dict.fromkeys([*certified, *ranked]))[:_MOST_CLASSES]


def _rest(points: Sequence[Certificate]) -> str:
    """The last bar: INVALID votes are in it, and named where there are any."""
    return "others, invalid" if any(c.counts[-1] for c in points) else "all others"


def _short(index: int, names: Sequence[str]) -> str:
    """The class's name alone: bars leave little room; "class 7" where the name is the number."""
    known = index < len(names) and names[index].strip() not in ("", str(index))
    return names[index] if known else f"class {index}"


def _shares(c: Certificate, leaders: Sequence[int]) -> tuple[float, ...]:
    total = max(sum(c.counts), 1)
    found = [c.counts[k] / total for k in leaders]
    return (*found, max(1 - sum(found), 0.0))


def _line(c: Certificate, curve: RadiusCurve, names: Sequence[str]) -> str:
    """What is certified at a level; whoever drags picks one, so a joint curve names its whole
    risk and not the part that one level pays."""
    if c.predicted is None:
        return f"σ = {c.sigma:g}: abstains: {why_abstains(c)}"
    what = plain(class_text(c.predicted, names))
    alpha = ceil_digits(curve.alpha, 3)
    scope = (
        f"all levels together at alpha {alpha}"
        if curve.simultaneous
        else (f"this level alone at alpha {alpha}")
    )
    badge = f"{certificate_badge(c).text}, {scope}"
    return (
        f"σ = {c.sigma:g}: {what}, certified radius {radius_text(c.radius)} ({badge}), "
        f"{votes_text(c)}"
    )


def _png(copy: np.ndarray) -> str:
    step = -(-max(copy.shape[1:]) // _LARGEST_SIDE)
    levels = np.rint(255 * np.clip(copy[:, ::step, ::step], 0.0, 1.0)).astype(np.uint8)
    picture = np.broadcast_to(levels, (3, *levels.shape[1:])).transpose(1, 2, 0)
    stored = BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(stored, "PNG")
    return "data:image/png;base64," + base64.b64encode(stored.getvalue()).decode()


def _figure(info: _SliderInfo) -> go.Figure:
    figure = make_subplots(
        rows=1, cols=2, column_widths=[0.42, 0.58], horizontal_spacing=0.2,
        subplot_titles=("one noisy copy", "share of votes"),
    )  # fmt: skip
    for index, picture in enumerate(info.pictures):
        shown = index == info.start
        image = go.Image(source=picture, hoverinfo="skip", visible=shown)
        figure.add_trace(image, row=1, col=1)
        figure.add_trace(_bars(info, index).update(visible=shown), row=1, col=2)
    figure.add_vline(x=0.5, line={"color": GREY, "dash": "dot", "width": 1}, row=1, col=2)
    frame(
        figure,
        title="Drag the noise level",
        subtitle=info.lines[info.start],
        alt=f"Slider over {len(info.sigmas)} noise levels: a noisy copy of the image and the "
        f"share of votes per class. Shown first: {info.lines[info.start]}.",
        x="",
        y="",
        height=430,
    )
    figure.update_xaxes(visible=False, row=1, col=1)
    figure.update_yaxes(visible=False, row=1, col=1)
    figure.update_xaxes(range=[0, 1.02], tickformat=".0%", tickvals=[0, 0.5, 1], row=1, col=2)
    figure.update_yaxes(autorange="reversed", type="category", row=1, col=2)
    figure.update_annotations(font_size=12)
    figure.update_layout(
        sliders=[_slider(info)], showlegend=False, dragmode=False,
        margin={"l": 8, "r": 8, "t": 120, "b": 8},
    )  # fmt: skip
    return figure


def _bars(info: _SliderInfo, index: int) -> go.Bar:
    return go.Bar(
        x=info.shares[index],
        y=info.names,
        orientation="h",
        text=[f"{100 * share:.1f}%" for share in info.shares[index]],
        textposition="none",
        hovertemplate="%{y}<br>%{text}<extra></extra>",
        marker={"color": [style.colour for style in info.styles]},
    )


def _slider(info: _SliderInfo) -> dict[str, Any]:
    count = len(info.sigmas)
    steps = []
    for index, (sigma, line) in enumerate(zip(info.sigmas, info.lines, strict=True)):
        visible = [position // 2 == index for position in range(2 * count)]
        changed = {"title.subtitle.text": wrap(line)}
        steps.append(
            {"label": f"{sigma:g}", "method": "update", "args": [{"visible": visible}, changed]}
        )
    return {
        "active": info.start,
        "currentvalue": {"prefix": "σ = ", "font": {"size": 14}},
        "pad": {"t": 24, "b": 8, "l": 8, "r": 8},
        "steps": steps,
    }
