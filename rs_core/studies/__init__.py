"""Empirical studies on many images: accuracy against noise, attack strength, and the frontier."""

from rs_core.studies.course import StudyStep
from rs_core.studies.frontier import Frontier
from rs_core.studies.noise_curve import NoiseCurve
from rs_core.studies.strength_curve import StrengthCurve

__all__ = ["Frontier", "NoiseCurve", "StrengthCurve", "StudyStep"]
