"""Cohen's certification log: the tab-separated file that smoothing papers exchange.

Six columns come first, as Cohen et al. (2019) write them: `idx label predict radius correct
time`; ours follow, as `columns` lists them. Columns are found by their header name, so logs with
other columns in between (DDRS, ANCER), and those of earlier versions, are read as well.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any, TextIO

from rs_core.errors import DataError
from rs_core.fields import shown
from rs_core.logs.cells import REQUIRED, read_cell
from rs_core.logs.columns import COLUMNS
from rs_core.logs.origin import Origin
from rs_core.logs.tables import (
    clock_text,
    exact_text,
    place,
    text_cell,
    whole_text,
    write_table,
)
from rs_core.results import Badge, Certificate


@dataclass(frozen=True)
class LogRow:
    """One image of a certification log.

    Fields:
        idx: index of the image in its data set.
        label: true class; None when unknown.
        predict: certified class; None when the certifier abstained.
        radius: pixels of [0,1] at network input size; 0 when the certifier abstained.
        correct: predict is the true class; None when the label is unknown.
        time: seconds spent; None when not recorded.
        sigma: pixels of [0,1].
        alpha: failure probability of this row.
        n0, n: noisy copies that chose the class and that certified it.
        counts: votes per class, INVALID last; empty when not recorded.
        guarantee: badge of the certificate.
        weights: id of the network's weights; None when not recorded.
        precision: that it was computed in.
        bound: "clopper-pearson", "two-sided" or "anytime"; None when not recorded.
        level: of every single bound behind the radius: alpha, or the part of it that one pays.
        noise: as in `Certificate`.
        seed: of the noise.
        device: "cpu" or "cuda": the same seed draws other noise there.
        dataset, split: where the image comes from; None for files, or when not recorded.
        name: of the image.
        image: digest of its pixels.
        version: of the package that computed the row.
        command: as it was typed, quoted for a shell.
    """

    idx: int
    label: int | None
    predict: int | None
    radius: float
    correct: bool | None
    time: float | None
    sigma: float | None = None
    alpha: float | None = None
    n0: int | None = None
    n: int | None = None
    counts: tuple[int, ...] = ()
    guarantee: Badge | None = None
    weights: str | None = None
    precision: str | None = None
    bound: str | None = None
    level: float | None = None
    noise: str | None = None
    seed: int | None = None
    device: str | None = None
    dataset: str | None = None
    split: str | None = None
    name: str | None = None
    image: str | None = None
    version: str | None = None
    command: str | None = None


def row_from_certificate(
    idx: int,
    label: int | None,
    certificate: Certificate,
    seconds: float | None,
    *,
    name: str = "",
    origin: Origin | None = None,
) -> LogRow:
    """The log row of a certificate; `correct` is None where `label` is, False on abstain.

    Args:
        idx: of the image in its data set.
        label: true class; None when unknown.
        certificate: of l2 radius.
        seconds: spent; None when not recorded.
        name: of the image.
        origin: data set, command and version; this version alone by default.

    Raises:
        DataError: its radius is not in l2, which is what every reader of such a log takes it for.
    """
    if certificate.norm != "l2":
        raise DataError(
            f"a certification log holds l2 radii, and this one is in {certificate.norm}: keep it "
            "as JSON."
        )
    origin = origin or Origin()
    return LogRow(
        idx=idx,
        label=label,
        predict=certificate.predicted,
        radius=certificate.radius,
        correct=None if label is None else certificate.predicted == label,
        time=seconds,
        sigma=certificate.sigma,
        alpha=certificate.alpha,
        n0=certificate.n0,
        n=certificate.n,
        counts=certificate.counts,
        guarantee=certificate.guarantee,
        weights=certificate.weights_id,
        precision=certificate.precision,
        bound=certificate.bound,
        level=certificate.level,
        noise=certificate.noise,
        seed=certificate.seed,
        device=certificate.device,
        dataset=origin.dataset or None,
        split=origin.split or None,
        name=name or None,
        image=certificate.image_digest,
        version=origin.version,
        command=origin.command or None,
    )


def write_log(target: str | PathLike[str] | TextIO, rows: Iterable[LogRow]) -> None:
    """Writes rows as a log; a file at a path is replaced whole or left as it was.

    Args:
        target: a path, or an open text file.
        rows: written in the order given, radii in full precision.

    Raises:
        DataError: the file cannot be written, or `read_log` would refuse a row (named by its
            line in the log).
    """
    write_table(target, COLUMNS, [_written(row, line) for line, row in enumerate(rows, start=2)])


def _written(row: LogRow, line: int) -> list[str]:
    """The cells of a row, held to what `read_log` takes."""
    try:
        cells = _cells(row)
    except DataError as error:
        raise DataError(f"line {line}: {error}") from None
    _parse_row(list(COLUMNS), cells, line)
    return cells


def _cells(row: LogRow) -> list[str]:
    return [
        str(row.idx),
        whole_text(row.label),
        "-1" if row.predict is None else str(row.predict),
        exact_text(row.radius),
        "" if row.correct is None else str(int(row.correct) if row.correct in (0, 1) else "?"),
        "" if row.time is None else clock_text(row.time),
        exact_text(row.sigma),
        exact_text(row.alpha),
        whole_text(row.n0),
        whole_text(row.n),
        ",".join(str(count) for count in row.counts),
        row.guarantee or "",
        row.weights or "",
        row.precision or "",
        row.bound or "",
        exact_text(row.level),
        row.noise or "",
        whole_text(row.seed),
        row.device or "",
        *(
            text_cell(words or "")
            for words in (
                row.dataset, row.split, row.name, row.image, row.version, row.command
            )
        ),
    ]  # fmt: skip


def read_log(source: str | PathLike[str] | TextIO) -> list[LogRow]:
    """The rows of a certification log, by header name; unknown columns are ignored.

    Args:
        source: a path, or an open text file.

    Raises:
        DataError: no such file, not such a log, or a malformed line (named by its number).
    """
    try:
        if isinstance(source, str | PathLike):
            with open(source, encoding="utf-8-sig") as file:
                return _read_rows(file)
        if not hasattr(source, "read"):
            raise DataError(f"{shown(source)} is no log: give a path, or a file open for text.")
        return _read_rows(source)
    except UnicodeDecodeError as error:
        raise DataError(
            f"this is not a text file ({error}): give a tab-separated certification log."
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a null byte, a closed file
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(
            f"the log {place(source)} cannot be read ({reason}): check the path."
        ) from error


def _read_rows(file: TextIO) -> list[LogRow]:
    # Not csv.reader: it limits a cell to 128 KiB, which the counts of 70,000 classes exceed.
    lines = enumerate(map(_split, file), start=1)
    _, first = next(lines, (1, []))
    header = [name.strip() for name in first]
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise DataError(
            f"line 1: the header has no column {', '.join(missing)}: a certification log starts "
            f"with {' '.join(COLUMNS[:6])}, tab separated."
        )
    if len(set(header)) < len(header):
        raise DataError("line 1: a column name occurs twice: name each column once.")
    return [
        _parse_row(header, cells, number)
        for number, cells in lines
        if any(cell.strip() for cell in cells)
    ]


def _split(line: str) -> list[str]:
    if not isinstance(line, str):
        raise DataError("this file is open for bytes: give a path, or a file open for text.")
    return line.rstrip("\r\n").split("\t")


def _parse_row(header: list[str], cells: list[str], line: int) -> LogRow:
    if len(cells) != len(header):
        raise DataError(
            f"line {line}: {len(cells)} fields where the header names {len(header)}: "
            "the file is cut off or not tab separated."
        )
    row = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    values = {name: read_cell(name, row.get(name, ""), line) for name in COLUMNS}
    _check_row(values, line)
    label, predict = values["label"], values["predict"]
    if label is not None and values["correct"] is None:
        values["correct"] = label == predict
    return LogRow(**values | {"counts": values["counts"] or ()})


def _check_row(values: Mapping[str, Any], line: int) -> None:
    label, predict, radius = values["label"], values["predict"], values["radius"]
    if predict is None and radius > 0:
        raise DataError(
            f"line {line}: predict=-1 (abstain) with radius {radius!r}: an abstention has radius 0."
        )
    known = label is not None and values["correct"] is not None
    if known and values["correct"] != (label == predict):
        raise DataError(
            f"line {line}: correct={int(values['correct'])} contradicts label={label} and "
            f"predict={-1 if predict is None else predict}."
        )
