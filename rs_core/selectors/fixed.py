"""One sigma for every image, fixed beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rs_core.classifiers import Classifier
from rs_core.events import Finished, Step, Stream
from rs_core.fields import param
from rs_core.images import ImageInput
from rs_core.results import Selection
from rs_core.selectors.base import Selector
from rs_core.smoothing.options import SIGMA_MAX
from rs_core.smoothing.sampling import BATCH_SIZE


@dataclass(frozen=True, kw_only=True)
class Fixed(Selector):
    """The same sigma for all: Cohen et al. (2019). Costs no draws."""

    name: ClassVar[str] = "fixed"

    sigma: float = param(
        0.25, help="noise level", unit="pixels of [0,1]", low=0, high=SIGMA_MAX, low_open=True
    )

    @property
    def possible_sigmas(self) -> tuple[float, ...]:
        """The one sigma."""
        return (self.sigma,)

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Selection, ...]]:
        """Yields one step, then the same selection for every image."""
        yield Step(done=len(images), total=len(images))
        yield Finished((Selection(self.name, self.sigma, (), 0, norm=None),) * len(images))
