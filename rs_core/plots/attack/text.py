"""What may be said of an attack's result, in words."""

from collections.abc import Sequence
from typing import NamedTuple

from rs_core.plots.text import class_text
from rs_core.results.attack import UNMOVED, AttackResult, Confirmation, unreached
from rs_core.results.attack_trial import AttackTrial, is_already
from rs_core.statistics import ceil_digits

NORMS = {"l2": "ℓ2", "linf": "ℓ∞"}
NO_PROOF = "No attack found is not safety: a stronger attack may find one."
_ROUNDING = 1e-6


class Verdict(NamedTuple):
    """A headline and the sentence that may be quoted; what it says is empirical (badge D)."""

    headline: str
    sentence: str


def verdict(trial: AttackTrial, index: int, class_names: Sequence[str] = ()) -> Verdict:
    """What the attack achieved on one image; norms are upper bounds and rounded up."""
    result = trial.results[index]
    if is_already(result):
        return _already(trial, result, class_names)
    if result.confirmed:
        return _broken(trial, index, class_names)
    if result.success:
        asked = len(result.confirmations)
        did = unreached(result, lambda index: class_text(index, class_names))
        if not trial.smoothed:
            return Verdict(
                "Unconfirmed: it does not count",
                "The attack saw its image lead to another class; asked again, among other images, "
                f"the network itself {did}: it lies on the border. {NO_PROOF}",
            )
        return Verdict(
            "Unconfirmed: it does not count",
            f"The attack's own copies call its image adversarial, but {asked} "
            f"{'PREDICT' if asked == 1 else 'PREDICTs'} on fresh noise {did} at level "
            f"{ceil_digits(trial.level, 3)} each. {NO_PROOF}",
        )
    return Verdict(
        "Not broken within the budget",
        f"{trial.attack} found no image {within(trial)} that {_judge(trial)} gives "
        f"{_wanted(result, class_names)}. {NO_PROOF}",
    )


def norm_text(value: float) -> str:
    """A norm for display, rounded up to four digits, because it is an upper bound.

    A millionth of it is let go: what float32 adds to a budget (0.30000001 for 0.3).
    """
    near = float(f"{value:.4g}")
    return f"{near:g}" if value - near <= _ROUNDING * near else ceil_digits(value, 4)


def stored_text(result: AttackResult) -> str:
    """What is known of the image as an 8-bit file holds it."""
    norms = f"ℓ2 {norm_text(result.stored_l2)}, ℓ∞ {norm_text(result.stored_linf)}"
    if result.stored_confirmed:
        return f"Stored as an 8-bit image: {norms}, confirmed by itself."
    if result.confirmed:
        return f"Stored as an 8-bit image: {norms}, not confirmed: {_stored_vote(result)}."
    return f"Stored as an 8-bit image: {norms}."


def _stored_vote(result: AttackResult) -> str:
    """What the one PREDICT of the stored image said, which is the last one that was asked."""
    if not result.confirmations:
        return "nobody asked"
    last = result.confirmations[-1]
    said = "abstained" if last.predicted is None else "did not return the class that was wanted"
    return f"its one PREDICT on {last.n:,} fresh {'copy' if last.n == 1 else 'copies'} {said}"


def budget_text(trial: AttackTrial) -> str:
    """The error of all that is confirmed about one image, as a product."""
    if not trial.smoothed:
        return "The network itself has no noise: what it says leaves nothing to chance."
    return (
        f"A confirmation is false with probability at most {trial.confirmations} PREDICTs x "
        f"{ceil_digits(trial.level, 6)} = alpha = {ceil_digits(trial.alpha, 6)} per image, at "
        f"{trial.n:,} fresh copies each. The votes before and after are two PREDICTs more: all "
        f"that is said of an image is false with probability at most {ceil_digits(trial.risk, 3)}."
    )


