"""An attack's results as a tab-separated table: one row per image, numbers in full precision."""

from os import PathLike
from typing import TextIO

from rs_core.logs.columns import ATTACK_COLUMNS
from rs_core.logs.origin import Origin
from rs_core.logs.tables import settings_cell, text_cell, write_table
from rs_core.results.attack_trial import AttackTrial


def write_trial(
    target: str | PathLike[str] | TextIO, trial: AttackTrial, origin: Origin | None = None
) -> None:
    """Writes a row per image.

    `before` and `after` are what PREDICT says of the votes on the image and on what was found, at
    the level of one confirmation, -1 for abstain; empty cells are unknown. `success` is the
    attack's own opinion, and only `confirmed` counts.

    Raises:
        DataError: the file cannot be written.
    """
    origin = origin or Origin(trial.dataset)
    rows = [_row(trial, i, origin) for i in range(len(trial.results))]
    write_table(target, ATTACK_COLUMNS, rows)


def _row(trial: AttackTrial, index: int, origin: Origin) -> list[str]:
    result, level = trial.results[index], trial.level
    said = [ballot[index].predicted(level) for ballot in (trial.before, trial.after)]
    cells = [
        trial.indices[index], trial.names[index], trial.labels[index], result.label, result.goal,
        *(-1 if one is None else one for one in said), result.l2, result.linf, result.stored_l2,
        result.stored_linf, result.success, result.confirmed, result.stored_confirmed,
        result.attack, result.sigma, trial.n, trial.alpha, trial.confirmations, result.passes,
        result.seed, "; ".join(result.notes), result.weights_id,
        result.precision, settings_cell(trial.settings), trial.selector,
        settings_cell(trial.selector_settings), origin.dataset, origin.split, result.image_digest,
        origin.version, origin.command,
    ]  # fmt: skip
    return [_cell(value) for value in cells]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float | int):
        return repr(value)
    return text_cell(str(value))
