"""What a bug report about a crossing needs: both ends, how each was made, and what differs."""

import math
from typing import Any

import numpy as np

from rs_core.results import Certificate, to_json
from rs_core.results.attack import AttackResult, Confirmation
from rs_core.results.sandwich import Sandwich, SandwichStrip
from rs_core.statistics import add_risks, ceil_digits, floor_decimals, top_two_p_value

VERDICT = "inconsistent: alpha event, different classifier, or bug"


def crossing_report(strip: SandwichStrip) -> dict[str, Any]:
    """Everything about the sandwiches whose ends cross, as JSON values.

    Keys: `verdict`; `joint_alpha` of one sandwich; `expected`, the most crossings that chance
    alone explains among `images` of them; `settings` that repeat the run; `crossings`, per image
    both ends, both classifiers, votes, p-values, and in `differences` whatever the two ends do not
    have in common. No differences and few expected crossings speak for a bug.
    """
    count = len(strip.sandwiches)
    found: dict[str, Any] = to_json({
        "verdict": VERDICT,
        "joint_alpha": strip.joint_alpha,
        "images": count,
        "expected": add_risks(*[strip.joint_alpha] * count),
        "dataset": strip.dataset,
        "sigma_from": strip.sigma_from,
        "alpha": strip.alpha,
        "alpha_attack": strip.alpha_attack,
        "confirmations": strip.confirmations,
        "eps": strip.eps,
        "settings": strip.settings,
        "crossings": [
            _crossing(strip, sandwich, index)
            for sandwich, index in zip(strip.sandwiches, _indices(strip), strict=True)
            if not sandwich.consistent
        ],
    })  # fmt: skip
    return found


def crossing_sentence(sandwich: Sandwich) -> str:
    """What stands, in red, beside a sandwich whose ends cross."""
    lower, upper = floor_decimals(sandwich.lower, 6), ceil_digits(sandwich.upper or 0.0, 6)
    return (
        f"{sandwich.name}: {VERDICT}: certified radius {lower} lies above the confirmed attack at "
        f"{upper}"
    )


def differences(certificate: Certificate, attack: AttackResult) -> tuple[str, ...]:
    """What the two ends should share and do not, a sentence each."""
    found = []
    if attack.weights_id != certificate.weights_id:
        found.append(
            f"different classifier: certified {certificate.weights_id}, attacked "
            f"{attack.weights_id}"
        )
    if attack.precision and attack.precision != certificate.precision:
        found.append(
            f"different precision: certified in {certificate.precision}, attacked in "
            f"{attack.precision}"
        )
    if attack.image_digest != certificate.image_digest:
        found.append("different image")
    if certificate.predicted is not None and attack.label != certificate.predicted:
        found.append(f"certified class {certificate.predicted}, attacked class {attack.label}")
    sigmas = {c.sigma for c in attack.confirmations} | {attack.sigma}
    for sigma in sorted(s for s in sigmas if s is not None and s != certificate.sigma):
        found.append(f"different sigma: certified at {certificate.sigma!r}, attacked at {sigma!r}")
    if None in sigmas:
        found.append("the attack is on the network itself, without noise")
    for noise in sorted({c.noise for c in attack.confirmations} - {certificate.noise}):
        found.append(f"different noise: certified {certificate.noise}, confirmed {noise}")
    return tuple(found)


def _indices(strip: SandwichStrip) -> tuple[int, ...]:
    return strip.indices or tuple(range(len(strip.sandwiches)))


def _crossing(strip: SandwichStrip, sandwich: Sandwich, index: int) -> dict[str, Any]:
    certificate, attack = sandwich.certificate, sandwich.attack
    assert attack is not None, "without an attack nothing crosses"
    return {
        "name": sandwich.name,
        "index": index,
        "label": sandwich.label,
        "lower": sandwich.lower,
        "upper": sandwich.upper,
        "gap": sandwich.gap,
        "sentence": crossing_sentence(sandwich),
        "differences": differences(certificate, attack),
        "certificate": certificate,
        "attack": {
            **{
                name: getattr(attack, name)
                for name in (
                    *("attack", "target", "label", "sigma", "l2", "linf", "stored_l2"),
                    *("stored_confirmed", "passes", "weights_id", "precision", "image_digest"),
                    *("seed", "notes"),
                )
            },
            "adversarial": attack.adversarial,
            "alpha": strip.alpha_attack,
            "confirmations": [_confirmation(one) for one in attack.confirmations],
        },
    }


def _confirmation(said: Confirmation) -> dict[str, Any]:
    top = sorted(said.counts, reverse=True)
    p_value = float(top_two_p_value(top[0], top[1])) if len(top) > 1 else math.nan
    return {**to_json(said), "p_value": p_value if np.isfinite(p_value) else None}
