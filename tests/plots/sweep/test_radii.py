import dataclasses
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_core.errors import ParameterError
from rs_core.plots import alt_text, radii_figure
from rs_core.plots.sweep.radii import _info
from rs_core.results import Certificate

MakeCertificate = Callable[..., Certificate]


@pytest.fixture(scope="session")
def at(make: MakeCertificate) -> MakeCertificate:
    def at(radius: float, guarantee: str = "A") -> Certificate:
        label = 1 if radius > 0 else None
        return make((10, 980, 10, 0), guarantee=guarantee, radius=radius, predicted=label)

    return at


def test_the_staircase_falls_after_each_radius(at: MakeCertificate) -> None:
    (stairs,) = radii_figure([at(0.5), at(0.0), at(1.0), at(0.5)]).data
    assert list(stairs.x) == [0.0, 0.5, 0.5, 1.0, 1.0]
    assert list(stairs.y) == [0.75, 0.75, 0.5, 0.25, 0.0]
    assert stairs.line.shape == "vh"
    assert stairs.hovertext[1] == "3 of 4 images<br>keep radius 0.500 or more"


@given(radii=st.lists(st.floats(0, 3), min_size=1, max_size=20))
def test_each_step_is_the_share_that_keeps_it(at: MakeCertificate, radii: list[float]) -> None:
    (stairs,) = _info([at(r) for r in radii])
    for radius in stairs.radii:
        highest = max(y for x, y in zip(stairs.radii, stairs.shares, strict=True) if x == radius)
        assert highest == pytest.approx(sum(r >= radius and r > 0 for r in radii) / len(radii))


def test_guarantees_are_never_put_together(at: MakeCertificate) -> None:
    figure = radii_figure([at(0.5, "C"), at(0.7, "A"), at(0.0, "C")])
    assert [t.name for t in figure.data] == [
        "A Certified: 1 of 1, 0 abstain",
        "C Fixed sigma: 1 of 2, 1 abstain",
    ]
    assert len({(t.line.dash, t.marker.symbol, t.line.color) for t in figure.data}) == 2
    assert "C Fixed sigma: 1 of 2 certified, 1 abstain" in alt_text(figure)
    assert "not an accuracy" in figure.layout.title.subtitle.text


def test_a_list_of_abstentions_stays_at_zero(at: MakeCertificate) -> None:
    (stairs,) = radii_figure([at(0.0), at(0.0)]).data
    assert set(stairs.y) == {0.0}


def test_nothing_and_mixed_norms_are_refused(make: MakeCertificate) -> None:
    with pytest.raises(ParameterError, match="no certificates"):
        radii_figure([])
    with pytest.raises(ParameterError, match="l1 and l2"):
        radii_figure([make(), dataclasses.replace(make(), norm="l1")])
