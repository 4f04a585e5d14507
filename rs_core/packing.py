"""Balls as large as possible together, no two of a pair too close: one linear programme each.

`python -m rs_core.packing PARENT` solves several in a process that can be ended at any moment:
arrays (`write`) come from stdin, which must be a file; one line of JSON per solved programme
goes to stdout.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Thread
from typing import BinaryIO

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

_LOOK_SECONDS = 0.5


@dataclass(frozen=True, eq=False)
class Packing:
    """max sum r with 0 <= r <= caps and r[first] + r[second] <= distance.

    Fields:
        first, second: int64 (E,), the pairs; indices of `caps`.
        distance: float64 (E,), above 0.
        caps: float64 (N,), at least 0.
    """

    first: np.ndarray
    second: np.ndarray
    distance: np.ndarray
    caps: np.ndarray


def largest_radii(packing: Packing, seconds: float) -> np.ndarray | None:
    """The radii (N,) as the solver gives them, within its tolerance; None where time ran out.

    Raises:
        RuntimeError: the solver failed; every such programme has a solution (0 is feasible).

    Wang et al. (2021), equation 10.
    """
    if seconds <= 0:
        return None
    count, members = len(packing.first), len(packing.caps)
    columns = np.column_stack([packing.first, packing.second]).ravel()
    rows = np.arange(0, 2 * count + 1, 2)
    answer = linprog(
        -np.ones(members),
        A_ub=csr_array((np.ones(2 * count), columns, rows), shape=(count, members)),
        b_ub=packing.distance,
        bounds=np.column_stack([np.zeros(members), packing.caps]),
        method="highs-ds",
        options={"time_limit": seconds},
    )
    if answer.status == 1:
        return None
    if answer.status != 0:
        raise RuntimeError(f"a linear programme that always has a solution failed: {answer}")
    return np.asarray(answer.x)


def write(file: BinaryIO, packings: Sequence[Packing], seconds: float) -> None:
    """Write what the process reads: all programmes in one set of arrays, and its time limit."""
    np.savez(
        file,
        seconds=seconds,
        pairs=[len(packing.first) for packing in packings],
        members=[len(packing.caps) for packing in packings],
        first=np.concatenate([packing.first for packing in packings]),
        second=np.concatenate([packing.second for packing in packings]),
        distance=np.concatenate([packing.distance for packing in packings]),
        caps=np.concatenate([packing.caps for packing in packings]),
    )


def read(file: BinaryIO) -> tuple[list[Packing], float]:
    """(programmes, seconds) of such a file."""
    with np.load(file, allow_pickle=False) as data:
        pairs, members = np.cumsum(data["pairs"])[:-1], np.cumsum(data["members"])[:-1]
        columns = [np.split(data[name], pairs) for name in ("first", "second", "distance")]
        rows = zip(*columns, np.split(data["caps"], members), strict=True)
        return [Packing(*row) for row in rows], float(data["seconds"])


def _end_with(parent: int) -> None:
    """End this process when its parent is gone: nobody else would stop a long solve."""
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)


def _main() -> None:
    Thread(target=_end_with, args=(int(sys.argv[1]),), daemon=True).start()
    packings, seconds = read(sys.stdin.buffer)
    deadline = time.monotonic() + seconds
    for packing in packings:
        radii = largest_radii(packing, deadline - time.monotonic())
        if radii is None:
            return
        print(json.dumps(radii.tolist()), flush=True)


if __name__ == "__main__":
    _main()
