"""What the papers and the public logs say: rows as they were printed, with what they stand on."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from rs_core.errors import UnknownNameError
from rs_core.results.paper import Published

NOT_STATED = "not stated"
_LOG_NETWORK = {"mnist": "LeNet 20-50-500", "cifar10": "ResNet-20"}
_LOG_IMAGES = {"all": "all 10,000 test images", "every 20th": "every 20th test image"}


@dataclass(frozen=True)
class EmpiricalRow:
    """An accuracy in percent under attack: Nemcovsky et al. (SIAM), Tables 1, 3 and 4.

    Fields:
        paper, table, dataset, method, smoothing: as printed.
        m: noisy copies M.
        noise_normalised: standard deviation of the noise after data normalisation; None for none.
        clean, pgd, epgd: (mean, standard deviation) in percent; None where not reported.
    """

    paper: str
    table: str
    dataset: str
    method: str
    smoothing: str
    m: int
    noise_normalised: float | None
    clean: tuple[float, float] | None
    pgd: tuple[float, float] | None
    epgd: tuple[float, float] | None


@cache
def published_rows() -> tuple[Published, ...]:
    """Every certified row of the papers, in the order of the file."""
    return tuple(_row(cells) for cells in _table("published_rows.csv"))


@cache
def published_logs() -> tuple[Published, ...]:
    """Scores of the public certification logs, on all 10,000 images and on every 20th.

    They were certified with n0=100, n=100,000 and alpha=.001; the file names hold the settings.
    """
    return tuple(_log(cells) for cells in _table("published_logs.csv"))


@cache
def empirical_rows() -> tuple[EmpiricalRow, ...]:
    """The rows about accuracy under attack, in the order of the file."""
    return tuple(_empirical(cells) for cells in _table("published_rows_siam.csv"))


def published(key: str) -> Published:
    """The row of a paper or log that a key names.

    Raises:
        UnknownNameError: none has it.
    """
    known = _by_key()
    if key not in known:
        raise UnknownNameError("published row", key, known)
    return known[key]


def logs_of(kind: str, images: str = "every 20th") -> tuple[str, ...]:
    """Keys of the logs of one kind, a log a seed, e.g. "mnist/cohen/noise_0.25".

    Raises:
        UnknownNameError: no log is of that kind.
    """
    found = tuple(
        row.key
        for row in published_logs()
        if row.key.startswith(f"{kind}_") and row.key.endswith(f" {images}")
    )
    if not found:
        kinds = {re.sub(r"_[0-9]+ .*$", "", row.key) for row in published_logs()}
        raise UnknownNameError("kind of log", kind, kinds)
    return found


@cache
def _by_key() -> dict[str, Published]:
    return {row.key: row for row in (*published_rows(), *published_logs())}


def _table(name: str) -> Iterator[dict[str, str]]:
    text = files("rs_core.papers").joinpath("data").joinpath(name).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())


def _row(cells: dict[str, str]) -> Published:
    table, method = cells["table"], cells["method"]
    named = (cells["paper"], table, cells["dataset"], method, cells["sigma"])
    n, n0, alpha = (cells[name] for name in ("n", "n0", "alpha"))
    return Published(
        key="/".join(map(_slug, named)),
        paper=cells["paper"],
        table=table,
        dataset=cells["dataset"],
        method=method,
        sigma=cells["sigma"],
        certified=_certified(cells, "radius_"),
        acr=_number(cells["ACR"]),
        norm="l1" if cells["norm"] == "l1" else "l2",
        images=cells["images"],
        n0=None if n0 == NOT_STATED else int(n0),
        n=None if n == NOT_STATED else int(n),
        alpha=None if alpha == NOT_STATED else float(alpha),
        network=cells["network"],
        oracle="oracle" in cells["note"],
        note=cells["note"],
    )


def _log(cells: dict[str, str]) -> Published:
    name = cells["log"]
    strength = re.search(r"noise_([0-9.]+)", name)
    assert strength is not None
    return Published(
        key=f"{name} {cells['images']}",
        paper="public logs",
        table=name,
        dataset="MNIST" if name.startswith("mnist") else "CIFAR-10",
        method=name.split("/")[1],
        sigma=f"{float(strength[1]):.2f}",
        certified=_certified(cells, "r="),
        acr=_number(cells["acr"]),
        norm="l2",
        images=_LOG_IMAGES[cells["images"]],
        n0=100,
        n=100_000,
        alpha=1e-3,
        network=_LOG_NETWORK[name.split("/")[0]],
        oracle=False,
        note="",
    )


def _empirical(cells: dict[str, str]) -> EmpiricalRow:
    def pair(name: str) -> tuple[float, float] | None:
        return (float(cells[name]), float(cells[f"{name}_sd"])) if cells[name] else None

    return EmpiricalRow(
        cells["paper"], cells["table"], cells["dataset"], cells["method"], cells["smoothing"],
        int(cells["M"]), _number(cells["noise_normalised"]), pair("clean"), pair("PGD"),
        pair("EPGD"),
    )  # fmt: skip


def _certified(cells: dict[str, str], prefix: str) -> tuple[tuple[float, float], ...]:
    """(radius, certified accuracy) of every column that is filled in."""
    return tuple(
        (float(name.removeprefix(prefix)), float(cell))
        for name, cell in cells.items()
        if name.startswith(prefix) and cell
    )


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.+]+", "-", text.lower()).strip("-")
