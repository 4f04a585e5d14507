"""Several images looked at together."""

from rs_core.comparing.compare import MAX_METHODS, Compare
from rs_core.comparing.course import CompareStep
from rs_core.comparing.pairs import Pair

__all__ = ["MAX_METHODS", "Compare", "CompareStep", "Pair"]
