"""A frozen allocation of regions: which sigma and label hold where, and what a query gets."""

import dataclasses
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple, get_args

import numpy as np

from rs_core.errors import ParameterError
from rs_core.guarantees.regions.backing import Backing, check_backed
from rs_core.guarantees.regions.overlaps import SHRINK, check_shapes, distances_from, find_overlaps
from rs_core.guarantees.regions.radii import ABSTAIN, Mode
from rs_core.results import Certificate

_ADDED = ("backings", "alpha", "risk")


class Answer(NamedTuple):
    """What a frozen allocation says of a query.

    `region` is the index of the region that holds it, None outside all; `label` is None for
    abstain; every point nearer than `radius` gets this same label.
    """

    region: int | None
    label: int | None
    radius: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Allocation:
    """Balls of Wang et al. (2021), their noise levels and labels, from this moment on unchanged.

    Fields:
        mode: the rule that made the radii.
        weights_id: of the network.
        digests: of the images, (N).
        points: (N, d) float32 or float64, their pixels in [0,1].
        labels: int64 (N,), certified classes; -1 for ABSTAIN.
        sigmas: float64 (N,), of the region that holds the point; pixels of [0,1].
        radii: float64 (N,), same unit.
        owners: int64 (N,), the region that holds each point: its own index, or another's whose
            sigma and label it shares.
        fallback_sigma: noise level outside all regions; None to abstain there.
        notes: what should be known of this allocation.
        backings: the votes behind each point, (N); empty in files from before they were kept.
        alpha: risk of one statement under it, of all together where mode is "label_aware"; None
            where there are no backings.
        risk: of all statements together, by the sum of what they pay; may exceed 1.
        hash: 16-byte blake2b of all the above, hex; filled in when left empty.

    Raises:
        ParameterError: fields do not belong together, or the hash is that of other content.
    """

    mode: Mode
    weights_id: str
    digests: tuple[str, ...]
    points: np.ndarray
    labels: np.ndarray
    sigmas: np.ndarray
    radii: np.ndarray
    owners: np.ndarray
    fallback_sigma: float | None = None
    notes: tuple[str, ...] = ()
    backings: tuple[Backing, ...] = ()
    alpha: float | None = None
    risk: float | None = None
    hash: str = ""

    def __post_init__(self) -> None:
        for name in ("points", "labels", "sigmas", "radii", "owners"):
            view = np.asarray(getattr(self, name)).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)
        if self.fallback_sigma is not None:
            object.__setattr__(self, "fallback_sigma", float(self.fallback_sigma))
        self._check_fields()
        content = self._content_hash()
        if self.hash not in ("", content):
            raise ParameterError(
                f"the allocation's content has hash {content}, not {self.hash}: it was changed "
                "after it was frozen; use the original file."
            )
        object.__setattr__(self, "hash", content)

    @property
    def regions(self) -> np.ndarray:
        """Indices of the points that are centres of a region with an inside."""
        return np.flatnonzero((self.owners == np.arange(len(self.owners))) & (self.radii > 0))

    def answer(self, pixels: np.ndarray, *, fallback: Certificate | None = None) -> Answer:
        """The label of a query under this allocation, and how far around it the label holds.

        Args:
            pixels: d values of the network's input, any shape.
            fallback: the query's own certificate at `fallback_sigma`, for a query outside all
                regions; without one it abstains.

        Where regions of one label overlap, the one with the lowest index answers.

        Raises:
            ParameterError: another number of values, not finite, or a fallback at another sigma.
        """
        query = np.asarray(pixels).ravel()
        if query.shape != self.points.shape[1:] or not np.isfinite(query).all():
            raise ParameterError(
                f"the query has {query.size} values: give {self.points.shape[1]} finite ones."
            )
        distance = distances_from(self.points, query)
        regions = self.regions
        around = regions[distance[regions] < self.radii[regions]]
        if around.size:
            index = int(around[0])
            room = self.radii[index] * (1 - SHRINK) - distance[index]
            return Answer(index, int(self.labels[index]), max(0.0, float(room)))
        if fallback is None or fallback.predicted is None:
            return Answer(None, None, 0.0)
        if fallback.sigma != self.fallback_sigma:
            raise ParameterError(
                f"this allocation was frozen with fallback sigma {self.fallback_sigma}: certify "
                f"the query at that, not at {fallback.sigma:g}."
            )
        outside = distance[regions] * (1 - SHRINK) - self.radii[regions]
        room = min(fallback.radius, float(outside.min(initial=np.inf)))
        return Answer(None, fallback.predicted if room > 0 else None, max(0.0, room))

    def check(self) -> None:
        """Look again at pairs of regions, from the pixels, and at radii, from their votes.

        Raises:
            ParameterError: two regions meet that must not, a ball leaves its owner's region, or a
                radius or a risk is not what the votes give.
        """
        self._check_regions()
        if self.backings:
            assert self.alpha is not None
            assert self.risk is not None
            check_backed(
                self.backings, self.labels, self.sigmas, self.radii,
                together=self.mode == "label_aware", alpha=self.alpha, risk=self.risk,
            )  # fmt: skip

    def _check_regions(self) -> None:
        regions = self.regions
        meet = find_overlaps(self.points[regions], self.radii[regions])
        labels = self.labels[regions]
        wrong = np.ones(len(meet.first), dtype=bool)
        if self.mode == "label_aware":
            wrong = labels[meet.first] != labels[meet.second]
        if wrong.any():
            pair = sorted(int(regions[ends[wrong][0]]) for ends in (meet.first, meet.second))
            raise ParameterError(f"regions {pair[0]} and {pair[1]} meet: discard this allocation.")
        for k in np.flatnonzero((self.owners != np.arange(len(self.owners))) & (self.radii > 0)):
            owner = self.owners[k]
            away = float(distances_from(self.points[[owner]], self.points[k])[0])
            same = (self.labels[k], self.sigmas[k]) == (self.labels[owner], self.sigmas[owner])
            if not same or away + self.radii[k] > self.radii[owner]:
                raise ParameterError(
                    f"point {k} leaves the region of {owner} or disagrees with it: discard this "
                    "allocation."
                )

    def _check_fields(self) -> None:
        check_shapes(self.points, self.radii)
        count = len(self.points)
        rows = (self.labels, self.sigmas, self.owners)
        if len(self.digests) != count or any(row.shape != (count,) for row in rows):
            raise ParameterError(f"{count} points need as many digests, labels, sigmas and owners.")
        kinds = "".join(row.dtype.kind for row in (self.points, *rows, self.radii))
        if self.mode not in get_args(Mode) or kinds != "fifif":
            raise ParameterError(
                f"mode is one of {', '.join(get_args(Mode))}; points, sigmas and radii are floats, "
                "labels and owners integers."
            )
        if ((self.labels < 0) & (self.radii > 0)).any() or (self.labels < ABSTAIN).any():
            raise ParameterError("labels are -1 (abstain, radius 0) or a class.")
        if not ((self.owners >= 0) & (self.owners < count)).all():
            raise ParameterError(f"owners are indices of points: 0 to {count - 1}.")
        levels = [*self.sigmas, *([] if self.fallback_sigma is None else [self.fallback_sigma])]
        if not (np.isfinite(levels) & (np.array(levels) > 0)).all():
            raise ParameterError("every sigma must be finite and above 0.")
        risks = [risk for risk in (self.alpha, self.risk) if risk is not None]
        if len(self.backings) not in (0, count) or len(risks) != (2 if self.backings else 0):
            raise ParameterError(f"{count} points need as many certificates, and two risks.")
        if not all(isinstance(risk, float) and risk > 0 for risk in risks):
            raise ParameterError("alpha and risk must be above 0.")

    def _content_hash(self) -> str:
        digest = blake2b(digest_size=16)
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            # What older files do not have is no part of their hash.
            if field.name == "hash" or (field.name in _ADDED and not value):
                continue
            head = f"{value.dtype.str}{value.shape}" if isinstance(value, np.ndarray) else ""
            raw = np.ascontiguousarray(value).tobytes() if head else repr(value).encode()
            digest.update(f"{field.name}:{head}:{len(raw)}:".encode())
            digest.update(raw)
        return digest.hexdigest()
