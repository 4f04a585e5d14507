"""Regions frozen around picked images, with everything that a reader needs to check them."""

from collections.abc import Sequence
from dataclasses import dataclass

from rs_core import __version__
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, PhaseStep, Stream
from rs_core.experiments.points import in_words
from rs_core.guarantees import Regions
from rs_core.guarantees.regions.file import AllocationRecord, prepared, sealed
from rs_core.guarantees.regions.guarantee import RegionsStep
from rs_core.images import ImageInput
from rs_core.results import Certificate, Selection
from rs_core.results.arrangement import FrozenRegions
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

    @property
    def most_draws(self) -> int:
        """The most noisy copies that one image can cost."""
        return self.selector.most_draws + self.regions.most_draws

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
        step: RegionsStep | None = None
        for event in self.regions.run(classifier, images, selections, **options):
            if isinstance(event, Finished):
                assert step is not None  # regions show their allocation before they finish
                yield Finished(
                    self._frozen(classifier, images, selections, event.result, step, seed)
                )
                return
            step = event if isinstance(event, RegionsStep) else step
            yield PhaseStep(spent + event.done, spent + event.total, "certifying the regions")

    def _frozen(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        selections: Sequence[Selection],
        certificates: Sequence[Certificate],
        step: RegionsStep,
        seed: int,
    ) -> FrozenRegions:
        firsts = {image.digest: k for k, image in reversed([*enumerate(images)])}
        points = [firsts[digest] for digest in step.allocation.digests]
        record = AllocationRecord(
            allocation=step.allocation,
            unfinished=step.unfinished,
            network=classifier.spec.name,
            prepared=prepared(classifier),
            class_names=classifier.spec.class_names,
            names=tuple(images[k].name for k in points),
            statements=tuple(certificates[k].statement for k in points),
            degrees=tuple(step.degrees.tolist()),
            notes=step.notes,
            settings={
                "selector": str(self.selector), "guarantee": str(self.regions), "seed": str(seed)
            },
            program=f"rs-lab {__version__}",
        )  # fmt: skip
        return FrozenRegions(
            names=tuple(image.name for image in images),
            digests=tuple(image.digest for image in images),
            labels=tuple(image.label for image in images),
            selections=tuple(selections),
            certificates=tuple(certificates),
            file=sealed(record),
            budget=self.regions.budget,
            policy=str(self.selector),
            notes=(*step.allocation.notes, *step.notes),
        )
