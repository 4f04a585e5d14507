"""The rule of verdicts, on rows whose truth is known."""

import math

import pytest

from rs_core.logs.certificates import LogRow
from rs_core.papers.folder import Pick
from rs_core.papers.published import logs_of, published
from rs_core.papers.scores import Measured
from rs_core.papers.table import Exceeds, Reaches, Row
from rs_core.papers.verdicts import exceeds, outcome_of, reaches
from tests.papers.tiny import FIXED


def measured(radii: list[float], *, seed: int | None = 0, right: bool = True, draws: int = 10,
             badge: str = "A", n: int = 100_000) -> Measured:  # fmt: skip
    rows = [
        LogRow(
            k, 1, 1 if right else 2, radius, right, None, sigma=0.5, guarantee=badge,  # type: ignore[arg-type]
            weights="ab", precision="fp32", n=n,
        )
        for k, radius in enumerate(radii)
    ]  # fmt: skip
    picks = [Pick(k, 0.5, draws, 2) for k in range(len(radii))]
    return Measured(seed, rows, picks)


@pytest.mark.parametrize(
    ("difference", "margin", "images", "outcome"),
    [
        (0.2, 0.1, 500, "held"),
        (-0.2, 0.1, 500, "did not hold at this size"),
        (0.1, 0.1, 500, "cannot be told"),
        (-0.05, 0.1, 500, "cannot be told"),
        (0.0, 0.0, 500, "cannot be told"),
        (0.2, 0.1, 29, "cannot be told"),
        (0.2, math.nan, 500, "cannot be told"),
    ],
)
def test_the_rule(difference: float, margin: float, images: int, outcome: str) -> None:
    assert outcome_of(difference, margin, images) == outcome


def test_a_claim_is_judged_on_the_same_images() -> None:
    low = [0.1 * (k % 7) for k in range(40)]
    high = [radius + 0.05 + 0.001 * (k % 3) for k, radius in enumerate(low)]
    found = exceeds(Exceeds("x", "a", "b"), {"a": [measured(high)], "b": [measured(low)]})
    assert found.outcome == "held"
    assert found.difference == pytest.approx(0.051, abs=1e-3)
    assert found.badges == ("A", "A")
    assert "one seed" in found.reason
    turned = exceeds(Exceeds("x", "b", "a"), {"a": [measured(high)], "b": [measured(low)]})
    assert turned.outcome == "did not hold at this size"


def test_a_claim_may_ask_for_not_much_worse() -> None:
    low = [0.1 * (k % 7) for k in range(40)]
    high = [radius + 0.005 for radius in low]
    results = {"a": [measured(high)], "b": [measured(low)]}
    assert exceeds(Exceeds("x", "b", "a", least=-0.01), results).outcome == "held"
    assert exceeds(Exceeds("x", "b", "a", least=-0.001), results).outcome != "held"


def test_wrong_classes_count_nothing_but_for_label_free_radii() -> None:
    wrong = measured([0.5] * 40, right=False)
    assert wrong.values("acr").sum() == 0
    assert wrong.values("accuracy", 0.0).sum() == 0
    assert wrong.values("radius").mean() == 0.5
    assert wrong.scores().acr == 0


def test_different_badges_are_named() -> None:
    results = {"a": [measured([0.5] * 40, badge="C")], "b": [measured([0.4] * 40)]}
    found = exceeds(Exceeds("x", "a", "b"), results)
    assert found.badges == ("C", "A")
    assert "claim different things" in found.reason


def test_seeds_of_one_row_meet_the_one_of_a_shipped_network() -> None:
    seeds = [measured([0.5 + 0.01 * s] * 40, seed=s) for s in range(3)]
    results = {"a": seeds, "b": [measured([0.1] * 40, seed=None)]}
    found = exceeds(Exceeds("x", "a", "b"), results)
    assert (found.seeds, found.outcome) == (3, "held")
    assert "one seed" not in found.reason


def test_a_mean_near_the_logs_reaches_them() -> None:
    keys = logs_of("mnist/cohen/noise_0.25")
    row = Row("x", FIXED.network, FIXED.selector, FIXED.guarantee, keys)
    claim = Reaches("x", "x")
    mean = sum(published(key).acr or 0 for key in keys) / 5
    assert reaches(claim, row, [measured([mean] * 40)], whole=True).outcome == "held"
    far = reaches(claim, row, [measured([mean - 0.05] * 40)], whole=True)
    assert far.outcome == "did not hold at this size"
    assert far.difference == pytest.approx(-0.05)
    few = reaches(claim, row, [measured([mean] * 40, n=10_000)], whole=True)
    assert (few.outcome, few.reason) == (
        "cannot be told", "n=10,000, and the published rows have 100,000"
    )  # fmt: skip
    part = reaches(claim, row, [measured([mean] * 40)], whole=False)
    assert part.outcome == "cannot be told"
    assert "fewer images" in part.reason


def test_without_published_acrs_nothing_is_told() -> None:
    key = "pfat/t1/mnist/pfat/envelope"
    row = Row("x", FIXED.network, FIXED.selector, FIXED.guarantee, (key,))
    found = reaches(Reaches("x", "x"), row, [measured([0.5] * 40)], whole=True)
    assert found.outcome == "cannot be told"
    assert math.isnan(found.difference)


def test_curves_are_certified_accuracies() -> None:
    scores = measured([0.0, 0.12, 0.25, 0.6] * 10).scores()
    assert [scores.accuracy(r) for r in (0.0, 0.1, 0.25, 0.3, 0.6, 2.0)] == [
        1.0, 0.75, 0.5, 0.25, 0.25, 0.0
    ]  # fmt: skip
