"""What the fake worker says of sandwiches: a case per image, named by the test."""

from dataclasses import replace
from typing import Any

import numpy as np

from rs_core.results import Certificate
from rs_core.results.attack import AttackResult, Confirmation
from rs_core.results.sandwich import Sandwich, SandwichStrip

FRESH = 1000


def form(field: Any, draws: list[dict[str, Any]], unit: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields of the task, with the engine's bounds."""
    return [
        *draws,
        field("sigma", "float", None, help="noise level", **unit),
        field(
            "attack",
            "choice",
            "minimal",
            choices=["minimal", "bisection", "square"],
            help="what attacks",
        ),
        field("eps", "float", 3.0, low=0, high=1000, low_open=True, help="largest norm"),
        field("steps", "int", 40, low=1, high=10_000, help="gradient steps"),
        field("draws", "int", 16, low=1, high=4096, help="noisy copies per step"),
        field("rounds", "int", 12, low=1, high=40, help="rounds of bisection"),
        field("restarts", "int", 1, low=1, high=10, help="searches"),
        field("judged", "int", 128, low=1, high=32_768, help="copies that judge"),
        field("confirm_n", "int", FRESH, low=1, high=1e8, help="fresh copies per PREDICT"),
        field("alpha_attack", "float", 1e-3, low=0, high=0.5, low_open=True),
        field("confirmations", "int", 8, low=2, high=100, help="most PREDICTs"),
        field("stretch", "float", 0.01, low=0, high=1, help="first step outwards"),
        field("pipeline", "bool", False),
        field("reselect", "int", 10, low=1, high=1000, help="steps between two picks"),
    ]


def strip(about: dict[str, Any], certify: Any, cases: list[str], images: Any) -> SandwichStrip:
    """A sandwich per image; those without a case of their own are "usual"."""
    config, ids = about["config"], about["image_ids"]
    kinds = [*cases, *["usual"] * (len(ids) - len(cases))]
    return SandwichStrip(
        tuple(
            _sandwich(images(one), label, config, certify, kind, (place + 1) / 10)
            for place, (one, label, kind) in enumerate(
                zip(ids, about["labels"], kinds, strict=False)
            )
        ),
        config["alpha"], config["alpha_attack"], config["confirmations"], config["eps"],
        "fixed" if config["selector"] is None else f"picked by {config['selector']['selector']}",
        about["dataset"], tuple(about["indices"]),
    )  # fmt: skip


def rows(whole: SandwichStrip) -> list[dict[str, Any]]:
    """The rows of a run under way: the first image done, the others not."""
    return [
        {
            "index": index, "name": one.name, "lower": one.lower / (1 + index),
            "lower_final": index == 0, "hollow": None if index == 0 else 1.5,
            "upper": one.upper if index == 0 else None, "done": index == 0,
        }
        for index, one in enumerate(whole.sandwiches)
    ]  # fmt: skip


def _sandwich(
    image: tuple[str, np.ndarray],
    label: int | None,
    config: dict[str, Any],
    certify: Any,
    case: str,
    gap: float,
) -> Sandwich:
    picked = config["selector"] is not None
    sigma = 0.5 if picked else config["sigma"]
    certificate: Certificate = certify(sigma, config["alpha"], "C" if picked else "A")
    if case == "abstain":
        certificate = replace(certificate, predicted=None, radius=0.0, statement="No radius.")
    name, pixels = image
    norm = certificate.radius + (-gap / 10 if case == "crossing" else gap)
    attack: AttackResult | None = _attack(pixels, norm, sigma, case)
    if case == "misclassified":
        label, attack = 4, None
    again = _attack(pixels, norm / 2, sigma, "usual") if config["pipeline"] else None
    return Sandwich(name, label, certificate, attack, again)


def _attack(pixels: np.ndarray, norm: float, sigma: float, case: str) -> AttackResult:
    success, confirmed = case != "none", case not in ("none", "unconfirmed")
    moved = pixels + np.float32(norm / np.sqrt(pixels.size))
    said = [_said(None, sigma)] * success + [_said(8, sigma), _said(8, sigma)] * confirmed
    return AttackResult(
        "minimal", "the smoothed network at a frozen sigma", 3, None, moved.astype(np.float32),
        success, norm, 0.1, norm + 0.001, 0.1, (0.1, 0.2), sigma, 1234.0, "w", "d", 0,
        confirmed, confirmed, tuple(said), () if confirmed else ("unconfirmed: 1 PREDICT",),
    )  # fmt: skip


def _said(predicted: int | None, sigma: float) -> Confirmation:
    votes = (0, 0, 0, 400, 0, 0, 0, 0, 600, 0, 0)
    return Confirmation(predicted, votes, sigma, FRESH, 1e-3 / 8)
