"""What every selector is: settings with one verb that proposes a sigma per image."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from rs_core.classifiers import Classifier
from rs_core.events import Stream
from rs_core.fields import check_params
from rs_core.images import ImageInput
from rs_core.results import Selection
from rs_core.smoothing.sampling import BATCH_SIZE

UNKNOWN = 0.25  # stands for the training noise of a network that does not say it
UNTOLD = "from {:g}: the network does not say its training noise"


def trained_at(classifier: Classifier) -> float:
    """The middle of the noise that the network was trained with; .25 where it does not say."""
    noise = classifier.spec.train_sigma
    return UNKNOWN if noise is None else sum(noise) / 2


@dataclass(frozen=True, kw_only=True)
class Selector(ABC):
    """Proposes a sigma for each image; it certifies nothing.

    Its draws are of stage "select", so no certificate can be made of them. As text (`str`) it is
    the policy of a memory: a field that came `later`, which memories of earlier versions do not
    name, is left out where it has its default. `presets` are settings by name, other fields at
    their defaults: a paper's own, or others worth a name.
    """

    name: ClassVar[str]
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def __post_init__(self) -> None:
        check_params(self)

    def __str__(self) -> str:
        named = (
            f"{own.name}={getattr(self, own.name)!r}"
            for own in fields(self)
            if not own.metadata.get("later") or getattr(self, own.name) != own.default
        )
        return f"{type(self).__name__}({', '.join(named)})"

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
