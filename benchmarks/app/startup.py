"""`rs --help` loads nothing: under half a second."""

import subprocess
import sys

from benchmarks.timing import interleaved, verdict


def main() -> None:
    command = [sys.executable, "-m", "rs_core", "--help"]
    seconds = interleaved(
        {"help": lambda: subprocess.run(command, check=True, capture_output=True)}, 5
    )
    print(verdict("rs --help, seconds", seconds["help"], 0.5, at_most=True))


if __name__ == "__main__":
    main()
