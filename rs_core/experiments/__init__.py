"""Several parts looked at together: selectors side by side, points of a rule, an attack tried."""

from rs_core.experiments.arrangement import arrange
from rs_core.experiments.attack_progress import TrialStep
from rs_core.experiments.attack_trial import TryAttack, confirmation_for
from rs_core.experiments.compare import MAX_METHODS, Compare, notes_of_selector
from rs_core.experiments.pairs import Pair
from rs_core.experiments.points import MapPoints
from rs_core.experiments.progress import CompareStep
from rs_core.experiments.regions import FreezeRegions

__all__ = [
    "MAX_METHODS",
    "Compare",
    "CompareStep",
    "FreezeRegions",
    "MapPoints",
    "Pair",
    "TrialStep",
    "TryAttack",
    "arrange",
    "confirmation_for",
    "notes_of_selector",
]
