"""An attack tried on images: launched, confirmed on fresh noise, its vote shift looked at."""

from rs_core.trials.course import TrialStep
from rs_core.trials.trying import TryAttack, confirmation_for

__all__ = ["TrialStep", "TryAttack", "confirmation_for"]
