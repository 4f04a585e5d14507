"""The report of a study: what was attacked and how, its figures, every number."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from rs_core.plots.report import Statement, Table, html_report
from rs_core.plots.study.frontier import frontier_figure, method_words
from rs_core.plots.study.noise import noise_curve_figure
from rs_core.plots.study.strength import strength_figure
from rs_core.plots.study.text import STUDY_NOTES, VOTE_WORDS, accuracy_text, study_images
from rs_core.results.study import (
    TOP_CLASS,
    FrontierStudy,
    NoiseStudy,
    StrengthStudy,
    Study,
    facts_of,
)

_MOST_LINES = 8
_USUAL = 8  # M at which rules are compared where every M together would be too many lines


def study_report(
    study: Study,
    *,
    title: str = "",
    notes: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
) -> str:
    """A self-contained HTML document; its one statement is badge D.

    Args:
        study: at least one point.
        title: plain text; by default what the study is.
        notes: added before the standing ones.
        settings: the study's configuration.
    """
    table = study_table(study)
    indices = list(study.about.indices)
    return html_report(
        title or study_title(study),
        [Statement("D", study_statement(study))],
        study_figures(study),
        [table],
        [f"Images: {study_images(study)}.", *study.about.notes, *notes, *STUDY_NOTES],
        settings={**(settings or {}), "seed": study.about.seed, "indices": indices},
    )


def study_title(study: Study) -> str:
    """What the study is."""
    if isinstance(study, NoiseStudy):
        return "Accuracy against noise strength"
    if isinstance(study, StrengthStudy):
        return "Accuracy against attack radius"
    return "Clean against robust accuracy"


def study_statement(study: Study) -> str:
    """What may be said of the numbers, in one paragraph."""
    attacks = "; ".join(facts.words() for facts in study.attacks if facts.steps)
    return (
        f"Accuracy on {study_images(study)}. Attacked with: {attacks or 'nothing'}. What survives "
        "these attacks may fall to another; no radius is certified."
    )


def study_figures(study: Study) -> list[go.Figure]:
    """The figures of a study, finished or not.

    A study of noise with many lines is drawn twice: every M of the first rule, every rule at one M.
    """
    if isinstance(study, StrengthStudy):
        return [strength_figure(study)]
    if isinstance(study, FrontierStudy):
        return [frontier_figure(study)]
    votes = list(dict.fromkeys(point.vote for point in study.points))
    samples = sorted({point.samples for point in study.points})
    if len(votes) * len(samples) <= _MOST_LINES:
        return [noise_curve_figure(study)]
    middle = min(samples, key=lambda count: abs(count - _USUAL))
    return [
        noise_curve_figure(study, votes=votes[:1]),
        noise_curve_figure(study, samples=[middle]),
    ]


def study_table(study: Study) -> Table:
    """Every point with its accuracy and standard error."""
    where = study_images(study)
    if isinstance(study, NoiseStudy):
        return _noise(study, where)
    return _strength(study, where) if isinstance(study, StrengthStudy) else _frontier(study, where)


def _noise(study: NoiseStudy, where: str) -> Table:
    """A row per attack and sigma, a column per rule and M."""
    keys = list(dict.fromkeys((p.vote, p.samples) for p in study.points))
    found = {(p.attack, p.sigma, p.vote, p.samples): p.correct for p in study.points}
    rows = []
    for attack, sigma in dict.fromkeys((p.attack, p.sigma) for p in study.points):
        cells = [accuracy_text(found[attack, sigma, *key], study.about.images) for key in keys]
        rows.append((facts_of(study, attack).words(), f"{sigma:g}", *cells))
    names = [f"{VOTE_WORDS.get(vote, vote)}, M={samples}" for vote, samples in keys]
    caption = f"Accuracy (standard error), {where}"
    return Table(caption, ("attack", "sigma", *names), rows)


def _strength(study: StrengthStudy, where: str) -> Table:
    rows = [
        (
            facts_of(study, point.attack).words(point.eps),
            f"{point.eps:.4g}", point.network, accuracy_text(point.correct, study.about.images),
        )
        for point in study.points
    ]  # fmt: skip
    caption = f"Accuracy (standard error), {where}; smoothed at sigma {study.sigma:g}, "
    caption += f"M={study.samples}, vote {VOTE_WORDS.get(study.vote, study.vote)}"
    return Table(caption, ("attack", "eps", "network", "accuracy"), rows)


def _frontier(study: FrontierStudy, where: str) -> Table:
    images = study.about.images
    rows = [
        (
            method_words(point), f"{point.sigma:.4g}",
            facts_of(study, point.strength).words(point.gamma), f"{point.gamma:g}",
            accuracy_text(point.clean, images), accuracy_text(point.robust, images),
            str(point.clean_abstained), str(point.robust_abstained),
        )
        for point in study.points
    ]  # fmt: skip
    header = (
        *("method", "mean sigma", "attack", "gamma", "clean accuracy", "attacked accuracy"),
        *("abstains, clean", "abstains, attacked"),
    )
    caption = f"PREDICT on {study.n:,} copies, an abstention counts as wrong"
    if study.rule == TOP_CLASS:
        caption = f"Top class of {study.n:,} copies, abstention or not"
    caption += f" (standard error), {where}"
    return Table(caption, header, rows)
