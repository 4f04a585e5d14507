"""A table of docs/attacks.md from what `rs study noise` or `rs study frontier` wrote with --tsv.

    .venv/bin/python scripts/study_table.py FILE.tsv [VOTE:M[,VOTE:M...]]

A noise study shows the votes that are named, one column each; a frontier its two attacks.
"""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

Row = dict[str, str]
VOTES = "hard:1,hard:4,hard:16,hard:64,soft:4,soft:64,logits:64,rank:64,top2:64"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The table's lines."""
    lines = [header, ["---"] * len(header), *rows]
    texts = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([texts[0], texts[1].replace(" ", ""), *texts[2:]])


def noise(rows: Sequence[Row], votes: Sequence[str]) -> str:
    """Accuracy by attack and sigma, a column for each vote."""
    of = {(row["attack"], float(row["sigma"]), row["vote"], row["samples"]): row for row in rows}
    keys = dict.fromkeys((attack, sigma) for attack, sigma, _, _ in of)
    wanted = [vote.split(":") for vote in votes]
    return markdown(
        ["attack", "sigma", *(f"{vote} M={samples}" for vote, samples in wanted)],
        [
            [
                attack,
                f"{sigma:g}",
                *(_share(of[attack, sigma, *vote], "accuracy") for vote in wanted),
            ]
            for attack, sigma in keys
        ],
    )


def frontier(rows: Sequence[Row]) -> str:
    """Clean and attacked accuracy by method and budget; who abstains counts as wrong."""
    of = {(row["method"], row["settings"], row["gamma"], row["strength"]): row for row in rows}
    keys = dict.fromkeys(key[:3] for key in of)
    cells = []
    for key in keys:
        weaker, stronger = of[*key, "weaker"], of[*key, "stronger"]
        images = float(weaker["images"])
        abstained = (
            float(weaker["clean_abstained"]),
            float(weaker["robust_abstained"]),
            float(stronger["robust_abstained"]),
        )
        cells.append([
            key[0], f"{float(weaker['sigma']):.2f}", f"{float(key[2]):g}",
            _share(weaker, "clean_accuracy", "clean_standard_error"),
            _share(weaker, "accuracy", "standard_error"),
            _share(stronger, "accuracy", "standard_error"),
            ", ".join(f"{share * images:.0f}" for share in abstained),
        ])  # fmt: skip
    header = ["method", "mean sigma", "gamma", "clean", "weaker attack", "stronger attack"]
    return markdown([*header, "abstains: clean, weaker, stronger"], cells)


def _share(row: Row, column: str, error: str = "") -> str:
    return f"{float(row[column]):.3f}" + (f" ({float(row[error]):.3f})" if error else "")


def main(file: Path, votes: str = VOTES) -> None:
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    print(frontier(rows) if "gamma" in rows[0] else noise(rows, votes.split(",")))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), *sys.argv[2:])
