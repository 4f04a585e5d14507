"""A stream on the terminal: a cost estimate before it, a bar while it runs, silence in a pipe."""

import sys
import time
from typing import TypeVar

import numpy as np
from tqdm import tqdm

from rs_core.classifiers import Classifier
from rs_core.cli.choices import say
from rs_core.cli.seeds import told
from rs_core.events import Finished, Stream
from rs_core.guarantees.regions.programme import ProgrammeStep
from rs_core.images import ImageInput
from rs_core.smoothing import draw_votes

R = TypeVar("R")
_LONG_RUN = 5.0  # seconds; shorter runs need no warning
_FEW_PASSES = 2000  # measuring would cost as much as running


def follow(stream: Stream[R], *, label: str) -> R:
    """The result of a stream, which says where its seed is from; a progress bar on a terminal."""
    with tqdm(desc=label, unit="copies", disable=not sys.stderr.isatty(), leave=False) as bar:
        for event in stream:
            if isinstance(event, Finished):
                return told(event.result)
            bar.total = event.total
            if isinstance(event, ProgrammeStep):
                spent = f"{event.seconds:.0f} of {event.time_limit:g} s"
                bar.set_postfix_str(f"programme {event.solved}/{event.components}, {spent}")
            bar.update(event.done - bar.n)
    raise RuntimeError("the stream ended without a result")


def announce_cost(classifier: Classifier, image: ImageInput, passes: int, *, rows: int) -> None:
    """Say on a terminal what `passes` forward passes will take, if that is long.

    Measured on this machine just before the run, on noise that no result uses; `rows` is the
    number of sigmas that share a noise block.
    """
    if not sys.stderr.isatty() or passes < _FEW_PASSES:
        return
    sigmas = np.full((1, rows), 0.25)
    started, seconds = time.perf_counter(), 0.0
    done = 0
    for event in draw_votes(
        classifier, [image], sigmas, 10**6, seed=0, caller="cost", stage="predict", batch_size=1
    ):
        if isinstance(event, Finished):
            break
        if done == 0:  # the first step also warms up
            started, done = time.perf_counter(), event.done
            continue
        seconds = time.perf_counter() - started
        if seconds > 0.2:
            estimate = seconds * passes / (event.done - done)
            if estimate > _LONG_RUN:
                say(f"{passes:,} forward passes, about {estimate:,.0f} s on {classifier.device}")
            break
