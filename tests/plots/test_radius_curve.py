import dataclasses
from collections.abc import Callable

import plotly.graph_objects as go
import pytest

from rs_core.plots import Band, alt_text, radius_figure
from rs_core.plots.style import BADGES, series_style
from rs_core.results import Certificate, RadiusCurve

MakeCertificate = Callable[..., Certificate]


def trace(figure: go.Figure, start: str) -> go.Scatter:
    (found,) = [t for t in figure.data if (t.name or "").startswith(start)]
    return found


def words(figure: go.Figure) -> str:
    return str(figure.layout.title.subtitle.text).replace("<br>", " ")


def test_the_figure_holds_the_curve(curve: RadiusCurve) -> None:
    figure = radius_figure(curve)
    radii = [c.radius for c in curve.certificates]
    assert list(trace(figure, "class 1").y) == [radii[0], radii[1], None, None]
    assert list(trace(figure, "class 2").y) == [None, None, radii[2], None]
    assert list(trace(figure, "abstains").y) == [0.0]
    assert trace(figure, "abstains").marker.symbol == "x-open"
    assert [s.name for s in figure.layout.shapes] == ["abstain zone"]
    assert list(trace(figure, "ceiling").x) == [0.0, 0.1, 0.25, 0.5, 1.0]


def test_series_differ_in_more_than_colour(curve: RadiusCurve) -> None:
    figure = radius_figure(curve)
    for index, start in enumerate(["class 1", "class 2"]):
        drawn, style = trace(figure, start), series_style(index)
        assert (drawn.line.color, drawn.line.dash, drawn.marker.symbol) == style


def test_best_is_the_badge_c_star(curve: RadiusCurve) -> None:
    star = trace(radius_figure(curve), "C Fixed sigma")
    assert star.marker.symbol == "star"
    assert star.marker.color == BADGES["C"].colour
    assert list(star.y) == [curve.best.radius]
    assert len(radius_figure(dataclasses.replace(curve, best=None)).data) == 4


def test_a_best_that_abstains_is_no_star(curve: RadiusCurve, make: MakeCertificate) -> None:
    silent = make((400, 300, 300, 0), sigma=0.5, guarantee="C")
    figure = radius_figure(dataclasses.replace(curve, best=silent))
    assert trace(figure, "Nothing certified").marker.symbol != "star"


def test_the_subtitle_names_the_kind_of_statement(curve: RadiusCurve) -> None:
    assert words(radius_figure(curve)) == (
        "simultaneous: all 4 radii hold together with probability >= 0.999 (each at alpha/4)"
    )
    alone = words(radius_figure(dataclasses.replace(curve, simultaneous=False)))
    assert alone.startswith("pointwise: each radius alone with probability >= 0.999")
    assert "not the highest" in alone


def test_titles_fit_a_narrow_screen(curve: RadiusCurve) -> None:
    figure = radius_figure(curve)
    assert len(figure.layout.title.text) <= 36
    assert len(figure.layout.title.subtitle.text.split("<br>")) <= 2


def test_units_stand_on_both_axes(curve: RadiusCurve) -> None:
    layout = radius_figure(curve).layout
    assert "pixels in [0,1]" in layout.xaxis.title.text
    assert layout.yaxis.title.text == "certified radius (l2, pixels in [0,1])"


def test_alt_text_tells_the_result(curve: RadiusCurve) -> None:
    text = alt_text(radius_figure(curve))
    assert "1 of 4 noise levels abstain" in text
    assert "sigma 0.25, class 1" in text


def test_a_curve_of_abstentions_has_no_largest_radius(make: MakeCertificate) -> None:
    silent = make((400, 300, 300, 0))
    figure = radius_figure(RadiusCurve((silent,), 1e-3, True))
    assert "Largest" not in alt_text(figure)
    assert "1 of 1" in alt_text(figure)
    assert words(figure) == "nothing certified: all 1 noise levels abstain"
    assert figure.layout.yaxis.range[1] > 0


def test_the_live_band_is_filled_and_named() -> None:
    inf = float("inf")
    band = Band((0.1, 0.2), (0.05, 0.0), (0.3, inf), (1, None), 1200, 5000)
    figure = radius_figure(RadiusCurve((), 1e-3, simultaneous=True), band=band)
    lower, upper = figure.data
    assert list(lower.y) == [0.05, 0.0]
    assert upper.fill == "tonexty"
    assert list(upper.y) == [0.3, figure.layout.yaxis.range[1]]
    assert words(figure).startswith("live: anytime-valid band")
    assert "1,200 of 5,000 done" in words(figure)


def test_a_finished_curve_never_shows_the_band(curve: RadiusCurve) -> None:
    sigmas = [c.sigma for c in curve.certificates]
    band = Band(sigmas, [9.0] * 4, [10.0] * 4, [1] * 4, 1, 2)
    assert radius_figure(curve, band=band) == radius_figure(curve)


@pytest.mark.parametrize("name", ["%{x}", "$x^2$", "<a href='http://x'>b</a>"])
def test_class_names_are_only_ever_text(make: MakeCertificate, name: str) -> None:
    figure = radius_figure(RadiusCurve((make((0, 100, 0)),), 1e-3, True), class_names=["a", name])
    drawn = trace(figure, "class 1")
    assert "<" not in drawn.name
    assert "%{" not in drawn.name
    assert drawn.hovertemplate is None
    assert drawn.hoverinfo == "text"
