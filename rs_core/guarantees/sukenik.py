"""The stateless certificate for a sigma(x) with bounded log-slope: Sukenik et al. (2022)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from rs_core.abstention import why_abstains
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Stream, relay
from rs_core.guarantees.base import Guarantee
from rs_core.images import ImageInput
from rs_core.results import Badge, Certificate, Selection
from rs_core.smoothing.options import Bound
from rs_core.smoothing.sampling import BATCH_SIZE
from rs_core.smoothing.statements import statement
from rs_core.statistics import moving_sigma_radius

_BOUND: Bound = "clopper-pearson"


@dataclass(frozen=True, kw_only=True)
class Sukenik(Guarantee):
    """The class stays although an attacker moves sigma(x) along with x.

    Needs a selector whose ln sigma is Lipschitz (`knn`) and a network that does not see sigma.
    The radius is the first distance at which, at either end of the reachable sigmas, another
    class could reach one half.
    """

    name: ClassVar[str] = "sukenik"
    badge: ClassVar[Badge] = "A"

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        selections: Sequence[Selection],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Certificate, ...]]:
        """Yields the loop's steps, then the certificates.

        Raises:
            ParameterError: a selection has no Lipschitz constant, the bound is two-sided, or the
                network is told sigma.
        """
        if classifier.takes_sigma:  # another sigma is then another network, not other noise alone
            raise ParameterError(
                f"{classifier.spec.name} is told its noise level, and sukenik's proof needs a "
                "network that does not see sigma: take another network, or the guarantee "
                "grid_minimum."
            )
        frozen = yield from relay(
            self.at_selected(classifier, images, selections, seed=seed, batch_size=batch_size)
        )
        yield Finished(
            tuple(
                self._moved(certificate, selection, classifier)
                for certificate, selection in zip(frozen, selections, strict=True)
            )
        )

    def check_pairs(self, images: Sequence[ImageInput], selections: Sequence[Selection]) -> None:
        """Refuse selections without a Lipschitz constant."""
        super().check_pairs(images, selections)
        if self.bound != _BOUND:
            raise ParameterError(f"sukenik takes the bound {_BOUND}, not {self.bound}.")
        for selection in selections:
            if selection.rate is None:
                raise ParameterError(
                    f"the selector {selection.selector} has no bounded log-slope: sukenik needs "
                    "one, such as knn; or take the guarantee frozen."
                )

    def _moved(
        self, frozen: Certificate, selection: Selection, classifier: Classifier
    ) -> Certificate:
        assert selection.rate is not None
        radius = 0.0
        if frozen.predicted is not None:
            values = int(np.prod(classifier.spec.input_shape))
            radius = moving_sigma_radius(frozen.sigma, frozen.p_lower, selection.rate, values)
        predicted = frozen.predicted if radius > 0 else None
        sentence = statement(
            guarantee=self.badge, predicted=predicted, class_names=classifier.spec.class_names,
            own_noise=classifier.random,
            radius=radius, sigma=frozen.sigma, alpha=self.alpha, n=self.n, n0=self.n0,
            noise=self.noise_kind, level=frozen.level,
            why=why_abstains(frozen),
            caveat=f"\u03c3(x) may move with x: ln \u03c3 has slope at most {selection.rate:g} per "
            "pixel unit",
        )  # fmt: skip
        return replace(frozen, predicted=predicted, radius=radius, statement=sentence)
