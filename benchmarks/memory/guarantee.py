"""A memory of 50,000 stored 3x32x32 points: a query under 50 ms, a process under 1.5 GB."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from benchmarks.memory.certify import peak
from benchmarks.timing import verdict
from rs_core.guarantees.memory.balls import BallMemory
from rs_core.guarantees.memory.file import Ball

POINTS, SHAPE, QUERIES = 50_000, (3, 32, 32), 30
KEY = {"weights": "benchmark"}
KINDS = ("smooth", "noise", "close")


def images(kind: str, count: int, seed: int) -> Iterator[np.ndarray]:
    """8-bit images: smooth ones, plain noise, or steps away from a few hundred smooth ones.

    Noise has the loosest outlines. Close images share their outlines' neighbourhood, which
    leaves the most balls to measure.
    """
    rng = np.random.default_rng(seed)
    bases = [smooth(np.random.default_rng(b)) for b in range(200)] if kind == "close" else []
    for _ in range(count):
        if kind == "noise":
            yield np.float32(rng.integers(0, 256, SHAPE) / 255)
        elif kind == "smooth":
            yield smooth(rng)
        else:
            base = bases[rng.integers(len(bases))]
            step = 0.02 * rng.standard_normal(SHAPE)
            yield np.float32(np.clip(np.rint((base + step) * 255), 0, 255) / 255)


def smooth(rng: np.random.Generator) -> np.ndarray:
    coarse = rng.random((3, 8, 8)).repeat(4, axis=1).repeat(4, axis=2)
    return np.float32(np.rint((0.8 * coarse + 0.2 * rng.random(SHAPE)) * 255) / 255)


def fill(path: str, kind: str) -> None:
    """Points as own answers of radius 0.2, in one transaction: filling is not what is timed."""
    with closing(BallMemory(path, KEY, SHAPE)) as memory, memory._file.writing():
        for at, pixels in enumerate(images(kind, POINTS, 0), start=1):
            label = at % 10
            memory._file.append(Ball(at, str(at), label, 0.2, "own", None, label, 0.2), pixels)


def serve(path: str, kind: str) -> None:
    """Open the memory, place new points, print what it took."""
    started = time.perf_counter()
    with closing(BallMemory(path, KEY, SHAPE)) as memory:
        opened = time.perf_counter() - started
        assert len(memory.balls) == POINTS
        seconds = []
        for at, pixels in enumerate(images(kind, QUERIES, 1)):
            started = time.perf_counter()
            memory.place(pixels, f"new {at}", at % 10, 0.5)
            seconds.append(time.perf_counter() - started)
    print(opened, statistics.median(seconds), max(seconds), peak())


def main() -> None:
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "memory")
            found = []
            for action in ("fill", "serve"):
                command = [sys.executable, "-m", "benchmarks.memory.guarantee", action, path, kind]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                found = done.stdout.split()
        opened, median, slowest, memory = map(float, found)
        print(f"memory of {POINTS:,} {kind} points opened in {opened:.1f} s")
        for label, value, bar in (
            ("query, median ms", 1000 * median, 50),
            ("query, slowest ms", 1000 * slowest, 50),
            ("process, MB", memory, 1500),
        ):
            print(verdict(f"memory of {POINTS:,} {kind} points: {label}", value, bar, at_most=True))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        {"fill": fill, "serve": serve}[sys.argv[1]](*sys.argv[2:])
    else:
        main()
