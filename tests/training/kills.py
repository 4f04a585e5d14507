"""kill -9 at random moments of a training, again and again, and what must come of it.

`python -m tests.training.kills` is the nursery: it imports torch once and forks a child for each
training, so that fifty kills cost seconds. The test is in `test_kills.py`.
"""

import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from rs_core.datasets import Dataset
from rs_core.results import ModelSpec

SPEC = ModelSpec("tiny", "conv4", (1, 8, 8), ("top", "bottom"), {"widths": [4, 4, 4, 8]})
ROOT = Path(__file__).resolve().parents[2]
DONE = "weights.txt"


def toy() -> Dataset:
    """48 grey 8x8 images of two classes, bright above or bright below."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 48)
    images = rng.integers(0, 60, (48, 8, 8, 1), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[4 * label : 4 * label + 4] += 150
    return Dataset("toy", "train", images, labels, SPEC.class_names, np.arange(48), "a test")


WAYS: dict[str, dict[str, object] | None] = {
    "none": None,
    "data_dependent": {"name": "data_dependent", "step_size": 0.02},
    "insta": {"name": "insta", "levels": 4, "first_epochs": 2},
    "pretrain_finetune": {"name": "pretrain_finetune", "n": 20, "pretrain_epochs": 1},
}  # how images get sigmas of their own


def train(folder: Path, way: str) -> None:
    """A whole training, saved at every step, resumed where there is something.

    The digest of its weights and of its images' sigmas goes into DONE.
    """
    import torch

    from rs_core.events import drain
    from rs_core.training import SmoothAdv

    torch.set_num_threads(1)
    recipe = SmoothAdv(
        sigma=0.3, epochs=3, batch_size=24, steps=1, noises=2, precision="fp32",
        weight_average=0.9, per_image=WAYS[way],
    )  # fmt: skip
    stream = recipe.run(SPEC, toy(), seed=0, checkpoint=folder, resume=True, keep_every=0.0)
    digest = hashlib.sha256()
    trained = drain(stream)
    for name, tensor in sorted(trained.module.state_dict().items()):
        digest.update(name.encode() + tensor.detach().numpy().tobytes())
    digest.update(b"" if trained.sigmas is None else trained.sigmas.tobytes())
    (folder / DONE).write_text(digest.hexdigest())


def write_in_place(path: Path, data: bytes) -> None:
    """The save that we do not have: the old file is gone before the new one is whole."""
    size = len(data) // 4 + 1
    with path.open("wb") as file:
        for start in range(0, len(data), size):
            file.write(data[start : start + size])
            file.flush()
            time.sleep(0.001)


@contextmanager
def nursery() -> Iterator["Nursery"]:
    """A process that starts trainings for as long as the context lasts."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.training.kills"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:  # fmt: skip
        yield Nursery(process)
        assert process.stdin is not None
        process.stdin.close()


class Nursery:
    """Starts trainings, kills them."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def train(
        self, folder: Path, *, kill_after: float | None, in_place: bool = False, way: str = "none"
    ) -> int:
        """The exit status of a training, negative for the signal that ended it."""
        self._write(f"{int(in_place)} {way} {folder}")
        pid = int(self._read())
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(pid, signal.SIGKILL)  # a child that is done is still there until it is told
        self._write("wait")
        return int(self._read())

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        print(line, file=self._process.stdin, flush=True)

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def campaign(
    home: "Nursery",
    folder: Path,
    kills: int,
    seed: int,
    *,
    in_place: bool = False,
    way: str = "none",
) -> None:
    """Kill a training so many times, starting anew whenever one is done; compare the weights.

    Raises:
        AssertionError: a newest checkpoint could not be read, a training did not go on, or ended
            with other weights than the undisturbed one.
    """
    from rs_core.training.checkpoints.files import load_checkpoint

    chance = random.Random(seed)
    for straight in (folder / "first", folder / "straight"):  # the first waits for imports
        begun = time.monotonic()
        assert home.train(straight, kill_after=None, in_place=in_place, way=way) == 0
    length, killed, number = time.monotonic() - begun, 0, 0
    expected = (straight / DONE).read_text()
    while killed < kills:
        number += 1
        run, ended = folder / f"run {number}", -signal.SIGKILL
        while ended != 0:
            moment = chance.uniform(0, length / 2) if killed < kills else None
            ended = home.train(run, kill_after=moment, in_place=in_place, way=way)
            assert ended in (0, -signal.SIGKILL), f"the training failed with {ended}"
            killed += ended != 0
            saved = load_checkpoint(run) if run.exists() else None
            assert saved is None or not saved.passed_over, saved.passed_over
        assert (run / DONE).read_text() == expected, f"other weights after {killed} kills"


def main() -> None:
    """The nursery's loop: a line per training, the child's number back; "wait", its status back."""
    from rs_core.training.checkpoints import files

    with tempfile.TemporaryDirectory() as folder:
        train(Path(folder), "none")  # a child then spends its time on training
    for line in sys.stdin:
        in_place, way, place = line.rstrip("\n").split(" ", 2)
        child = os.fork()
        if not child:
            status = 1
            try:
                if int(in_place):
                    files.write_durably = write_in_place
                train(Path(place), way)
                status = 0
            finally:
                os._exit(status)
        print(child, flush=True)
        sys.stdin.readline()
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
