from rs_core.plots import BADGES, alt_text, repicked_sigma_figure
from rs_core.statistics import answer_at, picked_at, repicked_sigma


def test_the_picture_shows_the_numbers_of_the_closed_form() -> None:
    case, figure = repicked_sigma(), repicked_sigma_figure()
    centre, held, again = figure.data[-3:]
    assert (centre.x[0], centre.y[0]) == (0.0, case.certified.inside)
    assert centre.marker.symbol == BADGES["C"].marker
    assert held.x[0] == again.x[0] == case.shift
    assert held.y[0] == answer_at(case.shift, case.sigmas[0]).inside > 0.5
    assert again.y[0] == answer_at(case.shift, case.sigmas[1]).inside < 0.5
    assert figure.layout.shapes[0].x1 == case.certified.radius > case.shift
    assert len({t.marker.symbol for t in (centre, held, again)}) == 3


def test_the_bold_lines_are_where_the_selector_picks() -> None:
    case, figure = repicked_sigma(), repicked_sigma_figure()
    for sigma, line in zip(case.sigmas, (figure.data[1], figure.data[3]), strict=True):
        for x, y in zip(line.x, line.y, strict=True):
            assert (y is not None) == (picked_at(x).sigma == sigma)
    assert figure.data[1].line.dash != figure.data[3].line.dash


def test_it_is_told_in_words() -> None:
    words = alt_text(repicked_sigma_figure())
    assert "certifies radius 0.897" in words
    assert "82% of the copies" in words
    assert "only 37% do" in words
