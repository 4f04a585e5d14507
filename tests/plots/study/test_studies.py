"""Figures, tables and reports of studies hold their numbers, errors and words."""

import math
from dataclasses import replace
from typing import Any

import pytest

from rs_core.logs.study import study_rows
from rs_core.plots import (
    alt_text,
    frontier_figure,
    noise_curve_figure,
    strength_figure,
    study_figures,
    study_report,
)
from rs_core.plots.study.report import study_table
from rs_core.plots.study.text import accuracy_text, study_images
from rs_core.results import from_json, to_json
from rs_core.results.study import (
    PREDICTED,
    AttackFacts,
    FrontierPoint,
    FrontierStudy,
    NoisePoint,
    NoiseStudy,
    StrengthPoint,
    StrengthStudy,
    StudySet,
)

ABOUT = StudySet(
    "tiny", "w", "CIFAR-10 (JPEG 75) test", tuple(range(0, 2000, 20)), 7, ("noted",), "bf16"
)
NONE = AttackFacts("none", "", 0.0, 0, 0, 0.0)
EPGD = AttackFacts("epgd", "l2", 0.5, 20, 8, 2.5)
OPEN = {"norm": "l2", "eps": math.nan, "steps": 20, "reach": 2.5}
NOISE = NoiseStudy(
    ABOUT, (NONE, EPGD), 0.5,
    tuple(
        NoisePoint(attack, sigma, vote, samples, 90 - 10 * k)
        for k, attack in enumerate(("none", "epgd"))
        for sigma in (0.0, 0.1)
        for vote in ("hard", "soft")
        for samples in (1, 8)
    ),
)  # fmt: skip
STRENGTH = StrengthStudy(
    ABOUT,
    (AttackFacts("pgd", draws=1, **OPEN), AttackFacts("epgd", draws=8, **OPEN)), 0.25, 8, "hard",
    tuple(
        StrengthPoint(network, attack, eps, round(100 - 40 * eps))
        for eps in (0.0, 1.0)
        for network, attack in (("plain", "pgd"), ("smoothed", "pgd"), ("smoothed", "epgd"))
    ),
)  # fmt: skip
FRONTIER = FrontierStudy(
    ABOUT,
    (AttackFacts("weaker", draws=1, **OPEN), AttackFacts("stronger", draws=4, **OPEN)), 1000, 1e-3,
    tuple(
        FrontierPoint(method, words, sigma, strength, gamma, 80, 60 - 10 * (gamma > 0.2), 2, 9)
        for strength in ("weaker", "stronger")
        for gamma in (0.1, 0.3)
        for method, words, sigma in (
            ("fixed", "sigma 0.25", 0.25), ("fixed", "sigma 0.5", 0.5), ("greedy_grid", "", 0.31),
        )
    ),
    PREDICTED,
)  # fmt: skip
OLD = from_json(
    FrontierStudy, {name: value for name, value in to_json(FRONTIER).items() if name != "rule"}
)
ALL: list[Any] = [NOISE, STRENGTH, FRONTIER]


def test_a_frontier_says_how_abstentions_count() -> None:
    """A study that an older version stored went by the top class."""
    assert "an abstention counts as wrong" in study_table(FRONTIER).caption
    assert "Top class of 1,000 copies, abstention or not" in study_table(OLD).caption
    assert "counted as wrong" not in frontier_figure(OLD).data[0].hovertext[0]
    for study, rule in ((FRONTIER, "predict"), (OLD, "top class")):
        columns, rows = study_rows(study)
        assert {row[columns.index("rule")] for row in rows} == {rule}


def test_noise_is_a_facet_per_attack_and_a_line_per_vote_and_m() -> None:
    figure = noise_curve_figure(NOISE)
    assert len(figure.data) == 8
    first = figure.data[0]
    assert (first.name, list(first.x), list(first.y)) == ("hard, M = 1", [0.0, 0.1], [0.9, 0.9])
    assert first.error_y.array[0] == pytest.approx(0.03, rel=0.01)
    assert first.error_x.visible is False
    below = [trace for trace in figure.data if trace.yaxis == "y2"]
    assert [list(trace.y) for trace in below] == [[0.8, 0.8]] * 4
    titles = [note.text for note in figure.layout.annotations]
    assert titles == ["no attack", "EPGD, l2 0.5, 20 steps x 8 copies; not a guarantee"]
    assert figure.layout.yaxis.domain[0] > figure.layout.yaxis2.domain[1]
    assert sum(trace.showlegend for trace in figure.data) == 4
    low, high = figure.layout.yaxis.range
    assert figure.layout.yaxis2.range == (low, high)
    assert 0.7 <= low < 0.8 - 0.04
    assert 0.93 < high < 1


