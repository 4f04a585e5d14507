"""The histogram of a training's sigmas."""

from dataclasses import replace

import pytest

from rs_core.errors import ParameterError
from rs_core.plots import alt_text
from rs_core.plots.train.sigmas import epochs_with_sigmas, sigmas_figure
from rs_core.results.training import Course, Epoch, SigmaSpread

SPREAD = SigmaSpread(0.2, 1.0, (3, 0, 1, 0), 0.35, 2, ((4, 0.2),), ((2, 0.7),))
PLAIN = Epoch(1, 1.5, 0.4, 0.6, 0.5, 0.1, 2.0, 1000.0)
SECOND, THIRD = (replace(PLAIN, epoch=k, sigmas=SPREAD) for k in (2, 3))
COURSE = Course((PLAIN, SECOND, THIRD), 5)


def test_epochs_without_sigmas_are_left_out() -> None:
    assert epochs_with_sigmas(COURSE) == (2, 3)
    with pytest.raises(ParameterError, match="after epoch 1 no image"):
        sigmas_figure(COURSE, 1)


def test_bars_stand_at_the_middles_of_their_bins() -> None:
    figure = sigmas_figure(COURSE, 3)
    bars, line = figure.data
    assert list(bars.x) == pytest.approx([0.3, 0.5, 0.7, 0.9])
    assert list(bars.y) == [3, 0, 1, 0]
    assert bars.hovertext[2] == "1 images<br>\u03c3 0.6 to 0.8"
    assert line.name == "after epoch 2"
    assert "4 images' sigmas after epoch 3: mean 0.35" in alt_text(figure)
    assert "smallest 0.2, largest 0.7" in alt_text(figure)


def test_the_first_epoch_is_not_drawn_twice() -> None:
    assert len(sigmas_figure(COURSE, 2).data) == 1


def test_one_sigma_for_all_is_one_bar() -> None:
    alone = replace(SPREAD, low=0.25, high=0.25, counts=(4,))
    figure = sigmas_figure(Course((replace(SECOND, sigmas=alone),), 5), 2)
    assert list(figure.data[0].y) == [4]
