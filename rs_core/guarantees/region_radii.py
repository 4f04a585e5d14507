"""How large each region may be: Wang et al. (2021), Algorithm 2 and appendix C.1; SPEC 6.9."""

import time
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

from rs_core.errors import ParameterError
from rs_core.guarantees.overlaps import Overlaps, find_overlaps

Mode = Literal["online", "strict", "label_aware"]
Order = Literal["given", "ascending", "descending"]

ABSTAIN = -1
SHRINK = 1e-9  # of a distance; its rounding error is below 1e-13 of it for 1e6 values
_TOLERANCE = 1e-5  # HiGHS promises 1e-7 on each constraint


@dataclass(frozen=True, eq=False)
class Layout:
    """Radii of regions, before they are frozen.

    Fields:
        mode: the rule that made them; "online" where a linear programme ran out of time.
        radii: float64 (N,), 0 to R. Of a point inside another's region: its room there, which
            its own radius at that region's sigma may cut further.
        owners: int64 (N,), whose sigma holds at each point; its own index for most.
        notes: what should be known of this layout.
        unfinished: what the linear programme had when it ran out of time, 0 in the components
            that it did not solve; None where it finished or was not asked.
    """

    mode: Mode
    radii: np.ndarray
    owners: np.ndarray
    notes: tuple[str, ...] = ()
    unfinished: np.ndarray | None = None

    @property
    def inside(self) -> np.ndarray:
        """Indices of the points that lie in another's region."""
        return np.flatnonzero(self.owners != np.arange(len(self.owners)))


def lay_out(
    points: np.ndarray,
    labels: np.ndarray,
    radii: np.ndarray,
    *,
    mode: Mode,
    order: Order = "given",
    time_limit: float = 60.0,
) -> Layout:
    """Regions around points, none larger than its Monte Carlo radius.

    Args:
        points: (N, d) float32 or float64, pixels of [0,1].
        labels: (N,) predicted classes, -1 for ABSTAIN.
        radii: (N,) Monte Carlo radii R, same unit; 0 where the label is ABSTAIN.
        mode: "online" places one point after another; "strict" maximises the sum of the radii of
            disjoint regions; "label_aware" lets regions of one label overlap.
        order: of "online", and of what replaces a linear programme that runs out of time.
        time_limit: seconds for the linear programme.

    Raises:
        ParameterError: shapes disagree, a value is not finite, an abstention has a radius.
    """
    radii = np.asarray(radii, dtype=np.float64)
    labels = np.asarray(labels)
    overlaps = find_overlaps(points, radii)
    if labels.shape != radii.shape or (radii[labels == ABSTAIN] > 0).any():
        raise ParameterError("give one label per point, and radius 0 where it is -1 (abstain).")
    if mode == "online":
        return online(overlaps, radii, in_order(overlaps, order))
    bound = overlaps
    if mode == "label_aware":
        bound = overlaps.keep(labels[overlaps.first] != labels[overlaps.second])
    programme = linear_programme(bound, radii, time_limit)
    if programme.solved == programme.components:
        return Layout(mode, programme.radii, np.arange(len(radii)))
    instead = online(overlaps, radii, in_order(overlaps, order))
    note = (
        f"the {mode} linear programme reached its limit of {time_limit:g} s with "
        f"{programme.solved} of {programme.components} components solved; online regions instead"
    )
    return Layout("online", instead.radii, instead.owners, (note,), programme.radii)


def in_order(overlaps: Overlaps, order: Order) -> np.ndarray:
    """int64 (N,): the points as given, or by their degree in the overlap graph; ties as given."""
    if order == "given":
        return np.arange(overlaps.count)
    degrees = overlaps.degrees
    return np.argsort(degrees if order == "ascending" else -degrees, kind="stable")


