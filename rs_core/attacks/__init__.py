"""Attacks that respect the smoothing; what they find counts once it is confirmed."""

from rs_core.attacks.base import Attack
from rs_core.attacks.confirm import Confirm
from rs_core.attacks.methods.cw import Cw
from rs_core.attacks.methods.ddn import Ddn
from rs_core.attacks.methods.gaussian import Gaussian
from rs_core.attacks.methods.inner import perturb, perturb_ddn
from rs_core.attacks.methods.minimal import Minimal
from rs_core.attacks.methods.pgd import Epgd, Fgsm, Pgd
from rs_core.attacks.methods.square import Square
from rs_core.attacks.progress import AttackStep
from rs_core.attacks.selfcheck import SelfCheck
from rs_core.attacks.transfer import Transfer

ATTACKS: dict[str, type[Attack]] = {
    kind.name: kind for kind in (Fgsm, Pgd, Epgd, Ddn, Cw, Minimal, Square, Gaussian)
}

__all__ = [
    "ATTACKS",
    "Attack",
    "AttackStep",
    "Confirm",
    "Cw",
    "Ddn",
    "Epgd",
    "Fgsm",
    "Gaussian",
    "Minimal",
    "Pgd",
    "SelfCheck",
    "Square",
    "Transfer",
    "perturb",
    "perturb_ddn",
]
