"""What may be claimed once a sigma was proposed: badge, statement, error budget."""

from rs_core.guarantees.base import Guarantee
from rs_core.guarantees.cascade.guarantee import Cascade
from rs_core.guarantees.cascade.predict import PredictCascade
from rs_core.guarantees.dual import Dual, PublishedDual
from rs_core.guarantees.dual_rs.guarantee import DualRS
from rs_core.guarantees.dual_rs.predict import PredictDualRS
from rs_core.guarantees.fixed_sigma import Frozen, GlobalSigma
from rs_core.guarantees.grid_minimum import GridMinimum
from rs_core.guarantees.memory.guarantee import Memory
from rs_core.guarantees.regions.guarantee import Regions
from rs_core.guarantees.sukenik import Sukenik
from rs_core.guarantees.uniform_noise import FrozenLambda, GlobalLambda

GUARANTEES: dict[str, type[Guarantee]] = {
    kind.name: kind
    for kind in (
        *(GlobalSigma, GridMinimum, Cascade, Frozen, Regions, Memory, Sukenik),
        *(GlobalLambda, FrozenLambda),
    )
}

__all__ = [
    "GUARANTEES",
    "Cascade",
    "Dual",
    "DualRS",
    "Frozen",
    "FrozenLambda",
    "GlobalLambda",
    "GlobalSigma",
    "GridMinimum",
    "Guarantee",
    "Memory",
    "PredictCascade",
    "PredictDualRS",
    "PublishedDual",
    "Regions",
    "Sukenik",
]
