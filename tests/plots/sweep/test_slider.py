import base64
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from rs_core.errors import ParameterError
from rs_core.plots import alt_text, sigma_slider_figure
from rs_core.results import RadiusCurve


def copies_of(curve: RadiusCurve, shape: tuple[int, int, int] = (1, 8, 8)) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(0.5, 1.0, (len(curve.certificates), *shape))


def test_each_step_shows_one_picture_and_its_votes(curve: RadiusCurve) -> None:
    figure = sigma_slider_figure(curve, copies_of(curve))
    steps = figure.layout.sliders[0].steps
    assert [float(step.label) for step in steps] == [c.sigma for c in curve.certificates]
    for index, step in enumerate(steps):
        shown = [i for i, visible in enumerate(step.args[0]["visible"]) if visible]
        assert shown == [2 * index, 2 * index + 1]
        assert [figure.data[i].type for i in shown] == ["image", "bar"]
        total = sum(curve.certificates[index].counts)
        top = curve.certificates[index].n_top / total
        assert any(share == pytest.approx(top) for share in figure.data[shown[1]].x)
        assert sum(figure.data[shown[1]].x) == pytest.approx(1.0)


def test_it_opens_at_the_largest_radius(curve: RadiusCurve) -> None:
    figure = sigma_slider_figure(curve, copies_of(curve))
    best = max(range(len(curve.certificates)), key=lambda i: curve.certificates[i].radius)
    assert figure.layout.sliders[0].active == best
    assert [t.visible for t in figure.data].index(True) == 2 * best
    assert f"{curve.certificates[best].sigma:g}" in alt_text(figure)


def test_invalid_votes_are_named_where_there_are_any(curve: RadiusCurve) -> None:
    assert any(c.counts[-1] for c in curve.certificates)
    assert sigma_slider_figure(curve, copies_of(curve)).data[1].y[-1] == "others, invalid"
    sound = tuple(replace(c, counts=(*c.counts[:-1], 0)) for c in curve.certificates)
    figure = sigma_slider_figure(replace(curve, certificates=sound), copies_of(curve))
    assert figure.data[1].y[-1] == "all others"


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (3, 224, 160)])
def test_pictures_stay_small(curve: RadiusCurve, shape: tuple[int, int, int]) -> None:
    figure = sigma_slider_figure(curve, copies_of(curve, shape))
    raw = base64.b64decode(figure.data[0].source.partition(",")[2])
    with Image.open(BytesIO(raw)) as picture:
        assert max(picture.size) <= 96


def test_class_names_are_text_and_never_markup(curve: RadiusCurve) -> None:
    classes = len(curve.certificates[0].counts) - 1
    names = [f"<b>{k}</b>" for k in range(classes)]
    figure = sigma_slider_figure(curve, copies_of(curve), names)
    assert "<b>" not in "".join(figure.data[1].y)


def test_it_refuses_copies_that_do_not_fit(curve: RadiusCurve) -> None:
    with pytest.raises(ParameterError, match="one noisy copy"):
        sigma_slider_figure(curve, copies_of(curve)[:-1])
    with pytest.raises(ParameterError, match="one noisy copy"):
        sigma_slider_figure(RadiusCurve((), 0.1, simultaneous=True), copies_of(curve))


def test_the_risk_beside_a_level_is_the_curves_own(curve: RadiusCurve) -> None:
    """A level is picked after seeing all of them: alpha/S of one level would promise too much."""
    for simultaneous, words in ((True, "all levels together"), (False, "this level alone")):
        drawn = replace(curve, simultaneous=simultaneous, alpha=0.01)
        figure = sigma_slider_figure(drawn, copies_of(drawn))
        told = figure.layout.title.subtitle.text.replace("<br>", " ")
        assert f"{words} at alpha 0.01" in told
