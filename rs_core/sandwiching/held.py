"""Noise levels that are settled already, for attacks that ask a selector."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from rs_core.classifiers import Classifier
from rs_core.events import Finished, Step, Stream
from rs_core.images import ImageInput
from rs_core.results import Selection
from rs_core.selectors import Selector
from rs_core.smoothing.sampling import BATCH_SIZE


@dataclass(frozen=True, kw_only=True)
class Held(Selector):
    """The sigma at which each image was certified, by its digest and label; it picks nothing."""

    name: ClassVar[str] = "held"

    sigmas: Mapping[tuple[str, int | None], float] = field(default_factory=dict)

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Selection, ...]]:
        """Yields one step, then each image's own sigma."""
        yield Step(done=len(images), total=len(images))
        levels = [self.sigmas[image.digest, image.label] for image in images]
        yield Finished(tuple(Selection(self.name, sigma, (), 0) for sigma in levels))