def remarks(trial: AttackTrial, index: int) -> tuple[str, ...]:
    """What should be known beside the verdict: warnings, and that the clean vote abstains."""
    result = trial.results[index]
    said = [note for note in result.notes if note not in UNMOVED]
    if trial.before[index].predicted(trial.level) is None:
        said.append(
            f"the vote on the image as it is abstains: its {sum(trial.before[index].counts):,} "
            "copies do not tell which class is the likeliest"
            if trial.smoothed
            else "the network answers NaN or infinities for the image as it is"
        )
    clean = trial.before[index].predicted(trial.level)
    wrong = trial.labels[index] is not None and clean not in (None, trial.labels[index])
    if wrong and not is_already(result):
        said.append("the vote on the image as it is names another class already: upper bound 0")
    if trial.check is not None:
        said += [f"self-check: {warning}" for warning in trial.check.warnings]
        if not trial.check.warnings:
            said.append("self-check: no flag was raised, which is no proof that the attack is good")
    return tuple(said)


def target_text(trial: AttackTrial) -> str:
    """What was attacked."""
    if trial.selector is not None:
        return f"the pipeline, sigma picked by {trial.selector.replace('_', ' ')}"
    sigma = trial.settings.get("sigma")
    return "the network itself" if sigma is None else f"the smoothed network at sigma {sigma:g}"


def within(trial: AttackTrial) -> str:
    """How far the attack looked."""
    eps = trial.settings.get("eps")
    if eps is None:
        return "in the steps that it was given"
    return f"within {NORMS[trial.norm]} {float(eps):.10g}"


def _already(trial: AttackTrial, result: AttackResult, names: Sequence[str]) -> Verdict:
    label = class_text(result.label, names)
    if not result.confirmed:
        return Verdict(
            "Nothing was searched, and nothing is confirmed",
            f"16 copies of the attack already answered another class than {label} for the image "
            "as it is, so nothing was searched. Fresh noise did not confirm it, so it does not "
            f"count. {NO_PROOF}",
        )
    fresh = " Fresh noise confirms it." if trial.smoothed else ""
    return Verdict(
        "Misclassified as it is: upper bound 0",
        f"Without any change {_judge(trial)} does not say {label}, so no attack is needed.{fresh}",
    )


def _unnamed(trial: AttackTrial, index: int) -> bool:
    """Whether the class to leave is an opinion of few copies that the clean vote does not share."""
    said = trial.before[index].predicted(trial.level)
    return trial.labels[index] is None and said != trial.results[index].label


def _broken(trial: AttackTrial, index: int, names: Sequence[str]) -> Verdict:
    result, norm = trial.results[index], trial.norm
    size = norm_text(result.l2 if norm == "l2" else result.linf)
    said = _confirming(result)
    found = class_text(int(said.predicted or 0), names)
    level = f" at level {ceil_digits(said.alpha, 3)}" if trial.smoothed else ""
    asked = f"PREDICT on {said.n:,} fresh noisy copies" if trial.smoothed else "The network itself"
    where = f" at the σ {said.sigma:.4g} that the selector picks there" if trial.selector else ""
    bound = "Upper bounds on the true radius, each in its norm: a smaller change may do it too."
    if trial.selector is not None:
        bound = (
            "Upper bounds for the pipeline as it picks under this seed, of which no certificate of "
            "a single σ speaks: a smaller change may do it too."
        )
    if _unnamed(trial, index):
        bound = (
            "No upper bound on the true radius: the true class is not known, and the vote on the "
            "image as it is does not say that it is the class that was left."
        )
    return Verdict(
        f"Broken at {NORMS[norm]} {size}",
        f"{asked}{where} returns {found} instead of {class_text(result.label, names)}{level}, for "
        f"an image at ℓ2 {norm_text(result.l2)} and ℓ∞ {norm_text(result.linf)}, in pixels of "
        f"[0,1]. {bound}",
    )


def _confirming(result: AttackResult) -> Confirmation:
    """The PREDICT that confirmed the image itself; the last of all is of its 8-bit copy."""
    wanted = {result.goal} if result.goal is not None else None
    flips = [
        one
        for one in result.confirmations[:-1]
        if one.predicted is not None
        and (one.predicted in wanted if wanted else one.predicted != result.label)
    ]
    return flips[-1]


def _judge(trial: AttackTrial) -> str:
    if trial.selector is not None:
        return "the pipeline"
    if not trial.smoothed:
        return "the network"
    return f"the smoothed network at σ {float(trial.settings['sigma']):.10g}"


def _wanted(result: AttackResult, names: Sequence[str]) -> str:
    if result.goal is not None:
        return f"the class {class_text(result.goal, names).removeprefix('class ')}"
    return "another class"
