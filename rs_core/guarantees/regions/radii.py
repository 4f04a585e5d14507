"""How large each region may be: Wang et al. (2021), Algorithm 2 and appendix C.1."""

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from rs_core.errors import ParameterError
from rs_core.events import Finished, Stream, drain, relay
from rs_core.guarantees.regions.overlaps import (
    SHRINK,
    Overlaps,
    check_constraints,
    find_overlaps,
    own_order,
)
from rs_core.guarantees.regions.programme import Optimum, solving

Mode = Literal["online", "strict", "label_aware"]
Order = Literal["given", "ascending", "descending"]

ABSTAIN = -1


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
        degrees: int64 (N,), how many other Monte Carlo balls each point's own ball meets; empty
            where nobody counted.
    """

    mode: Mode
    radii: np.ndarray
    owners: np.ndarray
    notes: tuple[str, ...] = ()
    unfinished: np.ndarray | None = None
    degrees: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

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
    optimum: Optimum = "fair",
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
        optimum: which one of the linear programme (`linear_programme`); neither hangs on the
            order in which the points come.
        time_limit: seconds for the linear programme.

    Raises:
        ParameterError: shapes disagree, a value is not finite, an abstention has a radius.
    """
    return drain(
        laying_out(
            points, labels, radii, mode=mode, order=order, optimum=optimum, time_limit=time_limit
        )
    )


def laying_out(
    points: np.ndarray,
    labels: np.ndarray,
    radii: np.ndarray,
    *,
    mode: Mode,
    order: Order,
    optimum: Optimum,
    time_limit: float,
) -> Stream[Layout]:
    """`lay_out` as a stream: yields the linear programme's steps, then the layout."""
    radii = np.asarray(radii, dtype=np.float64)
    labels = np.asarray(labels)
    overlaps = find_overlaps(points, radii)
    if labels.shape != radii.shape or (radii[labels == ABSTAIN] > 0).any():
        raise ParameterError("give one label per point, and radius 0 where it is -1 (abstain).")
    degrees = overlaps.degrees
    if mode == "online":
        layout = online(overlaps, radii, in_order(overlaps, order))
        yield Finished(replace(layout, degrees=degrees))
        return
    bound = overlaps
    if mode == "label_aware":
        bound = overlaps.keep(labels[overlaps.first] != labels[overlaps.second])
    # The solver's answer hangs on the order of its rows: theirs is no order of arrival.
    own = own_order(points, radii, labels)
    programme = yield from relay(solving(bound.renumbered(own), radii[own], time_limit, optimum))
    found = np.empty(len(radii))
    found[own] = programme.radii
    if not programme.stopped:
        yield Finished(Layout(mode, found, np.arange(len(radii)), degrees=degrees))
        return
    instead = online(overlaps, radii, in_order(overlaps, order))
    note = (
        f"the {mode} linear programme {programme.stopped} with {programme.solved} of "
        f"{programme.components} components solved; online regions instead"
    )
    yield Finished(Layout("online", instead.radii, instead.owners, (note,), found, degrees))


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
    check_constraints(overlaps, found, radii, owners)
    return Layout("online", found, owners)
