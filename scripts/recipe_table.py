"""One row of a table for each certification log: ACR, its standard error, accuracy by radius.

    .venv/bin/python scripts/recipe_table.py RADIUS[,RADIUS...] LOG.tsv [LOG.tsv ...]

All logs must be about the same images. Gains over the first log are paired, image by image.
"""

import sys
from pathlib import Path

import numpy as np

from rs_core.evaluation import average_certified_radius, certified_accuracy, index_set
from rs_core.logs import LogRow, read_log


def main(radii: list[float], files: list[Path]) -> None:
    logs = [read_log(file) for file in files]
    sets = {index_set(rows) for rows in logs}
    if len(sets) > 1:
        raise SystemExit("the logs are about different images: certify the same ones")
    first = correct_radii(logs[0])
    print(f"{len(first)} images, n={logs[0][0].n}, sigma={logs[0][0].sigma}")
    print("| recipe | ACR | gain over the first | " + " | ".join(f"r={r:g}" for r in radii) + " |")
    print("|---|---|---|" + "---|" * len(radii))
    for file, rows in zip(files, logs, strict=True):
        gain = correct_radii(rows) - first
        error = gain.std(ddof=1) / len(gain) ** 0.5
        shares = " | ".join(f"{share:.3f}" for share in certified_accuracy(rows, radii))
        print(
            f"| {file.stem} | {average_certified_radius(rows):.4f} | {gain.mean():+.4f} "
            f"(+-{error:.4f}) | {shares} |"
        )


def correct_radii(rows: list[LogRow]) -> np.ndarray:
    """(N,) radius where the class is right, 0 elsewhere, in the order of the images."""
    ordered = sorted(rows, key=lambda row: row.idx)
    return np.array([row.radius if row.correct else 0.0 for row in ordered])


if __name__ == "__main__":
    main([float(part) for part in sys.argv[1].split(",")], [Path(name) for name in sys.argv[2:]])
