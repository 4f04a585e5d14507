import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from rs_core.errors import ParameterError
from rs_core.statistics import answer_at, answers, l2_radius, picked_at, repicked_sigma


@given(x=st.floats(-2, 2), sigma=st.floats(0.1, 3))
def test_the_probability_is_the_mass_of_the_interval(x: float, sigma: float) -> None:
    mass, _ = quad(norm(x, sigma).pdf, -1, 1, points=[x] if -1 < x < 1 else None)
    found = answer_at(x, sigma)
    assert found.inside == pytest.approx(mass, abs=1e-7)
    assert answers(np.array([x]), sigma)[0] == found.inside
    share = max(found.inside, 1 - found.inside)
    if share < 1 - 1e-12:
        assert found.radius == pytest.approx(l2_radius(sigma, share), rel=1e-6, abs=1e-9)


def test_the_frozen_certificate_holds_in_its_whole_ball() -> None:
    case = repicked_sigma()
    ball = np.linspace(-1, 1, 2001) * case.certified.radius
    assert (answers(ball, case.certified.sigma) > 0.5).all()


def test_the_selector_that_picks_again_flips_inside_the_ball() -> None:
    case = repicked_sigma()
    assert picked_at(0.0).says_inside
    assert 0 < case.switch < case.shift < case.certified.radius
    assert case.frozen.says_inside
    assert not case.again.says_inside
    assert case.again == picked_at(case.shift)
    assert case.again.sigma != case.certified.sigma


def test_the_choice_changes_at_the_switch() -> None:
    case = repicked_sigma()
    near = 1e-9
    assert picked_at(case.switch - near).sigma == case.sigmas[0]
    assert picked_at(case.switch + near).sigma == case.sigmas[1]


@given(low=st.floats(0.1, 0.9), high=st.floats(0.9, 4))
def test_other_sigmas_make_one_or_say_so(low: float, high: float) -> None:
    try:
        case = repicked_sigma(low, high)
    except ParameterError:
        return
    assert case.shift < case.certified.radius
    assert case.frozen.says_inside
    assert not picked_at(case.shift, case.sigmas).says_inside


@pytest.mark.parametrize("pair", [(0.4, 3.0), (2.0, 0.4), (0.4, 0.5), (0.4, 0.4)])
def test_sigmas_without_a_counterexample_are_refused(pair: tuple[float, float]) -> None:
    with pytest.raises(ParameterError, match="make no counterexample"):
        repicked_sigma(*pair)
