"""What every selector is: settings with one verb that proposes a sigma per image."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rs_core.classifiers import Classifier
from rs_core.events import Stream
from rs_core.fields import check_params
from rs_core.images import ImageInput
from rs_core.results import Selection
from rs_core.smoothing.sampling import BATCH_SIZE


@dataclass(frozen=True, kw_only=True)
class Selector(ABC):
    """Proposes a sigma for each image; it certifies nothing.

    Its draws are of stage "select", so no certificate can be made of them.
    """

    name: ClassVar[str]

    def __post_init__(self) -> None:
        check_params(self)

    @property
    def possible_sigmas(self) -> tuple[float, ...] | None:
        """Every sigma that this selector can answer, ascending; None where it is not a list."""
        return None

    @property
    def most_draws(self) -> int:
        """The most noisy copies that the choice for one image can cost."""
        return 0

    def check(self, classifier: Classifier, images: Sequence[ImageInput]) -> None:
        """Refuse, before anything is drawn, images or a network that this selector cannot take."""
        return

    @abstractmethod
    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Selection, ...]]:
        """Yields steps, then one selection per image, in order."""