def test_noise_can_be_drawn_in_part() -> None:
    figure = noise_curve_figure(NOISE, votes=["soft"], samples=[8])
    assert [trace.name for trace in figure.data] == ["soft, M = 8"] * 2
    many = replace(
        NOISE,
        points=tuple(
            NoisePoint("epgd", 0.1, v, 2**k, 5) for v in ("hard", "rank") for k in range(6)
        ),
    )
    all_m, one_m = study_figures(many)
    assert {trace.name for trace in all_m.data} == {f"hard, M = {2**k}" for k in range(6)}
    assert {trace.name for trace in one_m.data} == {"hard, M = 8", "rank 2^(1-k), M = 8"}


def test_looks_differ_by_more_than_colour() -> None:
    looks = [(t.line.color, t.line.dash, t.marker.symbol) for t in noise_curve_figure(NOISE).data]
    assert len(set(looks[:4])) == 4
    assert all(len({look[part] for look in looks[:4]}) == 4 for part in range(3))
    assert looks[:4] == looks[4:]


def test_strength_is_three_lines() -> None:
    figure = strength_figure(STRENGTH)
    assert [list(trace.y) for trace in figure.data] == [[1.0, 0.6]] * 3
    assert figure.data[2].name == "smoothed network, EPGD on the smoothed one"
    assert "l2" in figure.layout.xaxis.title.text


def test_the_frontier_is_clean_over_robust() -> None:
    figure = frontier_figure(FRONTIER)
    assert [trace.name for trace in figure.data[:4]] == [
        "fixed σ, γ 0.1", "greedy grid, γ 0.1", "fixed σ, γ 0.3", "greedy grid, γ 0.3",
    ]  # fmt: skip
    assert list(figure.data[0].x) == [0.8, 0.8]
    assert list(figure.data[0].y) == [0.6, 0.6]
    assert figure.data[0].error_x.array[0] == pytest.approx(0.04, rel=0.01)
    assert "abstains on 2 and 9 of 100, counted as wrong" in figure.data[0].hovertext[0]
    assert "weaker attack" in figure.layout.annotations[0].text
    assert figure.layout.xaxis.range == (0.7, 0.87)
    perfect = replace(FRONTIER, points=tuple(replace(p, clean=100) for p in FRONTIER.points))
    for axis in (frontier_figure(perfect).layout.xaxis, frontier_figure(perfect).layout.xaxis2):
        assert axis.range == (0.95, 1.02)
        assert axis.dtick == 0.05, "no tick is above 100 %"
        assert axis.tickformat == ".3~p"


@pytest.mark.parametrize("study", ALL)
def test_words_say_images_and_that_nothing_is_guaranteed(study: Any) -> None:
    for figure in study_figures(study):
        assert "100 images" in alt_text(figure)
        assert "not a guarantee" in figure.layout.title.subtitle.text.replace("<br>", " ")
    text = study_report(study, settings={"model": "m"})
    assert "D Empirical" in text
    assert "CIFAR-10 (JPEG 75) test, index 0, 20, ..., 1980 in steps of 20" in text
    assert "network tiny, bf16" in text
    assert "noted" in text
    assert "no radius is certified" in text
    table = study_table(study)
    assert all(len(row) == len(table.header) for row in table.rows)


@pytest.mark.parametrize("study", ALL)
def test_the_table_has_a_row_per_point(study: Any) -> None:
    columns, rows = study_rows(study)
    assert len(rows) == len(study.points)
    assert all(len(row) == len(columns) for row in rows)
    place = columns.index("correct")
    key = "robust" if study is FRONTIER else "correct"
    assert [int(row[place]) for row in rows] == [getattr(p, key) for p in study.points]
    assert {row[columns.index("guarantee")] for row in rows} == {"D"}
    assert {row[columns.index("precision")] for row in rows} == {"bf16"}


def test_a_study_of_an_older_version_names_no_precision() -> None:
    older = replace(NOISE, about=replace(ABOUT, precision=""))
    assert study_images(older).endswith("network tiny")


def test_a_vote_against_strength_is_told_with_its_sigma_rule_and_number() -> None:
    columns, rows = study_rows(STRENGTH)
    places = [columns.index(name) for name in ("network", "sigma", "vote", "samples")]
    assert {tuple(row[place] for place in places) for row in rows} == {
        ("plain", "0.0", "", "1"),
        ("smoothed", repr(STRENGTH.sigma), STRENGTH.vote, str(STRENGTH.samples)),
    }
    where = f"smoothed at sigma {STRENGTH.sigma:g}, M={STRENGTH.samples}, vote {STRENGTH.vote}"
    assert where in study_table(STRENGTH).caption


@pytest.mark.parametrize("study", ALL)
def test_a_study_without_points_is_drawn_empty(study: Any) -> None:
    for figure in study_figures(replace(study, points=())):
        assert len(figure.data) == 0


def test_accuracy_is_told_with_its_error() -> None:
    assert accuracy_text(90, 100) == "0.900 (0.030)"
