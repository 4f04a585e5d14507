"""Thirty people on other pages while a training runs.

    .venv/bin/python -m benchmarks.app.training_company

Each has the Start page open and switches teaching mode on or off every few seconds, at times of
their own. Timed is the app's answer: from the question's leaving to the arrival of the last
message, for people whose browsers draw on machines of their own.
"""

import asyncio
import re
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.app.visitors import Visitor
from benchmarks.timing import verdict
from tests.browser.conftest import serve, stop

PEOPLE, ROUNDS, EVERY = 30, 10, 3.0
TRAINING = "train_epochs=1000"
_SWITCH, _REMARK = "Teaching mode", "Clopper-Pearson bound"
_EPOCH = re.compile(r"Epoch (\d+) of 1000: ")  # said while it runs, whatever it does at the moment


async def _seen(visitor: Visitor, text: str) -> None:
    while not visitor.says(text):
        await asyncio.sleep(1)
        await visitor.ask()


def _epoch(trainer: Visitor) -> int:
    """The epoch that runs; 0 where none does."""
    found = trainer.first(_EPOCH)
    return int(found[1]) if found else 0


async def _clicks(visitor: Visitor, delay: float) -> list[float]:
    """Seconds of every answer of one person."""
    await asyncio.sleep(delay)
    spent = []
    for turn in range(ROUNDS):
        on = turn % 2 == 0
        spent.append(await visitor.switch(_SWITCH, on))
        assert visitor.says(_REMARK) == on, "the answer does not show what was asked for"
        await asyncio.sleep(max(EVERY - spent[-1], 0))
    return spent


async def answers(visitors: list[Visitor]) -> np.ndarray:
    """Seconds of all answers to all people."""
    delays = np.random.default_rng(0).uniform(0, EVERY, len(visitors))
    spent = await asyncio.gather(*map(_clicks, visitors, delays))
    return np.concatenate(spent)


async def contest(url: str) -> dict[str, np.ndarray]:
    """Without and beside a training."""
    visitors = [await Visitor.at(url) for _ in range(PEOPLE)]
    for visitor in visitors:
        await _seen(visitor, "A Certified")
    alone = await answers(visitors)
    trainer = await Visitor.at(url, "train", TRAINING)
    await trainer.press("Start the training")
    while _epoch(trainer) < 2:  # the first one pays for what comes once
        await asyncio.sleep(1)
        await trainer.ask()
    beside = await answers(visitors)
    await trainer.ask()
    assert _epoch(trainer), "the training has ended"
    return {"no training": alone, "beside a training": beside}


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        server = serve(Path(home))
        try:
            found = asyncio.run(contest(server.url))
        finally:
            stop(server)
    for when, seconds in found.items():
        label = f"{PEOPLE} people, {when}, p95 of the answer, s"
        print(verdict(label, float(np.quantile(seconds, 0.95)), 0.5, at_most=True))
        print(f"  median {np.median(seconds):.2f} s, slowest {seconds.max():.2f} s")


if __name__ == "__main__":
    main()
