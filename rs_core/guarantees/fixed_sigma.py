"""Certificates at one sigma per image: fixed beforehand (A), or picked for it and frozen (C)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Stream
from rs_core.guarantees.base import Guarantee
from rs_core.images import ImageInput
from rs_core.results import Badge, Certificate, Selection
from rs_core.smoothing.sampling import BATCH_SIZE


@dataclass(frozen=True, kw_only=True)
class Frozen(Guarantee):
    """sigma was picked for this image and is then held fixed: Chen et al., Alfarra et al.

    True of the classifier frozen at this sigma; it says nothing of one that picks again at a
    perturbed image.
    """

    name: ClassVar[str] = "frozen"
    badge: ClassVar[Badge] = "C"

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        selections: Sequence[Selection],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Certificate, ...]]:
        """Yields the loop's steps, then the certificates."""
        return self.at_selected(classifier, images, selections, seed=seed, batch_size=batch_size)


@dataclass(frozen=True, kw_only=True)
class GlobalSigma(Frozen):
    """One sigma for all images, fixed before any of them was seen: Cohen et al. (2019)."""

    name: ClassVar[str] = "global_sigma"
    badge: ClassVar[Badge] = "A"

    def check_pairs(self, images: Sequence[ImageInput], selections: Sequence[Selection]) -> None:
        """Refuse sigmas that were picked for images.

        Raises:
            ParameterError: a selection is not of the selector `fixed`, or the sigmas differ.
        """
        super().check_pairs(images, selections)
        check_fixed(self.name, selections, "frozen or grid_minimum")


def check_fixed(name: str, selections: Sequence[Selection], instead: str) -> None:
    """Refuse noise levels that were not one number fixed beforehand.

    Raises:
        ParameterError: a selection is not of the selector `fixed`, or the levels differ; names
            the guarantee and what to take `instead`.
    """
    picked = sorted({s.selector for s in selections} - {"fixed"})
    if picked or len({s.sigma for s in selections}) > 1:
        raise ParameterError(
            f"{name} needs one noise level fixed beforehand, and {picked or 'several'} looked at "
            f"the images: take the guarantee {instead}."
        )
