"""Training under noise: recipes, the one loop, checkpoints."""

from rs_core.training.history import EpochDone, ProbeDone, ProbeRadius, Trained
from rs_core.training.per_image import (
    PER_IMAGE,
    DataDependent,
    Insta,
    PerImage,
    PretrainFinetune,
    Stored,
)
from rs_core.training.probes import PROBE_NOTE, Probes
from rs_core.training.recipes import (
    PRESETS,
    RECIPES,
    Adversarial,
    Consistency,
    Gaussian,
    Macer,
    NoiseInjection,
    NoiseRecipe,
    Preset,
    Recipe,
    SmoothAdv,
    UniversalSigma,
)

__all__ = [
    "PER_IMAGE",
    "PRESETS",
    "PROBE_NOTE",
    "RECIPES",
    "Adversarial",
    "Consistency",
    "DataDependent",
    "EpochDone",
    "Gaussian",
    "Insta",
    "Macer",
    "NoiseInjection",
    "NoiseRecipe",
    "PerImage",
    "Preset",
    "PretrainFinetune",
    "ProbeDone",
    "ProbeRadius",
    "Probes",
    "Recipe",
    "SmoothAdv",
    "Stored",
    "Trained",
    "UniversalSigma",
]
