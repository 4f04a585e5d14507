"""What the smallest of K radii gains with each bound at alpha, not alpha/K; how often it fails.

.venv/bin/python -m benchmarks.studies.minimum [--runs 200000]
"""

import argparse

import numpy as np
from scipy.stats import binom

from rs_core.statistics import (
    l2_radius_two_sided,
    lower_confidence_bound,
    radius_ceiling,
    two_sided_bounds,
    upper_confidence_bound,
)

ALPHA, DRAWS = 1e-3, (1_000, 10_000, 100_000)
WEAKEST, EACH_OF, RISK, N = 0.55, 5, 0.2, 84


def gain(sigmas: int, n: int) -> float:
    """By what share the radius of unanimous votes grows."""
    shared, whole = (radius_ceiling(1.0, n, level) for level in (ALPHA / sigmas, ALPHA))
    return float(whole / shared - 1)


def two_sided_gain(classes: int, n: int) -> float:
    """The same of the two-sided bound, 80 % and 5 % of the votes, among so many classes."""
    votes = np.zeros(classes + 1, dtype=np.int64)
    votes[:3] = 8 * n // 10, n // 20, n - 8 * n // 10 - n // 20
    votes[2:-1] = votes[2] // (classes - 2)
    votes[0] = n - votes[1:].sum()
    whole = float(l2_radius_two_sided(1.0, *two_sided_bounds(votes, 0, ALPHA)))
    level = ALPHA / (classes + 1)
    bounds = (
        lower_confidence_bound(int(votes[0]), n, level),
        upper_confidence_bound(int(votes[1:].max()), n, level),
    )
    return whole / float(l2_radius_two_sided(1.0, *bounds)) - 1


def exact(level: float) -> float:
    """How often the bound of the weakest sigma lies above its truth."""
    lower = np.asarray(lower_confidence_bound(np.arange(N + 1), N, level))
    return float(binom.sf(np.argmax(lower > WEAKEST) - 1, N, WEAKEST))


def simulated(level: float, runs: int) -> float:
    """The same with the other sigmas drawn, too, at probabilities that are just above."""
    chances = WEAKEST + np.linspace(0, 0.4, EACH_OF)
    votes = np.random.default_rng(0).binomial(N, chances, (runs, EACH_OF))
    lower = np.asarray(lower_confidence_bound(np.arange(N + 1), N, level))[votes]
    return float((lower.min(axis=1) > WEAKEST).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200_000)
    runs = parser.parse_args().runs
    print(f"gain of a unanimous radius, alpha={ALPHA:g}      n=1,000  n=10,000 n=100,000")
    for sigmas in (3, 7, 16):
        row = "".join(f"{gain(sigmas, n):10.1%}" for n in DRAWS)
        print(f"grid_minimum, dual: {sigmas:>2} sigmas                {row}")
    for classes in (10, 100):
        row = "".join(f"{two_sided_gain(classes, n):10.1%}" for n in DRAWS)
        print(f"two-sided, {classes:>3} classes, 80 % against 5 % {row}")
    print(f"false at p={WEAKEST:g}, {EACH_OF} sigmas, alpha={RISK:g}, n={N}:")
    print("                    others certain (exact), others near (simulated)")
    for name, level in (("each at alpha", RISK), ("each at alpha/K", RISK / EACH_OF)):
        print(f"  {name:<18}{exact(level):<23.3f}{simulated(level, runs):.3f}")


if __name__ == "__main__":
    main()
