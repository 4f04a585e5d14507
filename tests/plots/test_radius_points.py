import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_core.errors import ParameterError
from rs_core.plots.radius_points import Band, radius_info
from rs_core.results import Certificate, RadiusCurve
from rs_core.smoothing.options import bound_level
from rs_core.statistics import l2_radius_two_sided, radius_ceiling, two_sided_bounds

MakeCertificate = Callable[..., Certificate]

BAND = Band((0.1, 0.25, 0.5), (0.2, -1.0, 0.0), (0.3, 0.5, math.inf), (1, 1, None), 3, 10)
NONE_YET = RadiusCurve((), 1e-3, simultaneous=True)


def test_each_class_has_a_line_broken_elsewhere(curve: RadiusCurve) -> None:
    info = radius_info(curve, None, ["a", "b", "<i>c</i>"])
    radii = [c.radius for c in curve.certificates]
    assert [s.name for s in info.series] == ["class 1 (b)", "class 2 (&lt;i&gt;c&lt;/i&gt;)"]
    assert info.series[0].y == (radii[0], radii[1], None, None)
    assert info.series[1].y == (None, None, radii[2], None)
    assert info.series[0].x == (0.1, 0.25, 0.5, 1.0)


def test_abstentions_stand_at_zero_with_their_reason(curve: RadiusCurve) -> None:
    info = radius_info(curve, None, ())
    assert info.abstain is not None
    assert info.abstain.x == (1.0,)
    assert info.abstain.y == (0.0,)
    assert "no class got more than half" in info.abstain.hover[0]
    assert info.zones == ((0.75, pytest.approx(1.03)),)


def test_neighbouring_abstentions_share_a_zone(make: MakeCertificate) -> None:
    silent = [make((400, 300, 300, 0), sigma=s) for s in (0.1, 0.2)]
    loud = make((0, 1000, 0, 0), sigma=0.4)
    late = make((400, 300, 300, 0), sigma=0.8)
    info = radius_info(RadiusCurve((*silent, loud, late), 1e-3, False), None, ())
    assert [(round(a, 9), round(b, 9)) for a, b in info.zones] == [(0.09, 0.3), (0.6, 0.824)]


def test_the_ceiling_uses_each_certificates_own_alpha_and_n(make: MakeCertificate) -> None:
    points = (make((0, 100, 0, 0), sigma=0.1, alpha=0.01), make((5, 9995, 0, 0), sigma=1.0))
    info = radius_info(RadiusCurve(points, 1e-3, False), None, ())
    assert info.ceiling is not None
    assert info.ceiling.x == (0.0, 0.1, 1.0)
    assert info.ceiling.y == (
        0.0,
        radius_ceiling(0.1, 100, 0.01),
        radius_ceiling(1.0, 10_000, 0.001),
    )
    assert points[0].radius == pytest.approx(info.ceiling.y[1], rel=1e-9)


def test_the_ceiling_pays_what_each_of_two_bounds_pays(make: MakeCertificate) -> None:
    """Unanimous votes reach it: both bounds are at alpha / 2."""
    counts = np.array([[[0, 1000, 0, 0]]])
    lower, upper = two_sided_bounds(counts, np.array([[1]]), 1e-3)
    radius = float(l2_radius_two_sided(0.5, lower, upper)[0, 0])
    point = make(
        (0, 1000, 0, 0), sigma=0.5, radius=radius, bound="two-sided",
        p_upper_runner_up=float(upper[0, 0]), level=bound_level("two-sided", 1e-3),
    )  # fmt: skip
    info = radius_info(RadiusCurve((point,), 1e-3, False), None, ())
    assert info.ceiling is not None
    assert info.ceiling.y[1] == pytest.approx(radius, rel=1e-9)
    assert radius < radius_ceiling(0.5, 1000, 1e-3)


@given(hits=st.lists(st.integers(0, 1000), min_size=1, max_size=6))
def test_no_radius_passes_its_ceiling_or_the_axis(make: MakeCertificate, hits: list[int]) -> None:
    points = tuple(make((1000 - k, k, 0), sigma=0.1 * (i + 1)) for i, k in enumerate(hits))
    info = radius_info(RadiusCurve(points, 1e-3, True), None, ())
    assert info.ceiling is not None
    for c, limit in zip(points, info.ceiling.y[1:], strict=True):
        assert limit is not None
        assert c.radius <= limit * (1 + 1e-9)
        assert c.radius < info.top
    drawn = sum(r is not None for s in info.series for r in s.y)
    assert drawn + (len(info.abstain.x) if info.abstain else 0) == len(points)


def test_other_norms_have_no_gaussian_ceiling_and_are_not_mixed(curve: RadiusCurve) -> None:
    points = tuple(dataclasses.replace(c, norm="l1") for c in curve.certificates)
    info = radius_info(dataclasses.replace(curve, certificates=points), None, ())
    assert info.norm == "l1"
    assert info.ceiling is None
    mixed = dataclasses.replace(curve, certificates=(*curve.certificates[:2], *points[2:]))
    with pytest.raises(ParameterError, match="l1 and l2"):
        radius_info(mixed, None, ())


def test_hover_floors_the_radius_and_names_the_votes(make: MakeCertificate) -> None:
    made = dataclasses.replace(make((10, 980, 10, 0)), radius=0.41299999)
    info = radius_info(RadiusCurve((made,), 1e-3, True), None, ())
    hover = info.series[0].hover[0]
    assert "0.412 " in hover
    assert "980 of 1,000 votes" in hover
    assert "A Certified" in hover


def test_best_is_named_as_fresh_and_fixed(curve: RadiusCurve, make: MakeCertificate) -> None:
    best = radius_info(curve, None, ()).best
    assert best is not None
    assert best.x == (0.5,)
    assert best.y == (curve.best.radius,)
    flat = best.name.replace("<br>", " ")
    assert flat == "C Fixed sigma: re-certified on fresh draws, sigma held fixed"
    silent = make((400, 300, 300, 0), guarantee="C")
    failed = radius_info(dataclasses.replace(curve, best=silent), None, ()).best
    assert failed is not None
    assert failed.name.startswith("Nothing certified")


def test_band_clips_below_and_leaves_infinity_open() -> None:
    band = radius_info(NONE_YET, BAND, ["a", "b"]).band
    assert band is not None
    lower, upper = band
    assert lower.y == (0.2, 0.0, 0.0)
    assert upper.y == (0.3, 0.5, None)
    assert "class 1 (b)" in lower.hover[0]
    assert "abstains so far" in lower.hover[2]
    assert "no upper limit yet" in lower.hover[2]


def test_minus_one_in_a_band_is_abstain() -> None:
    band = radius_info(NONE_YET, BAND._replace(predicted=(-1, 1, 1)), ()).band
    assert band is not None
    assert "abstains so far" in band[0].hover[0]


def test_a_certificate_replaces_the_band_at_its_sigma(curve: RadiusCurve) -> None:
    part = dataclasses.replace(curve, certificates=curve.certificates[:2], best=None)
    band = radius_info(part, BAND, ()).band
    assert band is not None
    assert band[0].x == (0.5,)
    assert radius_info(curve, BAND, ()).band is None


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(ParameterError, match="holds no certificates"):
        radius_info(NONE_YET, None, ())
