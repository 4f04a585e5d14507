"""Which balls around points meet: the overlap graph of Wang et al. (2021), appendix C.1."""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from rs_core.errors import ParameterError

SHRINK = 1e-9  # of a distance; its rounding error is below 1e-13 of it for 1e6 values
_ROWS = 512  # rows of one block of the distance scan: 512 x 10,000 float64 are 41 MB
_VALUES = 2**23  # float64 values of one block of exact distances: 67 MB


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Pairs of open balls with R_i + R_j > |x_i - x_j|.

    Fields:
        count: number of points N.
        first, second: int64 (E,), the pair's points, first < second.
        distance: float64 (E,), l2 distance of their centres.
    """

    count: int
    first: np.ndarray
    second: np.ndarray
    distance: np.ndarray

    @property
    def degrees(self) -> np.ndarray:
        """int64 (N,): how many balls each ball meets."""
        ends = np.concatenate([self.first, self.second])
        return np.bincount(ends, minlength=self.count)

    def components(self) -> np.ndarray:
        """int64 (N,): the number of each point's connected component, from 0."""
        ones = np.ones(len(self.first), dtype=np.int8)
        graph = coo_array((ones, (self.first, self.second)), shape=(self.count, self.count))
        return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)

    def renumbered(self, order: np.ndarray) -> "Overlaps":
        """The same pairs, sorted, when point order[k] is called k."""
        rank = np.empty(self.count, dtype=np.int64)
        rank[order] = np.arange(self.count)
        ends = np.sort(np.column_stack([rank[self.first], rank[self.second]]), axis=1)
        by_ends = np.lexsort((ends[:, 1], ends[:, 0]))
        first, second = ends[by_ends].T
        return Overlaps(self.count, first, second, self.distance[by_ends])

    def keep(self, pairs: np.ndarray) -> "Overlaps":
        """The same points with only the pairs (E,) that are True."""
        return Overlaps(self.count, self.first[pairs], self.second[pairs], self.distance[pairs])

    def neighbours(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each point (indices, distances) of the points whose balls meet its own."""
        ends = np.concatenate([self.first, self.second])
        others = np.concatenate([self.second, self.first])
        distance = np.concatenate([self.distance, self.distance])
        by_end = np.argsort(ends, kind="stable")
        cuts = np.cumsum(self.degrees)[:-1]
        return list(
            zip(np.split(others[by_end], cuts), np.split(distance[by_end], cuts), strict=True)
        )


def find_overlaps(points: np.ndarray, radii: np.ndarray) -> Overlaps:
    """The overlap graph, in blocks: 10,000 points of 3,072 values need no N x N array.

    Args:
        points: (N, d) float32 or float64, pixels of [0,1].
        radii: (N,) at least 0, same unit.

    A float32 scan proposes pairs with room for its rounding error; float64 distances decide.

    Raises:
        ParameterError: shapes disagree, or a value is not finite.
    """
    radii = np.asarray(radii, dtype=np.float64)
    check_shapes(points, radii)
    narrow, norms, scale = _narrowed(points)
    # No two points are further apart than this, so a larger ball meets the same ones.
    count, furthest = len(points), 2.0 * points.shape[1] ** 0.5 + 1.0
    reach = np.minimum(radii, furthest * scale) / scale
    rounding = (points.shape[1] + 32) * 2.0**-23
    found = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
    for start in range(0, count, _ROWS):
        rows = slice(start, min(start + _ROWS, count))
        squared = norms[rows, None] + norms[None, start:]
        slack = rounding * squared + 1e-30
        squared -= 2.0 * (narrow[rows] @ narrow[start:].T)
        near = squared - slack <= (reach[rows, None] + reach[None, start:]) ** 2
        first, second = np.nonzero(np.triu(near, k=1))
        found.append(_decided(points, radii, first + start, second + start))
    return Overlaps(count, *(np.concatenate(part) for part in zip(*found, strict=True)))


def check_shapes(points: np.ndarray, radii: np.ndarray) -> None:
    """Refuse points and radii that are not N finite rows and N finite numbers at least 0.

    Raises:
        ParameterError: says which.
    """
    if points.ndim != 2 or radii.shape != (len(points),):
        raise ParameterError(
            f"points {points.shape} and radii {radii.shape} do not belong together: give (N, d) "
            "and (N,)."
        )
    if not np.isfinite(points).all() or not (np.isfinite(radii) & (radii >= 0)).all():
        raise ParameterError("points and radii must be finite and radii at least 0.")


def own_order(points: np.ndarray, *facts: np.ndarray) -> np.ndarray:
    """int64 (N,): the points in an order that hangs on nothing but themselves: by their digests.

    Args:
        points: (N, d).
        facts: (N,) each; points that are equal have the order of these.
    """
    digests = [blake2b(row.astype("<f8") + 0.0, digest_size=16).digest() for row in points]
    keys = list(zip(digests, *(fact.tolist() for fact in facts), strict=True))
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)


def check_constraints(
    overlaps: Overlaps, found: np.ndarray, radii: np.ndarray, owners: np.ndarray
) -> None:
    """Recheck in float64: 0 <= r <= R, regions apart, a ball inside the region that it joined.

    Raises:
        RuntimeError: one does not hold (a bug here or in the solver).
    """
    first, second = overlaps.first, overlaps.second
    opened = owners == np.arange(len(owners))
    within = (found >= 0).all() and (found <= radii)[opened].all()
    both = opened[first] & opened[second]
    apart = (found[first] + found[second] <= overlaps.distance)[both].all()
    held = all(
        (found[k] + overlaps.distance <= found[owner])[owners[k] == owner].all()
        for k, owner in ((first, second), (second, first))
    )
    if not (within and apart and held):
        raise RuntimeError("allocated regions break a constraint: this is a bug, do not use them")


def distances_from(points: np.ndarray, query: np.ndarray) -> np.ndarray:
    """float64 (N,): l2 distances of one point (d,) from points (N, d)."""
    step = max(1, _VALUES // max(1, points.shape[1]))
    wide = query.astype(np.float64)
    parts = [_lengths(points[k : k + step] - wide) for k in range(0, len(points), step)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _narrowed(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Centred points in float32, their squared norms in float64, and the unit of both.

    Centring keeps the rounding error of |a|^2 + |b|^2 - 2ab small; the unit keeps it in range.
    """
    if not points.size:
        return points.astype(np.float32), np.zeros(len(points)), 1.0
    centre = points.mean(axis=0, dtype=np.float64)
    narrow = np.empty(points.shape, dtype=np.float32)
    scale = float(max(np.abs(points.max(axis=0) - centre).max(), 1e-200))
    scale = max(scale, float(np.abs(points.min(axis=0) - centre).max()))
    norms = np.empty(len(points))
    for start in range(0, len(points), _ROWS):
        block = (points[start : start + _ROWS] - centre) / scale
        narrow[start : start + _ROWS] = block
        norms[start : start + _ROWS] = np.einsum("ij,ij->i", block, block)
    return narrow, norms, scale


def _decided(
    points: np.ndarray, radii: np.ndarray, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pairs that float64 distances confirm."""
    step = max(1, _VALUES // max(1, points.shape[1]))
    parts = [
        _lengths(points[first[k : k + step]].astype(np.float64) - points[second[k : k + step]])
        for k in range(0, len(first), step)
    ]
    distance = np.concatenate(parts) if parts else np.zeros(0)
    meet = radii[first] + radii[second] > distance
    return first[meet], second[meet], distance[meet]


def _lengths(rows: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", rows, rows)))
