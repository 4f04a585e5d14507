"""The linear programme of regions, here or in a process of its own: Wang et al. (2021), eq. 10."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Literal

import numpy as np

from rs_core.events import Finished, Step, Stream, drain
from rs_core.guarantees.regions.overlaps import SHRINK, Overlaps, check_constraints
from rs_core.statistics.packing import Packing, largest_radii, write

Optimum = Literal["fair", "published"]

_TOLERANCE = 1e-5  # HiGHS promises 1e-7 on each constraint
_PAIRS_HERE = 4000  # about 0.05 s altogether; a process takes ten times as long to start
_POLL_SECONDS = 0.05


@dataclass(frozen=True, eq=False)
class Programme:
    """Radii (N,) that a linear programme found, 0 in components it did not solve.

    `stopped` says in words why it ended early; empty where all components are solved.
    """

    radii: np.ndarray
    solved: int
    components: int
    stopped: str = ""


@dataclass(frozen=True)
class ProgrammeStep(Step):
    """How far the linear programme is: components solved, and seconds spent of its limit."""

    solved: int
    components: int
    seconds: float
    time_limit: float


class _StoppedError(Exception):
    """The solving ended early, for the reason in the text."""


_Solving = Generator[np.ndarray | None, None, None]


def linear_programme(
    overlaps: Overlaps, radii: np.ndarray, time_limit: float, optimum: Optimum = "fair"
) -> Programme:
    """max sum r, 0 <= r <= R, r_i + r_j <= |x_i - x_j| for the pairs: one solve per component.

    Of many optima "fair" is one whose smallest radius, as a share of its cap (R, or the nearest
    point that binds it), is largest in each component; "published" whichever vertex the solver
    finds, which hangs on the order of the points: give them in one of their own.

    Reference: Wang et al. (2021), equation 10, which forbids a region to hold another point.
    """
    return drain(solving(overlaps, radii, time_limit, optimum))


def solving(
    overlaps: Overlaps, radii: np.ndarray, time_limit: float, optimum: Optimum = "fair"
) -> Stream[Programme]:
    """Yields `ProgrammeStep`s while it solves, then the programme.

    More than a few thousand pairs are solved in a process of their own, which ends with the
    stream, at the time limit, and with this process.
    """
    # r_j >= 0 makes every distance a cap by itself, and a pair whose caps fit binds nothing.
    caps = np.array(radii, dtype=np.float64)
    for ends in (overlaps.first, overlaps.second):
        np.minimum.at(caps, ends, overlaps.distance)
    binding = overlaps.keep(caps[overlaps.first] + caps[overlaps.second] > overlaps.distance)
    groups = _groups(binding)
    packings = [_packing(binding.keep(pairs), members, caps) for members, pairs in groups]
    started, stopped = time.monotonic(), ""
    answers: list[np.ndarray] = []
    solve = _here if len(binding.first) <= _PAIRS_HERE else _in_a_process
    with closing(solve(packings, time_limit, optimum == "fair")) as parts:
        try:
            for part in parts:
                answers += [] if part is None else [part]
                solved, seconds = len(answers), time.monotonic() - started
                count = len(groups)
                yield ProgrammeStep(solved, count, solved, count, seconds, time_limit)
        except _StoppedError as reason:
            stopped = str(reason)
    found = caps.copy()
    for place, (members, _) in enumerate(groups):
        found[members] = answers[place] if place < len(answers) else 0.0
    found = _shrunk(overlaps, found, radii)
    check_constraints(overlaps, found, radii, np.arange(overlaps.count))
    yield Finished(Programme(found, len(answers), len(groups), stopped))


def _here(packings: Sequence[Packing], time_limit: float, fair: bool) -> _Solving:
    deadline = time.monotonic() + time_limit
    for packing in packings:
        radii = largest_radii(packing, deadline - time.monotonic(), fair=fair)
        if radii is None:
            raise _StoppedError(f"reached its limit of {time_limit:g} s")
        yield radii


def _in_a_process(packings: Sequence[Packing], time_limit: float, fair: bool) -> _Solving:
    """Yields each component's radii, in order, and None while there is nothing new."""
    deadline = time.monotonic() + time_limit
    try:
        with TemporaryFile() as question, TemporaryFile() as answers:
            write(question, packings, time_limit, fair=fair)
            question.seek(0)
            process = _started(question, answers)
            try:
                yield from _answers(process, answers, len(packings), deadline, time_limit)
            finally:
                process.kill()
                process.wait()
    except OSError as error:
        raise _StoppedError(f"got no process ({error.strerror or error})") from error


