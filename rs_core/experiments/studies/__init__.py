"""Empirical studies on many images: accuracy against noise, attack strength, and the frontier."""

from rs_core.experiments.studies.frontier import Frontier
from rs_core.experiments.studies.noise import NoiseCurve
from rs_core.experiments.studies.progress import StudyStep
from rs_core.experiments.studies.strength import StrengthCurve

__all__ = ["Frontier", "NoiseCurve", "StrengthCurve", "StudyStep"]
