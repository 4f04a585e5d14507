"""Input space divided into frozen regions of one sigma each: Wang et al. (2021), Algorithm 2."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import ClassVar

import numpy as np

from rs_core.abstention import why_abstains
from rs_core.classifiers import Classifier
from rs_core.events import Finished, Step, Stream, relay
from rs_core.fields import param
from rs_core.guarantees.base import Guarantee
from rs_core.guarantees.regions.allocation import Allocation
from rs_core.guarantees.regions.backing import backing_of
from rs_core.guarantees.regions.claims import Claim, claim_of, notes_of
from rs_core.guarantees.regions.programme import Optimum
from rs_core.guarantees.regions.radii import ABSTAIN, Layout, Mode, Order, laying_out
from rs_core.images import ImageInput
from rs_core.results import Badge, Certificate, Selection
from rs_core.smoothing.options import SIGMA_MAX
from rs_core.smoothing.sampling import BATCH_SIZE
from rs_core.smoothing.statements import statement
from rs_core.statistics import add_risks, ceil_digits


@dataclass(frozen=True, eq=False)
class RegionsStep(Step):
    """The frozen allocation; beside it what the linear programme had, if its time ran out.

    `notes` say what should be known of the images. `degrees` (N,) counts for each point how
    many other balls its own Monte Carlo ball meets: Wang et al. (2021), appendix C.1.
    """

    allocation: Allocation
    unfinished: Allocation | None
    notes: tuple[str, ...]
    degrees: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Regions(Guarantee):
    """Each image owns a ball in which its sigma holds; certified against later queries.

    Images with the same pixels are one point, and the first one's sigma stands. An image inside
    another's region shares its sigma ("online") and is certified again at it. The last step
    before the result carries the allocation.

    Another rule, order, set of images or choice of sigmas has other draws under the same seed:
    whoever changes one of them after looking at regions must not certify on what was seen.
    """

    name: ClassVar[str] = "regions"
    badge: ClassVar[Badge] = "B"

    mode: Mode = param(
        "online",
        help="one after another, or a linear programme: disjoint, or overlapping in one label",
        choices=("online", "strict", "label_aware"),
    )
    order: Order = param(
        "given",
        help="who comes first online: as given (Algorithm 2), or by the number of balls met, "
        "ascending as in the paper's experiments",
        choices=("given", "ascending", "descending"),
    )
    optimum: Optimum = param(
        "fair",
        help="of the linear programme's optima the one whose smallest radius, as a share of its "
        "cap, is largest, or the solver's vertex",
        choices=("fair", "published"),
    )
    time_limit: float = param(
        60.0,
        help="for the linear programme; after it, online regions",
        unit="seconds",
        low=0,
        low_open=True,
        high=86_400,
    )
    fallback_sigma: float | None = param(
        None,
        help="noise level outside all regions; abstain there by default",
        unit="pixels of [0,1]",
        low=0,
        high=SIGMA_MAX,
        low_open=True,
    )

    @property
    def budget(self) -> str:
        """What each draw pays; by degree, an image's own draws help decide which it needs."""
        alpha = ceil_digits(self.alpha, 6)
        if self.mode == "label_aware":
            return f"N x alpha/N = {alpha} for all N images together"
        if self.mode == "online" and self.order != "given":
            half = ceil_digits(self.alpha / 2, 6)
            return f"{half} at its own sigma + {half} at an inherited one = {alpha}"
        return f"alpha = {alpha}"

    @property
    def most_draws(self) -> int:
        """Twice: online, an image may be certified again at the sigma of a region."""
        return (2 if self.mode == "online" else 1) * super().most_draws

    def level(self, count: int) -> float:
        """The level of every single certificate among `count` different images."""
        if self.mode == "label_aware":
            return self.alpha / max(count, 1)
        # As given, only earlier images' draws decide whether a point inherits, so one of its two
        # certificates is issued whatever its own draws say; by degree they have a say in it.
        return self.alpha / 2 if self.mode == "online" and self.order != "given" else self.alpha

    def risk(self, count: int) -> float:
        """The probability that any of `count` statements is false, by the sum of what they pay."""
        alpha = float(self.alpha)
        return alpha if self.mode == "label_aware" else add_risks(*[alpha] * count)

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        selections: Sequence[Selection],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Certificate, ...]]:
        """Yields the loop's steps, a `RegionsStep`, then the certificates."""
        self.check_pairs(images, selections)
        firsts: dict[str, int] = {}
        for k, image in enumerate(images):
            firsts.setdefault(image.digest, k)
        points = [images[k] for k in firsts.values()]
        picked = [selections[k].sigma for k in firsts.values()]
        level, each = self.level(len(points)), self.n0 + self.n
        settled = self._settled(points, picked)

        def certified(which: Sequence[ImageInput], sigmas: Sequence[float], part: int) -> _Rows:
            column = np.array(sigmas)[:, None]
            return self.fresh(
                classifier, which, column, level, seed=seed, part=part, settled=settled,
                batch_size=batch_size,
            )  # fmt: skip

        rows = yield from relay(certified(points, picked, 0))
        own = [row[0] for row in rows]
        layout, work = yield from self._layout(points, own, len(points) * each)
        # What replaced a programme out of time was not paid for: there, no second certificate.
        joined = [int(k) for k in layout.inside] if self.mode == "online" else []
        before, total = work, work + len(joined) * each
        again: dict[int, Certificate] = {}
        if joined:
            inherited = [own[layout.owners[k]].sigma for k in joined]
            stream = certified([points[k] for k in joined], inherited, 1)
            rows = yield from relay(stream, before=before, total=total)
            again = {k: row[0] for k, row in zip(joined, rows, strict=True)}
        claims = [claim_of(k, layout, points, own, again) for k in range(len(points))]
        notes = notes_of(len(images) - len(points), claims)
        allocation, unfinished = self._frozen(points, own, layout, claims)
        yield RegionsStep(total, total, allocation, unfinished, notes, layout.degrees)
        places = {digest: place for place, digest in enumerate(firsts)}
        certificates = [self._certificate(claim, allocation, classifier) for claim in claims]
        yield Finished(tuple(certificates[places[image.digest]] for image in images))

    def _settled(self, points: Sequence[ImageInput], picked: Sequence[float]) -> str:
        """8 hex digits of all that somebody may have chosen by looking at an earlier run."""
        chosen = (
            self.mode,
            self.order,
            self.optimum,
            [image.digest for image in points],
            [float(s) for s in picked],
        )
        return blake2b(repr(chosen).encode(), digest_size=4).hexdigest()

    def _layout(
        self, points: Sequence[ImageInput], own: Sequence[Certificate], before: int
    ) -> Generator[Step, None, tuple[Layout, int]]:
        """The layout, and the work done when it stands: a component counts as much as a draw."""
        stream = laying_out(
            _pixels(points),
            np.array([ABSTAIN if c.predicted is None else c.predicted for c in own]),
            np.array([c.radius for c in own]),
            mode=self.mode, order=self.order, optimum=self.optimum, time_limit=self.time_limit,
        )  # fmt: skip
        work = before
        for event in stream:
            if isinstance(event, Finished):
                return event.result, work
            work = before + event.total
            yield replace(event, done=before + event.done, total=work)
        raise RuntimeError("the stream ended without a layout")

    def _frozen(
        self,
        points: Sequence[ImageInput],
        own: Sequence[Certificate],
        layout: Layout,
        claims: Sequence[Claim],
    ) -> tuple[Allocation, Allocation | None]:
        """The allocation, and what the linear programme had where its time ran out."""
        sigmas = np.array([c.sigma for c in own])
        allocation = Allocation(
            mode=layout.mode,
            weights_id=own[0].weights_id,
            digests=tuple(image.digest for image in points),
            points=_pixels(points),
            labels=np.array([ABSTAIN if c.label is None else c.label for c in claims]),
            sigmas=sigmas[layout.owners],
            radii=np.array([c.radius for c in claims]),
            owners=layout.owners,
            fallback_sigma=self.fallback_sigma,
            notes=layout.notes,
            backings=tuple(backing_of(claim.certificate) for claim in claims),
            alpha=float(self.alpha),
            risk=self.risk(len(points)),
        )
        if layout.unfinished is None:
            return allocation, None
        labels = np.array([ABSTAIN if c.predicted is None else c.predicted for c in own])
        unfinished = replace(
            allocation, mode=self.mode, labels=labels, sigmas=sigmas, radii=layout.unfinished,
            owners=np.arange(len(own)), backings=tuple(map(backing_of, own)), hash="",
        )  # fmt: skip
        return allocation, unfinished

    def _certificate(
        self, claim: Claim, allocation: Allocation, classifier: Classifier
    ) -> Certificate:
        """The claim as a certificate; its level is what the whole statement pays."""
        source, predicted = claim.certificate, claim.label if claim.radius > 0 else None
        why = claim.why or (why_abstains(source) if source.predicted is None else "")
        caveat = f"valid for queries after this allocation was frozen (hash {allocation.hash})"
        if self.mode == "label_aware":
            caveat += f"; the risk covers all {len(allocation.digests)} statements together"
        if allocation.mode != self.mode:
            caveat += f"; {allocation.notes[0]}"
        if claim.owner:
            caveat += f"; \u03c3 is that of the region of {claim.owner}"
        sentence = statement(
            guarantee=self.badge, predicted=predicted, class_names=classifier.spec.class_names,
            own_noise=classifier.random,
            radius=claim.radius, sigma=source.sigma, alpha=self.alpha, n=self.n, n0=self.n0,
            noise=self.noise_kind, level=source.level, why=why, caveat=caveat,
        )  # fmt: skip
        return replace(
            source,
            predicted=predicted,
            radius=claim.radius if predicted is not None else 0.0,
            alpha=self.alpha,
            statement=sentence,
            draws=claim.draws,
        )


_Rows = Stream[tuple[tuple[Certificate, ...], ...]]


def _pixels(points: Sequence[ImageInput]) -> np.ndarray:
    return np.stack([image.pixels.ravel() for image in points])