def online(overlaps: Overlaps, radii: np.ndarray, order: np.ndarray) -> Layout:
    """Algorithm 2 of Wang et al. (2021): each point in turn joins a region or opens its own.

    Only pairs of the overlap graph matter: no region is larger than its R.
    """
    found = np.zeros(overlaps.count)
    owners = np.arange(overlaps.count)
    placed = np.zeros(overlaps.count, dtype=bool)
    neighbours = overlaps.neighbours()
    for k in order:
        others, distance = neighbours[k]
        met = placed[others]
        others, distance = others[met], distance[met]
        around = np.flatnonzero(distance < found[others])
        if around.size:
            owner = others[around[0]]
            owners[k] = owner
            found[k] = max(0.0, found[owner] * (1 - SHRINK) - distance[around[0]])
        else:
            free = distance * (1 - SHRINK) - found[others]
            found[k] = max(0.0, min(radii[k], free.min(initial=np.inf)))
            placed[k] = True
    hold_constraints(overlaps, found, radii, owners)
    return Layout("online", found, owners)


@dataclass(frozen=True, eq=False)
class Programme:
    """Radii (N,) that a linear programme found, 0 in components it did not solve."""

    radii: np.ndarray
    solved: int
    components: int


def linear_programme(overlaps: Overlaps, radii: np.ndarray, time_limit: float) -> Programme:
    """max sum r, 0 <= r <= R, r_i + r_j <= |x_i - x_j| for the pairs: one solve per component.

    Reference: Wang et al. (2021), equation 10, which forbids a region to hold another point.
    """
    deadline = time.monotonic() + time_limit
    # r_j >= 0 makes every distance a cap by itself, and a pair whose caps fit binds nothing.
    caps = np.array(radii, dtype=np.float64)
    for ends in (overlaps.first, overlaps.second):
        np.minimum.at(caps, ends, overlaps.distance)
    binding = overlaps.keep(caps[overlaps.first] + caps[overlaps.second] > overlaps.distance)
    found, solved = caps.copy(), 0
    component = binding.components()
    groups = _groups(component, binding)
    for members, pairs in groups:
        part = _solved(binding.keep(pairs), members, caps, deadline - time.monotonic())
        solved += part is not None
        found[members] = 0.0 if part is None else part
    found = _shrunk(overlaps, found, radii)
    hold_constraints(overlaps, found, radii, np.arange(overlaps.count))
    return Programme(found, solved, len(groups))


def _groups(component: np.ndarray, binding: Overlaps) -> list[tuple[np.ndarray, np.ndarray]]:
    """(points, pairs) of each component that has pairs, smallest first."""
    pairs = np.argsort(component[binding.first], kind="stable")
    points = np.argsort(component, kind="stable")
    sizes = np.bincount(component, minlength=1)
    counts = np.bincount(component[binding.first], minlength=len(sizes))
    rows = zip(
        np.split(points, np.cumsum(sizes)[:-1]), np.split(pairs, np.cumsum(counts)[:-1]),
        strict=True,
    )  # fmt: skip
    return sorted(((p, q) for p, q in rows if len(q)), key=lambda row: len(row[1]))


def _solved(
    pairs: Overlaps, members: np.ndarray, caps: np.ndarray, seconds: float
) -> np.ndarray | None:
    """The radii of one component's members, or None where the time is up."""
    if seconds <= 0:
        return None
    columns = np.searchsorted(members, np.column_stack([pairs.first, pairs.second])).ravel()
    count = len(pairs.first)
    matrix = csr_array(
        (np.ones(2 * count), columns, np.arange(0, 2 * count + 1, 2)), shape=(count, len(members))
    )
    answer = linprog(
        -np.ones(len(members)), A_ub=matrix, b_ub=pairs.distance,
        bounds=np.column_stack([np.zeros(len(members)), caps[members]]), method="highs-ds",
        options={"time_limit": seconds},
    )  # fmt: skip
    if answer.status == 1:
        return None
    if answer.status != 0:
        raise RuntimeError(f"a linear programme that always has a solution failed: {answer}")
    return np.asarray(answer.x)


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


def hold_constraints(
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
