"""A study as one tab-separated table: a row per point, with its accuracy and standard error."""

from os import PathLike
from typing import TextIO

from rs_core.logs.columns import STUDY_ORIGIN
from rs_core.logs.origin import Origin
from rs_core.logs.tables import exact_text, text_cell, write_table
from rs_core.results.study import (
    FrontierStudy,
    NoiseStudy,
    StrengthStudy,
    Study,
    facts_of,
    share,
)

_SHARED = (
    "accuracy",
    "standard_error",
    "correct",
    "images",
    "guarantee",
    "attacked_with",
    "weights",
    "precision",
)


def write_study(
    target: str | PathLike[str] | TextIO, study: Study, origin: Origin | None = None
) -> None:
    """Writes a header and a row per point, numbers in full precision; `guarantee` is D.

    Raises:
        DataError: the file cannot be written.
    """
    origin, (columns, rows) = origin or Origin(study.about.dataset), study_rows(study)
    words = (origin.dataset, origin.split, origin.version, origin.command)
    last = (str(study.about.seed), *map(text_cell, words))
    write_table(target, (*columns, *STUDY_ORIGIN), [(*row, *last) for row in rows])


def study_rows(study: Study) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """(columns, rows) of `write_study`, cells as texts."""
    if isinstance(study, NoiseStudy):
        return _noise(study)
    return _strength(study) if isinstance(study, StrengthStudy) else _frontier(study)


def _noise(study: NoiseStudy) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    rows = [
        (
            point.attack, exact_text(point.sigma), point.vote, str(point.samples),
            *_shared(study, point.correct, point.attack, None),
        )
        for point in study.points
    ]  # fmt: skip
    return ("attack", "sigma", "vote", "samples", *_SHARED), rows


def _strength(study: StrengthStudy) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    rows = [
        (
            point.network, point.attack, exact_text(point.eps), *_voted(study, point.network),
            *_shared(study, point.correct, point.attack, point.eps),
        )
        for point in study.points
    ]  # fmt: skip
    return ("network", "attack", "eps", "sigma", "vote", "samples", *_SHARED), rows


def _voted(study: StrengthStudy, network: str) -> tuple[str, str, str]:
    """Sigma, rule and M of the vote; the plain network answers once, without noise."""
    if network == "plain":
        return exact_text(0.0), "", "1"
    return exact_text(study.sigma), study.vote, str(study.samples)


def _frontier(study: FrontierStudy) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    images = study.about.images
    rows = []
    for point in study.points:
        clean, clean_error = share(point.clean, images)
        abstained = (point.clean_abstained, point.robust_abstained)
        rows.append((
            point.method, text_cell(point.settings), exact_text(point.sigma), point.strength,
            exact_text(point.gamma), exact_text(clean), exact_text(clean_error),
            *(exact_text(share(count, images)[0]) for count in abstained),
            str(study.n), exact_text(study.alpha), study.rule,
            *_shared(study, point.robust, point.strength, point.gamma),
        ))  # fmt: skip
    columns = (
        *("method", "settings", "sigma", "strength", "gamma", "clean_accuracy"),
        *("clean_standard_error", "clean_abstained", "robust_abstained"),
        *("n", "alpha", "rule", *_SHARED),
    )
    return columns, rows


def _shared(study: Study, correct: int, attack: str, eps: float | None) -> tuple[str, ...]:
    accuracy, error = share(correct, study.about.images)
    return (
        exact_text(accuracy), exact_text(error), str(correct), str(study.about.images), "D",
        facts_of(study, attack).words(eps), study.about.weights_id,
        study.about.precision,
    )  # fmt: skip
