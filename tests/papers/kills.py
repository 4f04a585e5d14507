"""kill -9 at random moments of a table; a nursery like that of `tests/training/kills.py`."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.papers.tiny import TINY
from tests.training.kills import ROOT, Nursery


def repeat(folder: Path) -> None:
    """The whole tiny table, gone on with where there is something."""
    import torch

    from rs_core.events import drain
    from rs_core.papers.runner import RepeatTable

    torch.set_num_threads(1)
    drain(RepeatTable(table=TINY).run(folder, seed=7, resume=True))


@contextmanager
def nursery() -> Iterator[Nursery]:
    """A process that starts tables for as long as the context lasts."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.papers.kills"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:  # fmt: skip
        yield Nursery(process)
        assert process.stdin is not None
        process.stdin.close()


def main() -> None:
    """The nursery's loop: a line per table, the child's number back; "wait", its status back."""
    with tempfile.TemporaryDirectory() as folder:
        repeat(Path(folder) / "out")  # a child then spends its time on the table
    for line in sys.stdin:
        _, place = line.rstrip("\n").split(" ", 1)
        child = os.fork()
        if not child:
            status = 1
            try:
                repeat(Path(place))
                status = 0
            finally:
                os._exit(status)
        print(child, flush=True)
        sys.stdin.readline()
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
