"""The sentence that a reader may quote beside a radius with its caveats inside."""

from rs_core.abstention import UNDECIDED
from rs_core.caveats import frozen_caveat
from rs_core.results import Badge, Noise
from rs_core.smoothing.options import noise_norm
from rs_core.statistics import ceil_digits, floor_decimals

EXACT = "exact sums: noise and pixels on a grid of 1/1024 of an 8-bit level"
IDEALISED = "in exact arithmetic (float32 noise taken as exactly {shape})"
_GAUSSIAN, _UNIFORM = "Gaussian", "uniform on [-\u03bb, \u03bb] in each value"


def statement(
    *,
    guarantee: Badge,
    predicted: int | None,
    class_names: tuple[str, ...],
    radius: float,
    sigma: float,
    alpha: float,
    n: int,
    n0: int,
    noise: Noise,
    sequential: bool = False,
    caveat: str = "",
    why: str = "",
    level: float | None = None,
    own_noise: bool = False,
) -> str:
    """What is claimed, for which classifier, at which risk, in one line.

    The radius is floored to three decimals, never rounded up. `caveat` says in words what the
    guarantee rests on beyond the draws, or what it covers; `why` says why nothing is claimed
    (`why_abstains`). `level` is that of every single bound, told where it is only a part of
    alpha. `own_noise`: the network draws noise of its own, too.
    """
    norm, arithmetic = noise_norm(noise), arithmetic_of(noise)
    scale = "\u03bb" if norm == "l1" else "\u03c3"
    drawn = f"n={n:,} fresh, class chosen on {n0:,} others"
    if sequential:
        drawn = f"stopped after n={n:,} fresh draws, class chosen on {n0:,} others"
    if predicted is None:
        reason = why or UNDECIDED
        return (
            f"Abstained: nothing is certified at {scale}={sigma:.10g} \u00b7 {reason} \u00b7 "
            f"{drawn} \u00b7 {arithmetic}"
        )
    if guarantee == "C" and not caveat:
        caveat = frozen_caveat(sigma, norm)
    backing = f" \u00b7 {caveat}" if caveat else ""
    if own_noise:
        backing += " \u00b7 of the network with noise of its own, drawn anew for each copy"
    risk = ceil_digits(alpha, 3)
    if level is not None and level < alpha:
        risk += f" (each bound at level {ceil_digits(level, 3)})"
    return (
        f"Certified \u2113{norm[1:]} radius {floor_decimals(radius, 3)} (pixels in [0,1]) \u00b7 "
        f"class {class_label(predicted, class_names)} \u00b7 {scale}={sigma:.10g} \u00b7 P(this "
        f"statement is false) \u2264 {risk} \u00b7 {drawn}{backing} \u00b7 {arithmetic}"
    )


def arithmetic_of(noise: Noise) -> str:
    """What a statement about draws of this kind rests on, in words."""
    if noise in ("gaussian-grid", "uniform-grid"):
        return EXACT
    return IDEALISED.format(shape=_UNIFORM if noise == "uniform" else _GAUSSIAN)


def class_label(index: int, class_names: tuple[str, ...]) -> str:
    """The class as people read it: "3 (cat)", or "7" where the name is the number."""
    name = class_names[index]
    return name if name == str(index) else f"{index} ({name})"
