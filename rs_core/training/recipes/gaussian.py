"""Training with noise of one fixed sigma."""

from dataclasses import dataclass

from rs_core.errors import ParameterError
from rs_core.fields import param
from rs_core.training.data import Distribution
from rs_core.training.recipes.recipe import NoiseRecipe


@dataclass(frozen=True)
class Gaussian(NoiseRecipe):
    """Noise of one fixed sigma on every image (Cohen et al. 2019, section 3.3).

    For l1 radii the noise is uniform on [-sigma, sigma]; sigma is then their lambda.
    """

    distribution: Distribution = param(
        "gaussian", help="of the noise: gaussian for l2 radii, uniform from -sigma to sigma for l1",
        choices=("gaussian", "uniform"), later=True,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.distribution == "uniform" and self.per_image and not self.per_image.takes_uniform:
            raise ParameterError(
                "per_image data_dependent alone knows radii of uniform noise: leave it out, or "
                "take that."
            )

    @property
    def noise_distribution(self) -> Distribution:
        """As it was set."""
        return self.distribution
