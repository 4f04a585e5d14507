"""Interleaved timing: machines drift, so contestants take turns and ratios use medians."""

import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch


def interleaved(contestants: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each contestant over `rounds` rounds in which each runs once.

    A round before the first is not counted: it warms caches and thread pools.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for name, run in contestants.items():
            started = time.perf_counter()
            run()
            if turn:
                seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}


def verdict(label: str, ratio: float, bar: float, *, at_most: bool = False) -> str:
    """One printed line: what, the ratio, the bar, whether it holds."""
    holds = ratio <= bar if at_most else ratio >= bar
    sign = "<=" if at_most else ">="
    return f"{label:<62}{ratio:8.2f}  (bar {sign} {bar:g}) {'ok' if holds else 'BELOW THE BAR'}"


def processor() -> str:
    """The processor's name, as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def has_amx() -> bool:
    """Whether the processor multiplies bf16 matrices in tiles (AMX)."""
    return bool(getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)())
