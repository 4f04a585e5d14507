"""Regions of known radii: a linear programme of PFAT's size, and 10,000 CIFAR-sized points."""

import time

import numpy as np

from benchmarks.timing import verdict
from rs_core.guarantees.regions.overlaps import distances_from, find_overlaps
from rs_core.guarantees.regions.programme import linear_programme
from rs_core.guarantees.regions.radii import in_order, lay_out, online

LIMIT = 300.0


def meeting(count: int, values: int, pairs: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """(points, radii) in which about `pairs` pairs of balls meet; radii vary by `spread`."""
    rng = np.random.default_rng(0)
    # As pixels do, the points fill far fewer directions than they have values.
    directions = rng.standard_normal((20, values)) / values**0.5
    points = (rng.standard_normal((count, 20)) @ directions).astype(np.float32)
    shape = np.exp(spread * rng.standard_normal(count))
    sampled = rng.choice(count, size=min(count, 100), replace=False)
    ratios = [np.delete(distances_from(points, points[k]) / (shape + shape[k]), k) for k in sampled]
    share = 2 * pairs / (count * (count - 1))
    return points, shape * np.quantile(np.concatenate(ratios), share)


def main() -> None:
    points, radii = meeting(4_700, 784, 300_000, 0.03)
    overlaps = find_overlaps(points, radii)
    started = time.perf_counter()
    best = linear_programme(overlaps, radii, LIMIT)
    seconds = time.perf_counter() - started
    label = f"linear programme, 4,700 radii, {len(overlaps.first):,} pairs, seconds"
    print(verdict(label, seconds, LIMIT, at_most=True))
    greedy = online(overlaps, radii, in_order(overlaps, "ascending"))
    print(
        f"  sum of radii: {best.radii.sum():.1f}, {best.solved} of {best.components} components; "
        f"online {greedy.radii.sum():.1f} with {len(greedy.inside)} points inside others' regions"
    )
    points, radii = meeting(10_000, 3_072, 20_000, 0.5)
    started = time.perf_counter()
    layout = lay_out(points, np.zeros(len(radii), int), radii, mode="online", order="ascending")
    seconds = time.perf_counter() - started
    print(verdict("10,000 points of 3x32x32 allocated online, seconds", seconds, 60, at_most=True))
    print(f"  sum of radii: {layout.radii.sum():.1f}, {len(layout.inside)} inside others' regions")


if __name__ == "__main__":
    main()
