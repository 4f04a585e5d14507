"""Images whose certified radius is followed from epoch to epoch."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch import nn

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import drain
from rs_core.fields import check_params, param
from rs_core.images import ImageInput
from rs_core.results import Certificate, ModelSpec
from rs_core.smoothing.certify import certify_each
from rs_core.smoothing.options import CertifyOptions
from rs_core.statistics import l2_radius, upper_confidence_bound
from rs_core.training.history import ProbeRadius
from rs_core.training.settings import TrainingSettings

MOST_PROBES = 8
PROBE_NOTE = (
    "the network changes every epoch, so each certificate concerns the network of its own epoch"
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Probes:
    """Up to eight images, certified by CERTIFY (Cohen et al. 2019) after every epoch.

    A class is chosen on n0 copies, then Clopper-Pearson bounds of n fresh ones give the certified
    radius, and the most that further copies could certify of any class. `alpha` is shared out
    evenly over all images, epochs and ends: with probability 1 - alpha every band holds.
    """

    images: tuple[ImageInput, ...]
    n0: int = param(50, help="noisy copies that choose the class", low=1, high=1e6)
    n: int = param(500, help="fresh noisy copies that certify it", low=1, high=1e7)
    alpha: float = param(
        0.05, help="probability that any band of the training is wrong", low=0, high=0.5,
        low_open=True,
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_params(self)
        if not 1 <= len(self.images) <= MOST_PROBES:
            raise ParameterError(
                f"{len(self.images)} probe images: give 1 to {MOST_PROBES}, or none at all."
            )

    def level(self, epochs: int) -> float:
        """The error of one image's band in one of so many epochs."""
        return self.alpha / (len(self.images) * epochs)

    def check_fit(self, spec: ModelSpec, recipe: TrainingSettings) -> None:
        """Refuse images of another size, noise of 0 or of l1, and an n that could never certify.

        Raises:
            ParameterError: says which.
        """
        if recipe.noise_distribution != "gaussian":
            raise ParameterError(
                "probe images are certified under Gaussian noise, and this training's is "
                f"{recipe.noise_distribution}: give no probe images."
            )
        if recipe.sigma <= 0:
            raise ParameterError(
                "probe images are certified under the training's noise, and sigma is 0: give "
                "sigma above 0, or no probe images."
            )
        if spec.options.get("shared_draws"):
            raise ParameterError(
                "probe images are certified, and a network with shared_draws has no certificate: "
                "set shared_draws to false, or give no probe images."
            )
        for image in self.images:
            if image.pixels.shape != tuple(spec.input_shape):
                raise ParameterError(
                    f"the probe image {image.name} is {image.pixels.shape}, the network takes "
                    f"{tuple(spec.input_shape)}: load it for this network."
                )
        self._options.check_n(self.level(recipe.epochs) / 2)

    def certified(
        self, network: nn.Module, spec: ModelSpec, device: str, *, sigma: float, epochs: int,
        seed: int,
    ) -> Iterator[ProbeRadius]:  # fmt: skip
        """Each image's certificate and band, under this network and no other."""
        classifier = Classifier(network, spec, device=device, precision="auto")
        level = self.level(epochs)
        for image in self.images:
            stream = certify_each(
                self._options, classifier, [image], np.array([[sigma]]), level / 2,
                seed=seed, caller="probe", guarantee="A",
            )  # fmt: skip
            yield band(drain(stream)[0][0], image, level)

    @property
    def _options(self) -> CertifyOptions:
        return CertifyOptions(n0=self.n0, n=self.n, alpha=self.alpha)


def band(certificate: Certificate, image: ImageInput, level: float) -> ProbeRadius:
    """Both ends, each at level/2: what is certified, and the most of any class.

    The n0 copies may have named a class that is not the likeliest, and further copies name another.
    So the upper end is the largest of all classes' bounds: docs/minimum.md.
    """
    n_most = max(certificate.counts[:-1])
    p_upper = float(upper_confidence_bound(n_most, certificate.n, level / 2))
    most = l2_radius(certificate.sigma, p_upper) if p_upper < 1 else None
    return ProbeRadius(
        name=image.name,
        label=image.label,
        predicted=certificate.predicted,
        radius=certificate.radius,
        radius_most=most,
        sigma=certificate.sigma,
        n=certificate.n,
        alpha=level,
        guarantee=certificate.guarantee,
        statement=f"{certificate.statement} \u00b7 {PROBE_NOTE}",
    )
