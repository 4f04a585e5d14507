"""Attacks and transfers as aligned text."""

from collections.abc import Iterator, Sequence

import numpy as np

from rs_core.cli.outputs.scores import joint_lines
from rs_core.evaluation.summary import attacked_summary
from rs_core.plots.attack.text import (
    NO_PROOF,
    budget_text,
    norm_text,
    remarks,
    target_text,
    verdict,
    within,
)
from rs_core.plots.text import tidy
from rs_core.results.attack import AttackCheck, TransferMatrix
from rs_core.results.attack_trial import AttackTrial, is_already
from rs_core.smoothing.statements import class_label

_HEADER = ("image", "leave", "after", "l2", "linf", "8-bit l2", "confirmed", "8-bit")


def attack_lines(trial: AttackTrial, class_names: tuple[str, ...]) -> Iterator[str]:
    """One row per image, what may be said of them, and what should be known."""
    rows = [_HEADER, *(_row(trial, i, class_names) for i in range(len(trial.results)))]
    yield from _aligned(rows)
    if len(trial.results) == 1:
        said = verdict(trial, 0, class_names)
        yield f"D Empirical. {tidy(said.headline)}. {tidy(said.sentence)}"
    else:
        broken = sum(bool(result.confirmed) for result in trial.results)
        already = sum(_already(trial, index) for index in range(len(trial.results)))
        yield (
            f"D Empirical. {trial.attack}, looking {within(trial)}, on {target_text(trial)}: "
            f"{broken} of {len(trial.results)} images are confirmed, {already} of all were "
            f"misclassified as they are (upper bound 0). {NO_PROOF}"
        )
        summary = attacked_summary(trial)
        if summary is not None:
            yield summary.words
    yield budget_text(trial)
    if trial.smoothed:
        yield from joint_lines([trial.risk] * len(trial.results), "images' statements")
    silent = [after.predicted(trial.level) is None for after in trial.after]
    if any(r.confirmed and s for r, s in zip(trial.results, silent, strict=True)):
        yield (
            "after: a vote of its own, on noise that no confirmation drew; at the edge of a class "
            "it may abstain where PREDICT had confirmed"
        )
    for index, name in enumerate(trial.names):
        for remark in remarks(trial, index):
            if not remark.startswith("self-check: "):
                yield f"{tidy(name)}: {tidy(remark)}"
    if trial.check is not None:
        yield from _check_lines(trial.check)


def transfer_lines(matrix: TransferMatrix) -> Iterator[str]:
    """A row per source and attack, a column per target: share of the labels that it loses.

    In brackets the share on which it abstains, where any does: that is part of the first.
    """
    rows = [("source", "attack", *matrix.targets)]
    rows.append(("-", "as they are", *_shares(matrix.clean, matrix.clean_abstained)))
    for k, (source, attack) in enumerate(zip(matrix.sources, matrix.attacks, strict=True)):
        silent = None if matrix.abstained is None else matrix.abstained[k]
        rows.append((source, attack, *_shares(matrix.rates[k], silent)))
    yield from _aligned(rows)


def _shares(lost: np.ndarray, silent: np.ndarray | None) -> Iterator[str]:
    for rate, abstained in zip(
        lost, np.zeros(len(lost)) if silent is None else silent, strict=True
    ):
        brackets = f" ({100 * abstained:.1f}% abstain)" if abstained else ""
        yield f"{100 * rate:.1f}%{brackets}"


def _row(trial: AttackTrial, index: int, names: tuple[str, ...]) -> tuple[str, ...]:
    result = trial.results[index]
    after = trial.after[index].predicted(trial.level)
    return (
        tidy(trial.names[index]),
        tidy(class_label(result.label, names)),
        "abstain" if after is None else tidy(class_label(after, names)),
        norm_text(result.l2),
        norm_text(result.linf),
        norm_text(result.stored_l2),
        _word(result.confirmed, result.success),
        "yes" if result.stored_confirmed else "no",
    )


def _already(trial: AttackTrial, index: int) -> bool:
    """Whether PREDICT is sure of another class than the label on the image as it is."""
    result, label = trial.results[index], trial.labels[index]
    if result.confirmed and is_already(result):
        return True
    return label is not None and trial.before[index].predicted(trial.level) not in (None, label)


def _word(confirmed: bool | None, success: bool) -> str:
    if confirmed:
        return "yes"
    return "unconfirmed" if success else "none found"


def _check_lines(check: AttackCheck) -> Iterator[str]:
    yield (
        f"self-check: this attack {check.success:.0%}, without a limit {check.unbounded:.0%}, "
        f"without gradients {check.gradient_free:.0%}, noise of the same norm {check.noise:.0%} "
        "(shares of the images, by each attack's own opinion)"
    )
    for warning in check.warnings:
        yield f"warning: {warning}"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
