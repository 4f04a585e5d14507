"""What a statement leaves out, in the words of every sentence that says it."""

from rs_core.results import Norm


def frozen_caveat(sigma: float, norm: Norm) -> str:
    """What badge C adds: nothing is said of who may change the noise level."""
    scale = "\u03bb" if norm == "l1" else "\u03c3"
    return (
        f"radius with {scale} frozen at {sigma:.10g}; an attacker who can change {scale} "
        "is not covered"
    )
