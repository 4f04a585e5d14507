"""Training under noise: recipes, the one loop, checkpoints."""

from rs_core.training.history import EpochDone, ProbeDone, ProbeRadius, Trained
from rs_core.training.probes import PROBE_NOTE, Probes
from rs_core.training.recipes import (
    PRESETS,
    RECIPES,
    Adversarial,
    Consistency,
    Gaussian,
    Macer,
    NoiseRecipe,
    Preset,
    Recipe,
    SmoothAdv,
    UniversalSigma,
)

__all__ = [
    "PRESETS",
    "PROBE_NOTE",
    "RECIPES",
    "Adversarial",
    "Consistency",
    "EpochDone",
    "Gaussian",
    "Macer",
    "NoiseRecipe",
    "Preset",
    "ProbeDone",
    "ProbeRadius",
    "Probes",
    "Recipe",
    "SmoothAdv",
    "Trained",
    "UniversalSigma",
]
