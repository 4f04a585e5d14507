"""The shipped weights by what their json files say: accuracies, then each training's own log.

.venv/bin/python scripts/weights_table.py
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

WEIGHTS = Path(__file__).resolve().parents[1] / "assets" / "weights"


def row(name: str, provenance: Mapping[str, Any]) -> str:
    """One line of the table."""
    settings, measured = provenance["settings"], provenance["measured"]
    low, high = settings.get("sigma_low"), settings["sigma"]
    universal = provenance["recipe"] == "UniversalSigma"
    if universal:
        low = low or 0
    noise = f"sigma {high:g}" if low is None else f"sigma from U({low:g}, {high:g})"
    recipe = "universal_sigma" if universal else provenance["recipe"].lower()
    noisy = ", ".join(
        f"{key.removeprefix('sigma ')}: {share:.4f}"
        for key, share in measured.items()
        if key != "clean"
    )
    return f"| {name} | {recipe}, {noise} | {measured['clean']:.4f} | {noisy} |"


def log(name: str, provenance: Mapping[str, Any]) -> str:
    """One line of the training logs."""
    epochs = "; ".join(
        f"{row['epoch']}: {row['loss']:.3f}, {row['noisy_accuracy']:.3f}"
        for row in provenance["history"]
    )
    return f"| {name} | {epochs} |"


def main() -> None:
    files = sorted(WEIGHTS.glob("*.json"))
    known = {f.stem: json.loads(f.read_text(encoding="utf-8"))["provenance"] for f in files}
    print("| model | trained with | clean | sigma: accuracy |")
    print("|---|---|---|---|")
    print(*(row(*each) for each in known.items()), sep="\n", end="\n\n")
    print("| model | epoch: mean training loss, accuracy of single noisy copies |")
    print("|---|---|")
    print(*(log(*each) for each in known.items()), sep="\n")


if __name__ == "__main__":
    main()
