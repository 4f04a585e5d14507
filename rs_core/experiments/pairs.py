"""A selector and what is claimed at its sigmas; pairs that make no sense are refused."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rs_core.errors import ParameterError
from rs_core.fields import describe_fields
from rs_core.guarantees import (
    Cascade,
    Dual,
    DualRS,
    GlobalLambda,
    GlobalSigma,
    GridMinimum,
    Guarantee,
    Sukenik,
)
from rs_core.results import to_json
from rs_core.selectors import (
    SELECTORS,
    Fixed,
    FromNetwork,
    Gradient,
    Knn,
    Selector,
    SigmaClassifier,
)
from rs_core.smoothing.options import CertifyOptions


@dataclass(frozen=True)
class Pair:
    """One way of choosing sigma, and the guarantee of its certificates.

    Fields:
        selector: who proposes sigma.
        guarantee: certifies there; its n0, n, alpha, bound and noise are the comparison's.

    Raises:
        ParameterError: the guarantee cannot hold for this selector.
    """

    selector: Selector
    guarantee: Guarantee

    def __post_init__(self) -> None:
        if not isinstance(self.selector, Selector) or not isinstance(self.guarantee, Guarantee):
            raise ParameterError("a method is a selector with a guarantee: give one of each.")
        _check_sense(self.selector, self.guarantee)

    @classmethod
    def of(cls, selector: Selector, guarantee: type[Guarantee]) -> "Pair":
        """The pair with a guarantee's defaults, declared for what the selector can answer."""
        return cls(selector, guarantee().declaring(selector.possible_sigmas))

    @property
    def settings(self) -> dict[str, Any]:
        """The selector's settings by field, as JSON values."""
        names = [facts.name for facts in describe_fields(type(self.selector))]
        return {name: to_json(getattr(self.selector, name)) for name in names}

    def under(self, options: CertifyOptions) -> "Pair":
        """This pair with the draws, the level and the bound that all methods share."""
        shared = replace(
            self.guarantee,
            n0=options.n0, n=options.n, alpha=options.alpha, noise=options.noise,
            bound=options.bound,
        )  # fmt: skip
        return replace(self, guarantee=shared.under(str(self.selector)))

    def __str__(self) -> str:
        return f"{self.selector.name} with {self.guarantee.name}"


def _check_sense(selector: Selector, guarantee: Guarantee) -> None:
    name = selector.name
    given = isinstance(guarantee, GlobalSigma | GlobalLambda | Cascade)
    if given and not isinstance(selector, Fixed):
        frozen = "frozen_lambda" if guarantee.norm == "l1" else "frozen"
        raise ParameterError(
            f"{guarantee.name} needs one noise level fixed beforehand, and {name} looks at the "
            f"images: take the selector fixed, or the guarantee {frozen}."
        )
    norm = selector.norm if isinstance(selector, Gradient) else "l2"
    if norm != guarantee.norm and not isinstance(selector, Fixed):
        raise ParameterError(
            f"{name} picks its noise level for {norm} radii, and {guarantee.name} certifies "
            f"{guarantee.norm} radii: let both be of one norm."
        )
    if isinstance(guarantee, GridMinimum):
        _check_declared(selector, guarantee)
    if isinstance(guarantee, Sukenik):
        _check_slope(selector, guarantee)
    if isinstance(guarantee, DualRS) and not isinstance(selector, SigmaClassifier):
        raise ParameterError(
            f"dual_rs certifies that its picker keeps to a sigma, and {name} asks no picker: take "
            "the selector sigma_classifier, or the guarantee frozen."
        )
    if isinstance(guarantee, Dual) and not isinstance(selector, FromNetwork):
        raise ParameterError(
            f"{guarantee.name} certifies the sigmas of its own network, not those of {name}: take "
            "the selector network, or the guarantee frozen."
        )


def _check_slope(selector: Selector, guarantee: Sukenik) -> None:
    # A selector of one's own may well have a slope: what it proposes is looked at then.
    known = isinstance(selector, (*SELECTORS.values(), FromNetwork, SigmaClassifier))
    if known and not isinstance(selector, Knn):
        raise ParameterError(
            f"sukenik needs a selector whose ln sigma has a bounded slope, and {selector.name} has "
            "none: take the selector knn, or the guarantee frozen."
        )
    guarantee.check_pairs((), ())


def _check_declared(selector: Selector, guarantee: GridMinimum) -> None:
    possible = selector.possible_sigmas
    if possible is None:
        raise ParameterError(
            f"grid_minimum needs a list of all sigmas that can be answered, and {selector.name} "
            "can answer any: take the guarantee frozen."
        )
    for sigma in possible:
        if not np.isclose(sigma, guarantee.sigmas, rtol=1e-9, atol=0).any():
            raise ParameterError(
                f"{selector.name} can answer sigma={sigma:g}, which is not among the "
                f"{len(guarantee.sigmas)} that grid_minimum declares: declare it too."
            )
