"""Memory of a certify call above the loaded process: independent of n, under 300 MB."""

import resource
import subprocess
import sys
from pathlib import Path

from benchmarks.timing import verdict

_SCRIPT = """
import sys
from benchmarks.memory.certify import forget_peak, peak
from rs_core.allocator import keep_freed_memory
keep_freed_memory()
from benchmarks.networks import four_conv, random_image, SHAPES, classifiers
from rs_core import api
module, spec = four_conv(SHAPES["3x32x32"])
image = random_image(spec)
classifier = list(classifiers(module, spec, sys.argv[2]).values())[-1]
forget_peak()
before = peak()
api.certify(classifier, image, sigma=0.25, n=int(sys.argv[1]))
print(peak() - before)
"""


def grown(n: int, device: str) -> float:
    """Peak MB that a fresh process gains while certifying with n draws."""
    command = [sys.executable, "-c", _SCRIPT, str(n), device]
    finished = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(finished.stdout)


def forget_peak() -> None:
    """Linux: the peak starts again at what is resident now; elsewhere loading stays in it."""
    resets = Path("/proc/self/clear_refs")
    if resets.exists():
        resets.write_text("5")


def peak() -> float:
    """Peak resident memory of this process, MB."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main(device: str = "cpu") -> None:
    small, large = grown(2_000, device), grown(100_000, device)
    print(
        verdict(
            "memory of certify n=100,000 above the loaded process, MB", large, 300, at_most=True
        )
    )
    print(verdict("memory n=100,000 minus n=2,000, MB", large - small, 30, at_most=True))


if __name__ == "__main__":
    main()
