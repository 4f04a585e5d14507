"""Regions frozen around picked images, with everything that a reader needs to check them."""

from collections.abc import Sequence
from dataclasses import dataclass

from rs_core.classifiers import Classifier
from rs_core.comparing.mapping import in_words
from rs_core.errors import ParameterError
from rs_core.evaluation.arrangement import FrozenRegions
from rs_core.events import Finished, PhaseStep, Stream
from rs_core.guarantees import Regions
from rs_core.guarantees.allocation import Allocation
from rs_core.guarantees.regions import RegionsStep
from rs_core.images import ImageInput
from rs_core.results import to_json
from rs_core.selectors import Selector
from rs_core.smoothing.sampling import BATCH_SIZE


@dataclass(frozen=True, kw_only=True)
class FreezeRegions:
    """Sigma picked for each image, and the regions around them certified and frozen (badge B).

    Fields:
        selector: who picks sigma.
        regions: the guarantee.
    """

    selector: Selector
    regions: Regions

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[FrozenRegions]:
        """Yields the steps of both parts, then the frozen regions.

        Raises:
            ParameterError: no images.
        """
        if not images:
            raise ParameterError("there are no images: give one at least.")
        options = {"seed": seed, "batch_size": batch_size}
        picking = self.selector.run(classifier, images, **options)
        later = len(images) * (self.regions.n0 + self.regions.n)
        selections, spent = yield from in_words(picking, "picking sigma", later=later)
        allocation: Allocation | None = None
        notes: tuple[str, ...] = ()
        for event in self.regions.run(classifier, images, selections, **options):
            if isinstance(event, RegionsStep):
                allocation, notes = event.allocation, event.notes
            if not isinstance(event, Finished):
                done, total = spent + event.done, spent + event.total
                yield PhaseStep(done, total, "certifying the regions")
                continue
            assert allocation is not None  # regions show it before they finish
            yield Finished(
                FrozenRegions(
                    names=tuple(image.name for image in images),
                    digests=tuple(image.digest for image in images),
                    labels=tuple(image.label for image in images),
                    selections=selections,
                    certificates=event.result,
                    allocation=to_json(allocation),
                    budget=self.regions.budget,
                    policy=str(self.selector),
                    notes=(*allocation.notes, *notes),
                )
            )
