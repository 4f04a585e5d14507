"""What the engine returns: frozen dataclasses of plain numbers, and their one JSON form."""

from rs_core.results.core import (
    BADGE_WORDS,
    Badge,
    Certificate,
    Decision,
    ModelSpec,
    Noise,
    Norm,
    Outcome,
    Prediction,
    RadiusCurve,
    Selection,
    Stage,
    Votes,
    from_json,
    to_json,
)

__all__ = [
    "BADGE_WORDS",
    "Badge",
    "Certificate",
    "Decision",
    "ModelSpec",
    "Noise",
    "Norm",
    "Outcome",
    "Prediction",
    "RadiusCurve",
    "Selection",
    "Stage",
    "Votes",
    "from_json",
    "to_json",
]
