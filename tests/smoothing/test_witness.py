"""A network that changes while it is asked certifies nothing."""

import threading
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rs_core import api
from rs_core.classifiers import Classifier
from rs_core.errors import ModelFileError
from rs_core.events import Finished, drain
from rs_core.images import ImageInput
from rs_core.results import Votes
from rs_core.smoothing.ballots import draw_logits
from rs_core.smoothing.sampling import draw_votes
from rs_core.smoothing.threads import block_threads
from tests.conftest import Coin, spec_of

SHAPE = (1, 8, 8)


class Late(nn.Module):
    """A fair function of the image for so many calls of a copy, and then another one."""

    def __init__(self, calls: int, drift: float = 1e-3) -> None:
        super().__init__()
        self.calls, self.drift = calls, drift

    def forward(self, x: Tensor) -> Tensor:
        self.calls -= 1
        flat = x.flatten(1)[:, :2]
        moved: Tensor = flat + torch.tensor([0.0, self.drift * max(-self.calls, 0)])
        return moved


def late(calls: int, **options: float) -> Classifier:
    """Steady while it is tried out, and then for so many calls of each thread's copy."""
    classifier = Classifier(Late(10**6, **options), spec_of(SHAPE, 2))
    classifier.module.calls = calls
    classifier._threads = type(classifier._threads)()  # copies made from here on count down
    return classifier


def asked(classifier: Classifier, image: ImageInput, n: int, **options: object) -> Votes:
    settings = {"seed": 0, "caller": "test", "stage": "certify"} | options
    return drain(draw_votes(classifier, [image], np.array([[0.25]]), n, **settings))


CLAIMS: dict[str, Callable[[Classifier, ImageInput], object]] = {
    "certify": lambda network, image: api.certify(network, image, sigma=0.25, n=1000),
    "sweep": lambda network, image: api.sweep(network, image, sigmas=(0.1, 0.25), n=500),
    "predict": lambda network, image: api.predict(network, image, sigma=0.25, n=1000),
    "sequential": lambda network, image: api.certify_sequential(
        network, image, sigma=0.25, target_radius=0.5, n=1000
    ),
    "logits": lambda network, image: drain(
        draw_logits(network, [image], np.array([[0.25]]), 1000, seed=0, caller="test")
    ),
    "resumed": lambda network, image: asked(network, image, 1000, start=640),
}


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_network_that_drifts_late_certifies_nothing(
    claim: str, threads: int, grey: ImageInput
) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        with pytest.raises(ModelFileError, match=r"while it was asked.*nothing is certified"):
            CLAIMS[claim](late(1 if claim == "sequential" else 5), grey)  # that one ends early
        CLAIMS[claim](late(10**6), grey)
    finally:
        torch.set_num_threads(before)


def test_no_step_of_a_changed_network_says_that_all_is_drawn(grey: ImageInput) -> None:
    events = []
    stream = draw_votes(
        late(5), [grey], np.array([[0.25]]), 2000, seed=0, caller="test", stage="certify",
        batch_size=1,
    )  # fmt: skip
    with pytest.raises(ModelFileError, match="changed while it was asked"):
        events.extend(stream)
    assert events
    assert not any(isinstance(event, Finished) for event in events)
    assert events[-1].done < events[-1].total


class Meeting(Late):
    """In every draw its two copies wait for each other: no thread takes all of the blocks."""

    barrier = threading.Barrier(2)
    waiting: ClassVar[set[int]] = set()

    def forward(self, x: Tensor) -> Tensor:
        if id(self) in self.waiting:
            self.waiting.discard(id(self))
            self.barrier.wait(60)
        return super().forward(x)


def test_every_threads_copy_is_asked_again(grey: ImageInput) -> None:
    """One of two copies changes, whichever it is; the pass that is kept may be the other's."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        classifier = Classifier(Meeting(10**6), spec_of(SHAPE, 2), weights_id="meeting")
        both = threading.Barrier(2)

        def own_network(_: int) -> Late:
            both.wait(60)
            return classifier.own_copy().network

        def draw(changing: Late | None = None) -> Votes:
            # Both threads are here before they are to meet in a draw: none is in the last one.
            copies = list(block_threads(2).map(own_network, range(2)))
            Meeting.waiting |= set(map(id, copies))
            for one in copies:
                one.calls = 1 if one is changing else 10**6
            return asked(classifier, grey, 640)

        for one in 4 * list(block_threads(2).map(own_network, range(2))):
            with pytest.raises(ModelFileError, match="changed while it was asked"):
                draw(one)
        assert draw().n == 640
    finally:
        torch.set_num_threads(before)


class KeepsCount(nn.Module):
    rows = 0

    def forward(self, x: Tensor) -> Tensor:
        type(self).rows += len(x)
        return x.flatten(1)[:, :2]


@pytest.mark.parametrize(("stage", "extra"), [("certify", 16), ("predict", 16), ("label", 0)])
def test_sixteen_rows_are_asked_again_and_counted_nowhere(
    stage: str, extra: int, grey: ImageInput
) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        classifier = Classifier(KeepsCount(), spec_of(SHAPE, 2))
        KeepsCount.rows = 0
        found = asked(classifier, grey, 1000, stage=stage)
    finally:
        torch.set_num_threads(before)
    assert KeepsCount.rows == 1024 + extra
    assert found.n == found.counts.sum() == 1000


def test_a_row_that_rounds_otherwise_in_a_small_batch_is_no_change(grey: ImageInput) -> None:
    class Rounds(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1)[:, :2] * (1 + 1e-6 * (len(x) < 64))

    classifier = Classifier(Rounds(), spec_of(SHAPE, 2))
    assert asked(classifier, grey, 1000).counts.sum() == 1000


def test_a_network_that_injects_noise_is_still_studied(grey: ImageInput) -> None:
    class Noisy(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1)[:, :2] + torch.randn(2)

    classifier = Classifier(Noisy(), spec_of(SHAPE, 2), random=True)
    stream = draw_logits(classifier, [grey], np.array([[0.25]]), 8, seed=0, caller="test")
    assert drain(stream).shape == (1, 1, 8, 2)


def test_a_second_certificate_is_the_first(grey: ImageInput) -> None:
    coin = Classifier(Coin(0.9, 0.25), spec_of(SHAPE, 2))
    first = api.certify(coin, grey, sigma=0.25, n=1000, seed=0)
    assert first == api.certify(coin, grey, sigma=0.25, n=1000, seed=0)