def _started(question: BinaryIO, answers: BinaryIO) -> subprocess.Popen[bytes]:
    # -P keeps a stranger's numpy.py in the working directory out; a session of its own keeps
    # the terminal's Ctrl-C for the parent, which ends this process itself.
    root = str(Path(__file__).resolve().parents[3])
    paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "rs_core.statistics.packing", str(os.getpid())],
        stdin=question, stdout=answers, env={**os.environ, "PYTHONPATH": paths},
        start_new_session=True,
    )  # fmt: skip


def _answers(
    process: subprocess.Popen[bytes],
    answers: BinaryIO,
    count: int,
    deadline: float,
    time_limit: float,
) -> _Solving:
    known, lines = 0, _lines(answers)
    while known < count:
        ended = process.poll()  # asked before reading, so that nothing it wrote is missed
        for line in next(lines):
            known += 1
            yield np.array(json.loads(line))
        if known < count and (ended == 0 or time.monotonic() >= deadline):
            raise _StoppedError(f"reached its limit of {time_limit:g} s")
        if known < count and ended is not None:
            how = f"signal {-ended}" if ended < 0 else f"exit code {ended}"
            raise _StoppedError(f"lost its process ({how})")
        yield None
        with suppress(subprocess.TimeoutExpired):
            process.wait(_POLL_SECONDS)


def _lines(file: BinaryIO) -> Iterator[list[bytes]]:
    """Each time the whole lines that were added; `pread`, for the writer shares the position."""
    place, rest = 0, b""
    while True:
        added = os.pread(file.fileno(), max(0, os.fstat(file.fileno()).st_size - place), place)
        place += len(added)
        *whole, rest = (rest + added).split(b"\n")
        yield whole


def _groups(binding: Overlaps) -> list[tuple[np.ndarray, np.ndarray]]:
    """(points, pairs) of each component that has pairs, smallest first."""
    component = binding.components()
    pairs = np.argsort(component[binding.first], kind="stable")
    points = np.argsort(component, kind="stable")
    sizes = np.bincount(component, minlength=1)
    counts = np.bincount(component[binding.first], minlength=len(sizes))
    rows = zip(
        np.split(points, np.cumsum(sizes)[:-1]), np.split(pairs, np.cumsum(counts)[:-1]),
        strict=True,
    )  # fmt: skip
    return sorted(((p, q) for p, q in rows if len(q)), key=lambda row: len(row[1]))


def _packing(pairs: Overlaps, members: np.ndarray, caps: np.ndarray) -> Packing:
    """One component, its points numbered from 0."""
    first, second = (np.searchsorted(members, ends) for ends in (pairs.first, pairs.second))
    return Packing(first, second, pairs.distance, caps[members])


def _shrunk(overlaps: Overlaps, found: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Radii that meet every constraint, from ones that miss some by the solver's tolerance."""
    found = np.clip(found, 0.0, radii)
    total = found[overlaps.first] + found[overlaps.second]
    if (total - overlaps.distance).max(initial=0.0) > _TOLERANCE * (1 + total.max(initial=0.0)):
        raise RuntimeError("the linear programme's answer lies outside its constraints")
    # Both ends of a pair get a factor of at most distance / total, so their sum fits.
    factor = np.ones(len(found))
    room = overlaps.distance * (1 - SHRINK)
    tight = total > room
    each = np.divide(room, total, out=np.ones_like(total), where=tight)
    for ends in (overlaps.first, overlaps.second):
        np.minimum.at(factor, ends, each)
    return np.asarray(found * factor)
