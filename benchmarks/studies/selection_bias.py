"""How often a certificate is false, in units of alpha, for each way of choosing: the T4 table.

A simulation over binomial votes of 20 sigmas (.05, .10, ... 1.0) with our own bounds; every
protocol above 1 breaks its promise.

    .venv/bin/python -m benchmarks.studies.selection_bias [--runs 400000]
"""

import argparse
from collections.abc import Callable

import numpy as np
from scipy.special import ndtri

from rs_core.statistics import lower_confidence_bound

ALPHA, SIGMAS = 1e-3, np.arange(1, 21) / 20
LOOKS = np.unique(np.geomspace(100, 100_000, 20).astype(int))
Simulation = Callable[[np.random.Generator, int, int], np.ndarray]


def bounds(n: int, alpha: float = ALPHA) -> np.ndarray:
    """The lower bound for every possible number of votes."""
    return np.asarray(lower_confidence_bound(np.arange(n + 1), n, alpha))


def preset(p: float) -> Simulation:
    """One sigma, fixed beforehand."""

    def run(rng: np.random.Generator, n: int, runs: int) -> np.ndarray:
        lower = bounds(n)[rng.binomial(n, p, runs)]
        return (lower > 0.5) & (lower > p)

    return run


def _chosen(lower: np.ndarray) -> np.ndarray:
    """Position of the largest radius sigma * PhiInv(lower) of each run."""
    return np.asarray((SIGMAS * np.maximum(ndtri(np.maximum(lower, 1e-12)), 0)).argmax(axis=1))


def reused(p: float, alpha: float = ALPHA) -> Simulation:
    """The same votes choose among 20 sigmas and certify."""

    def run(rng: np.random.Generator, n: int, runs: int) -> np.ndarray:
        lower = bounds(n, alpha)[rng.binomial(n, p, (runs, len(SIGMAS)))]
        best = np.take_along_axis(lower, _chosen(lower)[:, None], axis=1)[:, 0]
        return (best > 0.5) & (best > p)

    return run


def fresh(p: float) -> Simulation:
    """One set of votes chooses, another certifies."""

    def run(rng: np.random.Generator, n: int, runs: int) -> np.ndarray:
        rng.binomial(n, p, (runs, len(SIGMAS)))
        return preset(p)(rng, n, runs)

    return run


def same_label(p: float) -> Simulation:
    """Two classes of probability 1/2: the votes that name the class certify it."""

    def run(rng: np.random.Generator, n: int, runs: int) -> np.ndarray:
        votes = rng.binomial(n, p, runs)
        return bounds(n)[np.maximum(votes, n - votes)] > 0.5

    return run


def looks(rng: np.random.Generator, n: int, runs: int) -> np.ndarray:
    """20 looks from 100 to 100,000 draws, stopping when certified."""
    votes, failed, before = np.zeros(runs, dtype=np.int64), np.zeros(runs, dtype=bool), 0
    for look in LOOKS:
        votes += rng.binomial(look - before, 0.5, runs)
        failed |= bounds(int(look))[votes] > 0.5
        before = look
    return failed


def rerolled(rng: np.random.Generator, n: int, runs: int) -> np.ndarray:
    """20 seeds are tried, and one that certifies is shown."""
    return (bounds(n)[rng.binomial(n, 0.5, (runs, 20))] > 0.5).any(axis=1)


PROTOCOLS: dict[str, Simulation] = {
    "one preset sigma, p=.5": preset(0.5),
    "same votes choose and certify, p=.5": reused(0.5),
    "same votes choose and certify, p=.7": reused(0.7),
    "same votes choose and certify, p=.9": reused(0.9),
    "choose, then fresh votes": fresh(0.5),
    "same votes at alpha/20": reused(0.5, ALPHA / 20),
    "label from the same votes, one sigma, p=.5": same_label(0.5),
    "20 looks, 100 to 100,000": looks,
    "20 seeds": rerolled,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=400_000)
    runs = parser.parse_args().runs
    print(f"false certificates / alpha, alpha={ALPHA}, {runs:,} runs   n=100    n=1000")
    for name, simulate in PROTOCOLS.items():
        found = [simulate(np.random.default_rng(0), n, runs).mean() / ALPHA for n in (100, 1000)]
        print(f"{name:<52}{found[0]:9.2f}{found[1]:9.2f}", flush=True)


if __name__ == "__main__":
    main()
