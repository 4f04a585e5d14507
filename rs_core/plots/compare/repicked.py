"""What badge C does not promise, drawn from the closed-form counterexample."""

import numpy as np
import plotly.graph_objects as go

from rs_core.plots.style import BADGES, BLUE, GREY, PURPLE, VERMILION, frame_layout
from rs_core.plots.text import radius_text
from rs_core.statistics import Counterexample, answers, picked_at, repicked_sigma

_POINTS = 121


def repicked_sigma_figure() -> go.Figure:
    """The probability of the class under two sigmas, and which of them the selector picks where.

    At 0 the picked sigma certifies a radius (badge C). Inside it, further out, the selector picks
    the other sigma, and the class changes, although every frozen certificate is true.
    """
    case = repicked_sigma()
    reach = 1.15 * case.certified.radius
    xs = np.linspace(0.0, reach, _POINTS)
    badge = BADGES["C"]
    layout = frame_layout(
        title="The certificate is true, and the class flips",
        subtitle="one number instead of an image; exact probabilities, no draws",
        alt=_alt(case),
        x="distance from the image",
        y="share of noisy copies in the class",
        height=440,
    )
    layout["xaxis"] |= {"range": [-0.02 * reach, reach], "nticks": 8, "zeroline": False}
    layout["yaxis"] |= {"range": [0.0, 1.12], "nticks": 6, "tickformat": ".0%"}
    layout["shapes"] = [
        {"type": "rect", "x0": 0, "x1": case.certified.radius, "y0": 0, "y1": 1,
         "line": {"width": 0}, "fillcolor": badge.colour, "opacity": 0.13, "layer": "below"},
        {"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": 0.5, "y1": 0.5,
         "line": {"color": GREY, "dash": "dot", "width": 1}},
    ]  # fmt: skip
    layout["annotations"] = [
        {"x": case.certified.radius / 2, "y": 1.04, "showarrow": False, "yanchor": "bottom",
         "text": f"certified for σ = {case.certified.sigma:g}: radius "
         f"{radius_text(case.certified.radius)}"},
    ]  # fmt: skip
    return go.Figure(data=[*_lines(case, xs), *_points(case)], layout=layout)


def _lines(case: Counterexample, xs: np.ndarray) -> list[go.Scatter]:
    traces = []
    for sigma, colour, dash in zip(case.sigmas, (BLUE, PURPLE), ("solid", "dash"), strict=True):
        shares = answers(xs, sigma)
        picked = [picked_at(x, case.sigmas).sigma == sigma for x in xs]
        traces.append(
            go.Scatter(
                x=xs, y=shares, mode="lines", name=f"under σ = {sigma:g}", hoverinfo="skip",
                line={"color": colour, "dash": dash, "width": 1.5},
            )
        )  # fmt: skip
        traces.append(
            go.Scatter(
                x=xs, y=[y if on else None for y, on in zip(shares, picked, strict=True)],
                mode="lines", name=f"where the selector picks {sigma:g}", hoverinfo="skip",
                line={"color": colour, "dash": dash, "width": 5}, connectgaps=False,
            )
        )  # fmt: skip
    return traces


def _points(case: Counterexample) -> list[go.Scatter]:
    badge = BADGES["C"]
    marks = (
        (0.0, case.certified.inside, "here σ is picked and certified: the class wins",
         badge.colour, badge.marker),
        (case.shift, case.frozen.inside, "inside the radius, σ held: the class still wins",
         BLUE, "circle-open"),
        (case.shift, case.again.inside, "inside the radius, σ picked again: the class loses",
         VERMILION, "x"),
    )  # fmt: skip
    return [
        go.Scatter(
            x=(x,),
            y=(y,),
            mode="markers",
            name=words,
            hovertext=(f"{words}<br>share {y:.3f}",),
            hoverinfo="text",
            marker={"color": colour, "symbol": symbol, "size": 14},
            cliponaxis=False,
        )
        for x, y, words, colour, symbol in marks
    ]


def _alt(case: Counterexample) -> str:
    return (
        f"At the image sigma {case.certified.sigma:g} is picked and certifies radius "
        f"{radius_text(case.certified.radius)}. At distance {case.shift:.3f}, inside that radius, "
        f"{case.frozen.inside:.0%} of the copies under the same sigma stay in the class, but the "
        f"selector picks sigma {case.again.sigma:g} there and only {case.again.inside:.0%} do."
    )
