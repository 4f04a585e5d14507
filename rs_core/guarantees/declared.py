"""Guarantees that certify all of a list of sigmas, declared before any image was seen."""

from dataclasses import dataclass
from typing import Any

from rs_core.fields import param
from rs_core.guarantees.base import Guarantee
from rs_core.smoothing.options import SIGMA_MAX


def declared(default: tuple[float, ...], help: str) -> Any:
    """The field of the sigmas."""
    return param(default, help=help, unit="pixels of [0,1]", low=0, high=SIGMA_MAX, low_open=True)


@dataclass(frozen=True, kw_only=True)
class DeclaredSigmas(Guarantee):
    """Draws at every one of `sigmas`, which end up ascending, each once."""

    sigmas: tuple[float, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "sigmas", tuple(sorted({float(s) for s in self.sigmas})))

    @property
    def most_draws(self) -> int:
        """Every declared sigma."""
        return len(self.sigmas) * super().most_draws
