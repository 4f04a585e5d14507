"""What is known of one image's true radius, in words and tables."""

from collections.abc import Sequence

from rs_core.plots.report import Table
from rs_core.plots.sandwich.bars import upper_text
from rs_core.plots.text import class_text, radius_text
from rs_core.results.attack import AttackResult, Confirmation
from rs_core.results.sandwich import Sandwich, SandwichStrip, confirmed_norm
from rs_core.statistics import ceil_digits, floor_decimals


def short_names(names: Sequence[str], dataset: str, indices: Sequence[int]) -> list[str]:
    """What bars are called: images of one data set by their index, others by their names."""
    if not dataset or len(indices) != len(names):
        return list(names)
    return [f"index {index}" for index in indices]


def ends_text(one: Sandwich, eps: float) -> str:
    """Both ends in one line: "0.412 ≤ true radius ≤ 0.8712"."""
    if one.misclassified:
        return "misclassified as it is: lower and upper end 0"
    silent = one.certificate.predicted is None
    lower = "nothing certified" if silent else f"{radius_text(one.lower)} ≤ true radius"
    if one.upper is not None:
        upper = f"confirmed attack at {upper_text(one.upper)}"
        if not one.consistent:
            return f"inconsistent: certified {_exact(one.lower)}, {upper}"
        return f"{lower}; {upper}" if silent else f"{lower} ≤ {upper_text(one.upper)}"
    if one.attack is None:
        return f"{lower}; no attack was made"
    if one.hollow is not None:
        return f"{lower}; one found, none confirmed"
    return f"{lower}; none found up to {eps:.10g}"


def _exact(radius: float) -> str:
    """Nine decimals at most, rounded down: crossing ends may differ by a hair."""
    return floor_decimals(radius, 9).rstrip("0").rstrip(".")


def joint_text(strip: SandwichStrip) -> str:
    """The level at which both ends of one sandwich hold, as a printed sum."""
    return (
        "Both ends are probabilistic. P(an end of one image's sandwich is false) ≤ α of the "
        f"certificate + α of the confirmations = {ceil_digits(strip.alpha, 6)} + "
        f"{ceil_digits(strip.alpha_attack, 6)} = {ceil_digits(strip.joint_alpha, 6)}."
    )


def pipeline_text(strip: SandwichStrip) -> str:
    """What the second row rests on; empty where no image has one."""
    if all(one.pipeline is None for one in strip.sandwiches):
        return ""
    return (
        "The pipeline that picks sigma again is another system: nothing is certified of it, and "
        "its confirmations have an alpha of their own, "
        f"{ceil_digits(strip.alpha_attack, 3)} per image. Where a selector draws, its picks, and "
        "with them these ends, are those of this seed."
    )


def verdict_text(attack: AttackResult | None, eps: float, *, misclassified: bool = False) -> str:
    """What an attack's end says, as a sentence.

    Args:
        attack: None where none was made.
        eps: the largest norm that was looked at.
        misclassified: whether the image needs no attack.
    """
    if misclassified:
        return "Upper bound 0: the image is misclassified as it is, so no change is needed."
    if attack is None:
        return "No attack was made of this image, so there is no upper end."
    nearest = confirmed_norm(attack)
    if nearest is not None:
        return (
            f"Confirmed: an image at ℓ2 distance {upper_text(nearest)} (pixels of [0,1]) is "
            "answered with another class by PREDICT on noise that the attack never saw."
        )
    if attack.success:
        return (
            f"Unconfirmed: the attack's own copies call an image at ℓ2 distance "
            f"{upper_text(attack.l2)} (pixels of [0,1]) another class, and fresh noise did not. It "
            "does not count."
        )
    return f"None found up to ℓ2 distance {eps:.10g} (pixels of [0,1]): not safe, only not found."


def attack_table(attack: AttackResult, classes: Sequence[str], caption: str) -> Table:
    """Norms, sigma and cost of an attack, a row each."""
    stored = "confirmed too" if attack.stored_confirmed else "not confirmed"
    found = [
        ("found, ℓ2", upper_text(attack.l2)),
        ("the same image, ℓ∞", upper_text(attack.linf)),
        ("stored as 8 bits, ℓ2", f"{upper_text(attack.stored_l2)}, {stored}"),
        ("class to leave", class_text(attack.label, classes)),
        ("σ", "none" if attack.sigma is None else f"{attack.sigma:.6g}"),
        ("attack", f"{attack.attack} on {attack.target}"),
        ("passes, forward and backward", f"{attack.passes:,.0f}"),
    ]
    rows = found if attack.success or attack.confirmed else found[3:]
    return Table(caption, ("attack", "value; norms and σ in pixels of [0,1]"), rows)


def confirmation_table(attack: AttackResult, classes: Sequence[str], caption: str) -> Table:
    """Every PREDICT on fresh noise, in the order in which it was asked."""
    rows = []
    for place, said in enumerate(attack.confirmations, start=1):
        last = attack.confirmed and place == len(attack.confirmations)
        which = f"{place}: the 8-bit image" if last else str(place)
        answer = "abstains" if said.predicted is None else class_text(said.predicted, classes)
        sigma = "" if said.sigma is None else f"{said.sigma:.6g}"
        rows.append((which, answer, _votes(said), sigma, ceil_digits(said.alpha, 3)))
    return Table(caption, ("PREDICT", "answer", "votes", "σ", "level"), rows)


def _votes(said: Confirmation) -> str:
    """The most votes that a class got; INVALID is no class."""
    return f"{max(said.counts[:-1]):,} of {said.n:,}"


def summary_text(strip: SandwichStrip) -> str:
    """How many images have which ends, in one sentence each."""
    every = strip.sandwiches
    certified = sum(one.lower > 0 for one in every)
    confirmed = sum(one.upper is not None and not one.misclassified for one in every)
    wrong = sum(one.misclassified for one in every)
    silent = sum(one.certificate.predicted is None for one in every)
    left = sum(one.upper is None and one.attack is None for one in every)
    open_ended = sum(one.upper is None for one in every) - left
    said = [f"{certified} of {len(every)} certified", f"{confirmed} with a confirmed attack"]
    said += [f"{open_ended} where none was confirmed up to {strip.eps:g}"] if open_ended else []
    said += [f"{left} of which no attack was made"] if left else []
    said += [f"{silent} where nothing is certified"] if silent else []
    said += [f"{wrong} misclassified as it is"] if wrong else []
    return "; ".join(said) + "."
