import math

import numpy as np
import pytest

from rs_core.errors import ParameterError
from rs_core.plots import loss_figure, perturbation_picture, vote_shift_figure
from rs_core.plots.attack.pictures import _losses, _shift
from rs_core.results.attack_trial import Ballot


def ballot(*shares: float, sigma: float | None = 0.25) -> Ballot:
    counts = tuple(round(1000 * share) for share in shares)
    return Ballot(counts, shares[:-1], sigma, sum(counts) or 1)


def test_grey_is_no_change_and_ten_times_is_ten_times() -> None:
    pixels = np.full((1, 2, 2), 0.5, np.float32)
    moved = pixels.copy()
    moved[0, 0, 0], moved[0, 0, 1], moved[0, 1, 0] = 0.52, 0.47, 0.9
    shown = perturbation_picture(pixels, moved)
    assert shown[0, 1, 1] == 0.5
    assert shown[0, 0, 0] == pytest.approx(0.7, abs=1e-6)
    assert shown[0, 0, 1] == pytest.approx(0.2, abs=1e-6)
    assert shown[0, 1, 0] == 1.0
    with pytest.raises(ParameterError, match="differ"):
        perturbation_picture(pixels, moved[:, :1])


def test_the_label_stands_first_and_small_classes_are_summed() -> None:
    before = ballot(0.01, 0.01, 0.9, 0.02, 0.01, 0.02, 0.01, 0.02, 0.0)
    after = ballot(0.02, 0.01, 0.1, 0.02, 0.01, 0.7, 0.01, 0.03, 0.1)
    info = _shift(before, after, 2, ())
    assert info.names[:2] == ("class 2", "class 5")
    assert info.names[-2:] == ("others", "INVALID")
    assert sum(info.before) == pytest.approx(1)
    assert sum(info.after) == pytest.approx(1)
    assert (info.before[0], info.after[0]) == (0.9, 0.1)


def test_classes_that_nobody_could_see_are_left_out() -> None:
    info = _shift(ballot(1.0, 0.0, 0.0), ballot(0.9998, 0.0002, 0.0), 0, ("a", "b"))
    assert info.names == ("class 0 (a)",)
    assert info.what == "share of the votes"


def test_a_bare_network_shows_its_softmax() -> None:
    old, new = Ballot((1, 0, 0), (0.8, 0.2), None, 1), Ballot((0, 1, 0), (0.3, 0.7), None, 1)
    figure = vote_shift_figure(old, new, 0, ("<b>", "dog"))
    assert "softmax" in figure.layout.yaxis.title.text
    assert list(figure.data[1].y) == [0.3, 0.7]
    assert figure.data[0].x[0] == "class 0 (&lt;b&gt;)"
    assert "80.0% before and 30.0% after" in figure.layout.meta["alt"]
    assert figure.data[1].marker.pattern.shape == "/"  # not told by colour alone


def test_sigmas_that_a_selector_picked_are_named() -> None:
    figure = vote_shift_figure(ballot(1, 0, 0), ballot(0, 1, 0, sigma=0.5), 0)
    assert "0.25 before, 0.5 after" in figure.layout.title.subtitle.text.replace("<br>", " ")
    with pytest.raises(ParameterError, match="one network"):
        vote_shift_figure(ballot(1, 0), ballot(1, 0, 0), 0)


def test_losses_keep_their_steps_and_gaps() -> None:
    info = _losses([1.0, math.nan, 3.0], 5)
    assert info.steps == (1, 6, 11)
    assert info.values == (1.0, None, 3.0)
    figure = loss_figure([1.0, math.nan, 3.0], every=5, live=True)
    assert "so far" in figure.layout.title.text
    assert "over 15 steps: 1 at first, 3 at the end" in figure.layout.meta["alt"]
    assert len(_losses([0.0] * 20_000, 1).steps) == 2000
    assert "no finite number" in loss_figure([math.nan]).layout.meta["alt"]
    assert "margin" in loss_figure([1.0], gradient_free=True).layout.yaxis.title.text
    with pytest.raises(ParameterError, match="no losses"):
        loss_figure([])
