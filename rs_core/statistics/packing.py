"""Balls as large as possible together, no two of a pair too close: one linear programme each.

`python -m rs_core.statistics.packing PARENT` solves several in a process that can be ended at any
moment:
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
from scipy.optimize import OptimizeResult, linprog
from scipy.sparse import block_array, coo_array, csr_array, eye_array

_LOOK_SECONDS = 0.5
_PRICED = 0.25  # a price of 0 or of one half at least
_SLACK = 1e-12  # of a distance: rows that are equal but for rounding still have a solution


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


def largest_radii(packing: Packing, seconds: float, *, fair: bool = True) -> np.ndarray | None:
    """The radii (N,) as the solver gives them, within its tolerance; None where time ran out.

    Args:
        packing: the programme, which may have many optima.
        seconds: for all of it.
        fair: of the optima take one whose smallest radius, as a share of its cap, is largest;
            else the vertex at which the dual simplex method ends.

    Raises:
        RuntimeError: the solver failed; every such programme has a solution (0 is feasible).

    Wang et al. (2021), equation 10, which leaves open which optimum is meant.
    """
    deadline = time.monotonic() + seconds
    count, members = len(packing.first), len(packing.caps)
    columns = np.column_stack([packing.first, packing.second]).ravel()
    rows = np.arange(0, 2 * count + 1, 2)
    pairs = csr_array((np.ones(2 * count), columns, rows), shape=(count, members))
    ends = np.column_stack([np.zeros(members), packing.caps])
    vertex = _solved(-np.ones(members), pairs, packing.distance, ends, deadline)
    if vertex is None or not fair:
        return None if vertex is None else np.asarray(vertex.x)
    # What is feasible is optimal just if it leaves no slack where the dual asks a price, which is
    # a multiple of one half: each row has two ones.
    ends[vertex.lower.marginals > _PRICED, 1] = 0.0
    capped = vertex.upper.marginals < -_PRICED
    ends[capped, 0] = packing.caps[capped]
    tight = vertex.ineqlin.marginals < -_PRICED
    share = coo_array((packing.caps, (np.arange(members), np.zeros(members, np.int64))))
    blocks = [[pairs, None], [-pairs[tight], None], [-eye_array(members), share]]
    best = _solved(
        np.append(np.zeros(members), -1.0),
        block_array(blocks, format="csr"),
        np.concatenate(
            [packing.distance, -packing.distance[tight] * (1 - _SLACK), np.zeros(members)]
        ),
        np.vstack([ends, [0.0, 1.0]]),
        deadline,
    )
    return None if best is None else np.asarray(best.x[:-1])


def _solved(
    costs: np.ndarray, rows: csr_array, most: np.ndarray, ends: np.ndarray, deadline: float
) -> OptimizeResult | None:
    """The least of costs @ x with rows @ x <= most between the ends; None where time ran out."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        return None
    answer = linprog(
        costs, A_ub=rows, b_ub=most, bounds=ends, method="highs-ds",
        options={"time_limit": seconds},
    )  # fmt: skip
    if answer.status == 1:
        return None
    if answer.status != 0:
        raise RuntimeError(f"a linear programme that always has a solution failed: {answer}")
    return answer


def write(file: BinaryIO, packings: Sequence[Packing], seconds: float, *, fair: bool) -> None:
    """Write what the process reads: all programmes in one set of arrays, limit and optimum."""
    np.savez(
        file,
        seconds=seconds,
        fair=fair,
        pairs=[len(packing.first) for packing in packings],
        members=[len(packing.caps) for packing in packings],
        first=np.concatenate([packing.first for packing in packings]),
        second=np.concatenate([packing.second for packing in packings]),
        distance=np.concatenate([packing.distance for packing in packings]),
        caps=np.concatenate([packing.caps for packing in packings]),
    )


def read(file: BinaryIO) -> tuple[list[Packing], float, bool]:
    """(programmes, seconds, fair) of such a file."""
    with np.load(file, allow_pickle=False) as data:
        pairs, members = np.cumsum(data["pairs"])[:-1], np.cumsum(data["members"])[:-1]
        columns = [np.split(data[name], pairs) for name in ("first", "second", "distance")]
        rows = zip(*columns, np.split(data["caps"], members), strict=True)
        return [Packing(*row) for row in rows], float(data["seconds"]), bool(data["fair"])


def _end_with(parent: int) -> None:
    """End this process when its parent is gone: nobody else would stop a long solve."""
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)


def _main() -> None:
    Thread(target=_end_with, args=(int(sys.argv[1]),), daemon=True).start()
    packings, seconds, fair = read(sys.stdin.buffer)
    deadline = time.monotonic() + seconds
    for packing in packings:
        radii = largest_radii(packing, deadline - time.monotonic(), fair=fair)
        if radii is None:
            return
        print(json.dumps(radii.tolist()), flush=True)


if __name__ == "__main__":
    _main()
