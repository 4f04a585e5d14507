"""Figures of a training: what they draw of a course, and what they say to a screen reader."""

import math
from dataclasses import replace

import pytest

from rs_core.errors import ParameterError
from rs_core.plots import (
    accuracy_figure,
    alt_text,
    confusion_figure,
    probe_radii_figure,
    training_loss_figure,
)
from rs_core.plots.train.probes import ceiling_of
from rs_core.results.training import Confusion, Course, Epoch, Probe, ProbePoint
from rs_core.statistics import l2_radius, lower_confidence_bound

NAMES = ("cat", "dog", "<i>owl</i>")
EPOCHS = (
    Epoch(1, 1.5, 0.4, 0.6, 0.5, 0.1, 2.0, 1000.0),
    Epoch(2, 0.75, 0.5, 0.8, 0.7, 0.05, 2.0, 1000.0),
)
CAT = Probe("a", "my <b>cat</b>", 0, (ProbePoint(1, 1, 0.05, 0.2), ProbePoint(2, 0, 0.3, math.nan)))
OWL = Probe("b", "owl", None, (ProbePoint(1, None, 0.0, 0.1), ProbePoint(2, 2, 0.2, 0.35)))
NEAR = Probe("c", "near", None, (ProbePoint(1, 2, 0.05, 0.10001),))  # never rounded down
COURSE = Course(EPOCHS, 5, (CAT, OWL), sigma=0.25, n=500, alpha=1e-3)
EMPTY = Course((), 5, (replace(CAT, points=()),), 0.25, 500, 1e-3)
COUNTS = ((8, 2, 0), (1, 9, 0), (0, 0, 10))


def test_the_loss_of_every_epoch() -> None:
    figure = training_loss_figure(COURSE)
    (line,) = figure.data
    assert (list(line.x), list(line.y)) == ([1, 2], [1.5, 0.75])
    assert "learning rate 0.05" in line.hovertext[1]
    assert "first 1.5, last 0.75" in alt_text(figure)
    assert tuple(figure.layout.xaxis.range) == (0.5, 5.5)


@pytest.mark.parametrize("planned", [2, 5, 8])
def test_few_epochs_have_a_tick_each_and_none_twice(planned: int) -> None:
    axis = training_loss_figure(replace(COURSE, planned=planned)).layout.xaxis
    assert (axis.tick0, axis.dtick) == (1, 1)


@pytest.mark.parametrize(
    ("done", "planned", "end"),
    [(1, 300, 8), (8, 300, 8), (9, 300, 32), (33, 300, 128), (129, 300, 300), (9, 10, 10)],
)
def test_many_epochs_come_into_view_as_they_are_done(done: int, planned: int, end: int) -> None:
    epochs = tuple(replace(EPOCHS[0], epoch=k) for k in range(1, done + 1))
    axis = training_loss_figure(Course(epochs, planned, (), 0.25, 500, 1e-3)).layout.xaxis
    assert tuple(axis.range) == (0.5, end + 0.5)
    assert (axis.dtick is None) == (end > 8)


def test_three_accuracies_differ_in_more_than_colour() -> None:
    figure = accuracy_figure(COURSE)
    clean, noisy, train = figure.data
    assert (list(clean.y), list(noisy.y), list(train.y)) == ([0.6, 0.8], [0.5, 0.7], [0.4, 0.5])
    assert len({line.line.dash for line in figure.data}) == 3
    assert len({line.marker.symbol for line in figure.data}) == 3
    assert "80.0% without noise, 70.0% under noise" in alt_text(figure)


def test_no_epoch_is_no_figure() -> None:
    for draw in (training_loss_figure, accuracy_figure):
        with pytest.raises(ParameterError, match="no epoch is done yet"):
            draw(EMPTY)


