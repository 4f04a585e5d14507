"""What may be claimed once a sigma was proposed: badge, statement, error budget."""

from rs_core.guarantees.fixed_sigma import Frozen, GlobalSigma
from rs_core.guarantees.grid_minimum import GridMinimum
from rs_core.guarantees.guarantee import Guarantee
from rs_core.guarantees.memory import Memory
from rs_core.guarantees.sukenik import Sukenik

GUARANTEES: dict[str, type[Guarantee]] = {
    kind.name: kind for kind in (GlobalSigma, GridMinimum, Frozen, Sukenik, Memory)
}

__all__ = ["GUARANTEES", "Frozen", "GlobalSigma", "GridMinimum", "Guarantee", "Memory", "Sukenik"]
