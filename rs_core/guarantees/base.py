"""What every guarantee is: settings with one verb that turns selections into certificates."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Stream, relay
from rs_core.images import ImageInput
from rs_core.results import Badge, Certificate, Selection
from rs_core.smoothing.certify import certify_each
from rs_core.smoothing.options import CertifyOptions
from rs_core.smoothing.sampling import BATCH_SIZE
from rs_core.statistics import ceil_digits


@dataclass(frozen=True, kw_only=True)
class Guarantee(CertifyOptions):
    """Certifies images at the sigmas that a selector proposed, on fresh draws.

    `badge` is the strength of every certificate it makes; the statement names all that the
    claim rests on. `budget` prints the error as a sum.
    """

    name: ClassVar[str]
    badge: ClassVar[Badge]

    @abstractmethod
    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        selections: Sequence[Selection],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Certificate, ...]]:
        """Yields steps, then one certificate per image, in order."""

    @property
    def budget(self) -> str:
        """The error of one statement as a sum of what its parts pay."""
        return f"alpha = {ceil_digits(self.alpha, 6)}"

    @property
    def most_draws(self) -> int:
        """The most noisy copies that one certificate can cost."""
        return self.n0 + self.n

    def level(self, count: int) -> float:
        """The smallest level of a single bound among those that `count` different images need."""
        return self.alpha

    def declaring(self, possible: tuple[float, ...] | None) -> "Guarantee":
        """This guarantee for a selector that answers one of these sigmas; None: any number."""
        return self

    def under(self, policy: str) -> "Guarantee":
        """This guarantee for sigmas picked by the selector with these settings, as text."""
        return self

    def fresh(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        sigmas: np.ndarray,
        level: float,
        *,
        seed: int,
        part: int = 0,
        settled: str = "",
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[tuple[Certificate, ...], ...]]:
        """Certificates (B)(S) at sigmas (B, S), each at `level`, on draws that are its own.

        Args:
            settled: names what was settled before these draws; another word, other draws.

        Raises:
            ParameterError: n could never certify at this level.
        """
        self.check_n(level)
        return certify_each(
            self, classifier, images, sigmas, level,
            seed=seed, caller=f"{self.name} {settled}".strip(), guarantee=self.badge, part=part,
            batch_size=batch_size,
        )  # fmt: skip

    def at_selected(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        selections: Sequence[Selection],
        *,
        seed: int,
        batch_size: int,
    ) -> Stream[tuple[Certificate, ...]]:
        """Each image at its selected sigma, at alpha: yields steps, then the certificates."""
        self.check_pairs(images, selections)
        sigmas = np.array([[selection.sigma] for selection in selections])
        rows = yield from relay(
            self.fresh(classifier, images, sigmas, self.alpha, seed=seed, batch_size=batch_size)
        )
        yield Finished(tuple(row[0] for row in rows))

    def check_pairs(self, images: Sequence[ImageInput], selections: Sequence[Selection]) -> None:
        """Refuse another number of selections than of images, and picks under other noise.

        Raises:
            ParameterError: says both numbers, or both norms.
        """
        if len(images) != len(selections):
            raise ParameterError(
                f"{len(selections)} selections for {len(images)} images: give one for each."
            )
        for selection in selections:
            if selection.norm not in (None, self.norm):
                raise ParameterError(
                    f"{selection.selector} picked its noise level for {selection.norm} radii, and "
                    f"{self.name} certifies {self.norm} radii: let both be of one norm."
                )
