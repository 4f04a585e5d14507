from dataclasses import asdict, fields

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rs_core.classifiers import Classifier
from rs_core.evaluation.cost import (
    certifying_draws,
    choosing_draws,
    comparison_draws,
    declared_levels,
    sandwich_passes,
    sandwiches_spent,
)
from rs_core.events import drain
from rs_core.experiments import Compare, Pair
from rs_core.experiments.sandwich import MakeSandwiches, SandwichOptions
from rs_core.fields import describe_fields
from rs_core.guarantees import GUARANTEES
from rs_core.images import ImageInput
from rs_core.results import Selection, to_json
from rs_core.selectors import SELECTORS, Grid, Knn, Selector
from tests.conftest import Coin, spec_of

SMALL: dict[str, Selector] = {
    "fixed": SELECTORS["fixed"](),
    "grid": Grid(n=16, interval=0.3),
    "greedy_grid": SELECTORS["greedy_grid"](n=3, evaluations=20),
    "gradient": SELECTORS["gradient"](steps=5, n=2),
    "multistart": SELECTORS["multistart"](levels=4, m=16),
    "multistart_uniform": SELECTORS["multistart_uniform"](levels=4, m=16),
}


def settings(selector: Selector) -> dict:
    return {f.name: asdict(selector)[f.name] for f in fields(selector)}


def test_every_selector_is_counted() -> None:
    assert set(SMALL) == set(SELECTORS) - {Knn.name}
    assert choosing_draws("knn", settings(Knn())) == 0


@pytest.mark.parametrize("name", SMALL)
def test_the_estimate_is_what_is_spent_at_most(name: str, grey: ImageInput) -> None:
    coin = Classifier(Coin(0.9, 0.3), spec_of((1, 8, 8), 2))
    (spent,) = (s.draws for s in drain(SMALL[name].run(coin, [grey], seed=0)))
    most = choosing_draws(name, settings(SMALL[name]))
    assert spent <= most
    assert spent == most or name.startswith("multistart")
    assert most == SMALL[name].most_draws
    possible = SMALL[name].possible_sigmas
    assert declared_levels(name, settings(SMALL[name])) == len(possible or ())


@given(
    low=st.floats(0.01, 0.5),
    width=st.floats(0.05, 2),
    step=st.floats(0.01, 0.05),
    ends=st.booleans(),
)
@example(low=0.12, width=0.88, step=0.05, ends=False)
@example(low=0.1, width=0.3, step=0.1, ends=False)
def test_the_levels_of_a_grid_are_its_sigmas(
    low: float, width: float, step: float, ends: bool
) -> None:
    grid = Grid(sigma_min=low, sigma_max=low + width, interval=step, ends=ends)
    assert declared_levels("grid", settings(grid)) == len(grid.sigmas)


def test_the_grid_of_an_earlier_version_has_its_ends() -> None:
    earlier = settings(SMALL["grid"])
    del earlier["ends"]
    assert declared_levels("grid", earlier) == len(SMALL["grid"].sigmas)


@pytest.mark.parametrize("step", [5e-324, 1e-300, 1e-9])
def test_a_grid_that_nobody_takes_is_not_counted_out(step: float) -> None:
    asked = {"sigma_min": 0.1, "sigma_max": 1.0, "interval": step, "n": 1}
    assert declared_levels("grid", asked) == 100_000
    assert declared_levels("grid", asked | {"sigma_max": 0.05, "interval": 0.1}) == 100_000


def test_greedy_levels_are_its_sigmas() -> None:
    greedy = SMALL["greedy_grid"]
    assert declared_levels("greedy_grid", settings(greedy)) == len(greedy.sigmas)
    assert declared_levels("gradient", settings(SMALL["gradient"])) == 0


def test_the_grid_minimum_pays_for_every_level(grey: ImageInput) -> None:
    coin = Classifier(Coin(0.9, 0.3), spec_of((1, 8, 8), 2))
    sigmas = (0.2, 0.3, 0.4)
    for name, changes in (("frozen", {}), ("grid_minimum", {"sigmas": sigmas})):
        guarantee = GUARANTEES[name](n0=10, n=50, **changes)
        picked = Selection("grid", 0.3, (), 0)
        (certificate,) = drain(guarantee.run(coin, [grey], [picked], seed=0))
        assert certificate.draws == certifying_draws(name, len(sigmas), 10, 50)


def test_a_whole_comparison_is_what_the_engine_says() -> None:
    pairs = [
        Pair.of(selector, GUARANTEES[guarantee])
        for name, selector in SMALL.items()
        for guarantee in ("frozen", "grid_minimum")
        if guarantee == "frozen" or selector.possible_sigmas
    ]
    asked = [
        {
            "selector": pair.selector.name,
            "settings": settings(pair.selector),
            "guarantee": pair.guarantee.name,
        }
        for pair in pairs
    ]
    compare = Compare(methods=tuple(pairs), sigmas=(0.1, 0.2, 0.5), n0=10, n=50)
    draws = comparison_draws(asked, images=5, sigmas=3, n0=10, n=50)
    assert draws == 5 * compare.most_draws


@pytest.mark.parametrize("attack", ["minimal", "bisection", "square"])
@pytest.mark.parametrize("picks", [None, SMALL["grid"]])
def test_sandwiches_cost_what_the_engine_says(attack: str, picks: Selector | None) -> None:
    own = {"attack": attack, "restarts": 2, "rounds": 3, "steps": 7, "draws": 5, "judged": 9}
    sigma = 0.3 if picks is None else None
    made = MakeSandwiches(sigma=sigma, selector=picks, **own)
    asked = {f.name: getattr(made, f.name) for f in describe_fields(SandwichOptions)}
    asked["selector"] = picks and {"selector": picks.name, "settings": settings(picks)}
    assert sandwich_passes(asked, images=4) == 4 * made.most_passes
    if picks is not None:
        both = MakeSandwiches(selector=picks, pipeline=True, **own)
        assert sandwich_passes(asked | {"pipeline": True}, images=4) > 4 * both.most_passes


def test_what_sandwiches_spent_lies_within_the_estimate(grey: ImageInput) -> None:
    coin = Classifier(Coin(0.9, 0.3), spec_of((1, 8, 8), 2))
    made = MakeSandwiches(sigma=0.3, n0=10, n=100, steps=3, draws=2, rounds=2, confirm_n=100)
    strip = drain(made.run(coin, [grey], seed=0))
    spent = sandwiches_spent(to_json(strip))
    assert strip.sandwiches[0].certificate.draws < spent
    assert spent <= made.most_passes + 128 * (21 + 2 * 2) + 16  # judgements are not promised
    assert sandwiches_spent({}) == 0
