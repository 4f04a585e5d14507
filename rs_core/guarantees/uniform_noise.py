"""Certificates in l1, from uniform noise on a cube: Yang et al. (2020), Alfarra et al. (2022)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rs_core.guarantees.fixed_sigma import Frozen, check_fixed
from rs_core.images import ImageInput
from rs_core.results import Badge, Norm, Selection


@dataclass(frozen=True, kw_only=True)
class FrozenLambda(Frozen):
    """lambda was picked for this image and is then held fixed; the radius is in l1.

    The noise is uniform on [-lambda, lambda]^d, the radius lambda * (p_A - p_B); of one class
    against all others 2 * lambda * (p_lower - 1/2). A selection's sigma is its lambda.
    """

    name: ClassVar[str] = "frozen_lambda"

    @property
    def norm(self) -> Norm:
        """The norm of the radii."""
        return "l1"


@dataclass(frozen=True, kw_only=True)
class GlobalLambda(FrozenLambda):
    """One lambda for all images, fixed before any of them was seen; the radius is in l1."""

    name: ClassVar[str] = "global_lambda"
    badge: ClassVar[Badge] = "A"

    def check_pairs(self, images: Sequence[ImageInput], selections: Sequence[Selection]) -> None:
        """Refuse lambdas that were picked for images."""
        super().check_pairs(images, selections)
        check_fixed(self.name, selections, "frozen_lambda")