def test_radii_grow_and_a_wrong_class_is_a_cross() -> None:
    figure = probe_radii_figure(COURSE, NAMES)
    cat, owl, *legend, ceiling = figure.data
    assert (list(cat.x), list(cat.y)) == ([1, 2], [0.05, 0.3])
    assert (cat.marker.symbol[0], cat.marker.symbol[1] == "x") == ("x", False)
    assert "x" not in owl.marker.symbol
    assert "wrong: it is class 0 (cat)" in cat.hovertext[0]
    assert "&lt;b&gt;" in cat.hovertext[0]
    assert "abstains" in owl.hovertext[0]
    assert (
        "at most 0.101" in probe_radii_figure(replace(COURSE, probes=(NEAR,))).data[0].hovertext[0]
    )
    assert "no limit" in cat.hovertext[1]
    assert "0.05000 then 0.300" in alt_text(figure)
    assert ceiling.y[0] == ceiling.y[1] == ceiling_of(COURSE)
    assert [entry.name for entry in legend] == [
        "1: my &lt;b&gt;cat&lt;/b&gt;",
        "2: owl",
        "a wrong class",
    ]
    assert legend[0].marker.symbol == cat.marker.symbol[1] != "x" == legend[2].marker.symbol
    assert [entry.legendgroup for entry in legend[:2]] == [cat.legendgroup, owl.legendgroup]
    assert not cat.showlegend


def test_without_a_wrong_class_no_cross_is_explained() -> None:
    assert "wrong" not in str(probe_radii_figure(replace(COURSE, probes=(OWL,))).data)


def test_the_ceiling_is_the_radius_of_unanimous_votes_at_their_share_of_alpha() -> None:
    share = 1e-3 / (2 * 2 * 5)  # two ends, two probes, five planned epochs
    assert ceiling_of(COURSE) == pytest.approx(
        l2_radius(0.25, lower_confidence_bound(500, 500, share)), rel=1e-9
    )


def test_the_band_of_one_probe_reaches_from_certified_to_possible() -> None:
    lower, upper, *_ = probe_radii_figure(COURSE, NAMES, band_of=0).data
    assert list(lower.y) == [0.05, 0.3]
    assert upper.y[0] == 0.2
    assert upper.y[1] > ceiling_of(COURSE)  # open: it reaches the frame
    assert (upper.fill, upper.name) == ("tonexty", "band of 1: my &lt;b&gt;cat&lt;/b&gt;")


def test_radii_before_the_first_epoch_and_of_no_image() -> None:
    assert "no epoch is done yet" in alt_text(probe_radii_figure(EMPTY))
    with pytest.raises(ParameterError, match="no image is followed"):
        probe_radii_figure(replace(EMPTY, probes=()))


def test_the_confusion_matrix_has_true_classes_for_rows() -> None:
    figure = confusion_figure(Confusion(0.25, COUNTS), NAMES, "30 images")
    (cells,) = figure.data
    assert [list(row) for row in cells.z] == [[0.8, 0.2, 0.0], [0.1, 0.9, 0.0], [0.0, 0.0, 1.0]]
    assert list(cells.text[0]) == ["8", "2", ""]
    assert "2 of 10 images of cat" in cells.hovertext[0][1]
    assert cells.x[2] == "&lt;i&gt;owl&lt;/i&gt;"
    assert "27 of 30 images right" in alt_text(figure)
    assert "cat taken for dog, 2 times" in alt_text(figure)
    assert "under noise σ 0.25" in figure.layout.title.subtitle.text


def test_classes_of_one_name_stay_apart() -> None:
    (cells,) = confusion_figure(Confusion(0.0, COUNTS), ("a", "a", "b"), "x").data
    assert list(cells.x) == ["0: a", "1: a", "b"]


@pytest.mark.parametrize("counts", [COUNTS[:2], tuple(row[:2] for row in COUNTS), ()])
def test_a_matrix_of_another_size_is_refused(counts: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ParameterError, match="3 rows and columns"):
        confusion_figure(Confusion(0.0, counts), NAMES, "x")


def test_an_empty_matrix_is_refused() -> None:
    with pytest.raises(ParameterError, match="no image was looked at"):
        confusion_figure(Confusion(0.0, ((0,) * 3,) * 3), NAMES, "x")
