"""A table's folder: what decides it, and every finished image, kept whatever happens.

config.json     all that decides the result; the weights' ids once all are trained
networks/       model files, and checkpoints of trainings under way
logs/           a certification log a row and seed, and beside it what choosing sigma cost
result.json     the finished table
"""

import io
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from rs_core.durable import lock_alone, write_durably
from rs_core.errors import CheckpointError, DataError
from rs_core.logs.certificates import LogRow, read_log, write_log
from rs_core.logs.tables import write_table
from rs_core.strict_json import parse_json

CONFIG, RESULT = "config.json", "result.json"
_FORMAT = 1
_PICKS = ("idx", "sigma", "draws", "evaluated")


class Pick(NamedTuple):
    """What choosing one image's sigma cost: noisy copies, and different sigmas evaluated."""

    idx: int
    sigma: float
    draws: int
    evaluated: int


class TableFolder:
    """The files of one table at a path, which is made if need be."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def held(self) -> Iterator[None]:
        """A context in which no other process works in the folder.

        Raises:
            CheckpointError: another one does, or the folder cannot be made.
        """
        try:
            (self.path / "logs").mkdir(parents=True, exist_ok=True)
            handle = None if os.name == "nt" else os.open(self.path, os.O_RDONLY)
        except OSError as error:
            raise CheckpointError(
                f"{self.path} cannot be a table's folder ({error.strerror}): name another one."
            ) from None
        try:
            if handle is not None and not lock_alone(handle):
                raise CheckpointError(
                    f"another process works in {self.path} at this moment: wait for it, or name "
                    "another folder."
                )
            yield
        finally:
            if handle is not None:
                os.close(handle)

    def config(self) -> dict[str, Any] | None:
        """What config.json says; None where there is none.

        Raises:
            CheckpointError: it cannot be read, or another version wrote it.
        """
        path = self.path / CONFIG
        if not path.exists():
            return None
        try:
            found = parse_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CheckpointError(
                f"{path} cannot be read ({error}): name another folder."
            ) from None
        if not isinstance(found, dict) or found.get("format") != _FORMAT:
            raise CheckpointError(
                f"{path} is of another version, or no table's: name another folder."
            )
        return found

    def begin(
        self, decides: dict[str, Any], *, resume: bool, seed_given: bool | None
    ) -> bool | None:
        """Write down what decides the result, or hold it to what is written.

        Returns:
            Whether somebody gave the seed, as it was said when the folder was new.

        Raises:
            CheckpointError: a table is there and is not to be gone on with; another table, size or
                setting decided what is there; or the folder holds something else.
        """
        saved = self.config()
        if saved is None:
            strange = sorted(
                one.name
                for one in self.path.iterdir()
                if one.name not in ("logs",) and not one.name.startswith(".")
            )
            if strange or any((self.path / "logs").iterdir()):
                raise CheckpointError(
                    f"{self.path} holds other files ({', '.join(strange) or 'logs'}): name a new "
                    "or empty folder."
                )
            self._write({"format": _FORMAT, "seed_given": seed_given, "decides": decides})
            return seed_given
        if not resume:
            raise CheckpointError(
                f"{self.path} holds a table already: give --resume to go on from it, or name "
                "another folder."
            )
        if differing := differences(saved["decides"], decides):
            raise CheckpointError(
                f"{self.path} belongs to another run ({'; '.join(differing)}): give its settings, "
                "or name another folder."
            )
        said: bool | None = saved.get("seed_given")
        return said

    def finish(self, weights: dict[str, str], result: dict[str, Any]) -> None:
        """Write the weights' ids into config.json, and the result."""
        saved = self.config()
        assert saved is not None
        self._write({**saved, "weights": weights})
        write_durably(self.path / RESULT, _text(result))

    def _write(self, config: dict[str, Any]) -> None:
        write_durably(self.path / CONFIG, _text(config))


class RowLog:
    """The finished images of one row and seed: a log of Cohen's form, and a table of picks."""

    def __init__(self, folder: TableFolder, name: str) -> None:
        self.path = folder.path / "logs" / f"{name}.tsv"
        self.picks_path = folder.path / "logs" / f"{name}.picks.tsv"
        self.rows: list[LogRow] = []
        self.picks: list[Pick] = []

    def restore(self, indices: Sequence[int], chunk: int) -> int:
        """How many images are finished: whole chunks of those with these indices, in order.

        What a kill left of others is cut off.

        Raises:
            CheckpointError: a file cannot be read, or holds other images.
        """
        rows, picks = self._read_rows(), self._read_picks()
        done = min(len(rows), len(picks))
        done = done if done == len(indices) else done - done % chunk
        self.rows, self.picks = rows[:done], picks[:done]
        for name, found in (
            (self.path.name, [row.idx for row in self.rows]),
            (self.picks_path.name, [pick.idx for pick in self.picks]),
        ):
            if found != list(indices[:done]):
                raise CheckpointError(f"{name} holds other images than the table's: delete it.")
        write_log(self.path, self.rows)
        write_table(self.picks_path, _PICKS, [_cells(pick) for pick in self.picks])
        return done

    def add(self, rows: Sequence[LogRow], picks: Sequence[Pick]) -> None:
        """Append finished images; they are on disk when this returns."""
        text = io.StringIO()
        write_log(text, rows)
        chosen = "".join("\t".join(_cells(pick)) + "\n" for pick in picks)
        _append(self.picks_path, chosen)
        _append(self.path, text.getvalue().split("\n", 1)[1])
        self.rows += rows
        self.picks += picks

    def _read_rows(self) -> list[LogRow]:
        text = _whole_lines(self.path)
        try:
            return read_log(io.StringIO(text)) if text else []
        except DataError as error:
            raise CheckpointError(f"{self.path.name}: {error} Delete it to go on.") from None

    def _read_picks(self) -> list[Pick]:
        lines = _whole_lines(self.picks_path).splitlines()[1:]
        try:
            cells = [line.split("\t") for line in lines]
            return [Pick(int(i), float(sigma), int(d), int(e)) for i, sigma, d, e in cells]
        except ValueError:
            raise CheckpointError(
                f"{self.picks_path.name} is damaged: delete it to go on."
            ) from None


def differences(saved: Any, wanted: Any, where: str = "") -> list[str]:
    """The settings that differ between two JSON values, each with its path and both values."""
    if isinstance(saved, dict) and isinstance(wanted, dict):
        names = sorted(saved.keys() | wanted.keys())
        found = [differences(saved.get(n), wanted.get(n), f"{where}.{n}") for n in names]
        return [text for texts in found for text in texts]
    if isinstance(saved, list) and isinstance(wanted, list) and len(saved) == len(wanted):
        pairs = enumerate(zip(saved, wanted, strict=True))
        found = [differences(a, b, f"{where}[{place}]") for place, (a, b) in pairs]
        return [text for texts in found for text in texts]
    if saved == wanted:
        return []
    return [f"{where.lstrip('.')} {_short(saved)} against {_short(wanted)}"]


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _text(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _cells(pick: Pick) -> list[str]:
    return [str(pick.idx), repr(pick.sigma), str(pick.draws), str(pick.evaluated)]


def _whole_lines(path: Path) -> str:
    """The text up to its last end of a line: what comes after it a kill has torn."""
    try:
        raw = path.read_bytes() if path.exists() else b""
        return raw[: raw.rfind(b"\n") + 1].decode()
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path.name} cannot be read ({error}): delete it.") from None


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
