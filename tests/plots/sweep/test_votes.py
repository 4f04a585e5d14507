import dataclasses
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_core.errors import ParameterError
from rs_core.plots import alt_text, votes_figure
from rs_core.plots.sweep.votes import _info
from rs_core.results import Certificate, RadiusCurve

MakeCertificate = Callable[..., Certificate]


def test_shares_follow_the_votes(curve: RadiusCurve) -> None:
    figure = votes_figure(curve, ["a", "b", "c"])
    assert [t.name for t in figure.data] == [
        "class 1 (b)",
        "class 2 (c)",
        "class 0 (a)",
        "INVALID: NaN or infinite",
    ]
    assert list(figure.data[0].y) == [1.0, 0.99, 0.1, 0.33]
    assert list(figure.data[3].y) == [0.0, 0.0, 0.0, 0.03]
    assert "990 of 1,000 votes" in figure.data[0].hovertext[1]


def test_a_class_looks_as_in_the_radius_figure(curve: RadiusCurve) -> None:
    from rs_core.plots import radius_figure

    votes = {t.name: t.line.color for t in votes_figure(curve).data}
    radii = {t.name: t.line.color for t in radius_figure(curve).data}
    shared = {"class 1", "class 2"}
    assert {n: votes[n] for n in shared} == {n: radii[n] for n in shared}


votes = st.lists(st.integers(0, 50), min_size=12, max_size=12)


@given(table=st.lists(votes, min_size=2, max_size=4))
def test_shares_add_up_to_one(make: MakeCertificate, table: list[list[int]]) -> None:
    info = _info([make([1, *row], sigma=0.1 * (i + 1)) for i, row in enumerate(table)], ())
    for shares in zip(*info.shares, strict=True):
        assert sum(shares) == pytest.approx(1)
    assert len(info.names) == len(set(info.names)) <= 7


def test_one_sigma_becomes_bars(make: MakeCertificate) -> None:
    figure = votes_figure(RadiusCurve((make((10, 980, 10, 0)),), 1e-3, True))
    (bars,) = figure.data
    assert bars.type == "bar"
    assert list(bars.x) == ["class 1", "class 0", "class 2"]
    assert list(bars.y) == [0.98, 0.01, 0.01]
    assert "Bar chart" in alt_text(figure)


def test_the_half_is_marked(curve: RadiusCurve) -> None:
    (line,) = votes_figure(curve).layout.shapes
    assert (line.y0, line.y1) == (0.5, 0.5)


def test_what_a_class_needs_is_said_of_its_bound(make: MakeCertificate) -> None:
    def said(*points: Certificate) -> str:
        return votes_figure(RadiusCurve(points, 1e-3, True)).layout.title.subtitle.text.replace(
            "<br>", " "
        )

    half, lead = "more than one half of the votes", "more votes than any other"
    one = make((10, 980, 10, 0))
    both = make(
        (871, 600, 529, 0), sigma=0.5, bound="two-sided", predicted=0, p_upper_runner_up=0.34
    )
    assert half in said(one)
    assert lead in said(both)
    assert half not in said(both), "871 of 2,000 are certified"
    assert "with the two-sided bound" in said(one, both)


def test_what_cannot_be_drawn_is_refused(curve: RadiusCurve, make: MakeCertificate) -> None:
    with pytest.raises(ParameterError, match="no certificates"):
        votes_figure(RadiusCurve((), 1e-3, True))
    with pytest.raises(ParameterError, match="2 class names for 3 classes"):
        votes_figure(curve, ["a", "b"])
    odd = dataclasses.replace(curve.certificates[0], counts=(5, 5))
    with pytest.raises(ParameterError, match="carries no votes"):
        votes_figure(RadiusCurve((curve.certificates[0], odd), 1e-3, True))
    empty = dataclasses.replace(make(), counts=(0, 0, 0))
    with pytest.raises(ParameterError, match="carries no votes"):
        votes_figure(RadiusCurve((empty,), 1e-3, True))
