"""Networks run and are prepared in several threads at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import pytest
import torch
from torch import nn

from rs_core.classifiers import Classifier
from rs_core.classifiers.tracing import running, tracing
from rs_core.results import ModelSpec

SPEC = ModelSpec(
    name="n", architecture="any", input_shape=(1, 6, 6), class_names=("a", "b"), mean=(0.5,),
    std=(0.2,),
)  # fmt: skip


def network() -> nn.Module:
    layers = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(32, 2)
    return nn.Sequential(*layers).eval()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def test_a_network_answers_while_others_are_prepared(pool: ThreadPoolExecutor) -> None:
    classifier, pixels, over = Classifier(network(), SPEC), torch.rand(4, 1, 6, 6), Event()
    expected = classifier(pixels)

    def answer() -> int:
        calls = 0
        while not over.is_set():
            assert torch.equal(classifier(pixels), expected)
            calls += 1
        return calls

    answering = [pool.submit(answer) for _ in range(2)]
    try:
        made = [Classifier(network(), SPEC) for _ in range(20)]
    finally:
        over.set()
    assert all(future.result(30) > 0 for future in answering)
    for other in made:
        assert not any(isinstance(part, nn.BatchNorm2d) for part in other.module.modules())


def test_two_networks_are_prepared_one_after_the_other(pool: ThreadPoolExecutor) -> None:
    networks = [network() for _ in range(8)]  # beforehand: they draw their weights
    made = list(pool.map(lambda one: Classifier(one, SPEC), networks))
    for classifier in made:
        assert not any(isinstance(part, nn.BatchNorm2d) for part in classifier.module.modules())


def test_a_tracer_waits_for_who_runs_and_who_runs_for_the_tracer(pool: ThreadPoolExecutor) -> None:
    said: list[str] = []
    asked, leave, traced = Event(), Event(), Event()

    def run_first() -> None:
        with running():
            asked.set()
            leave.wait(10)
            with running():  # a network within a network, while a tracer waits
                said.append("ran")

    def trace() -> None:
        with tracing():
            traced.set()
            said.append("traced")

    first = pool.submit(run_first)
    asked.wait(10)
    second = pool.submit(trace)
    assert not traced.wait(0.05)
    leave.set()
    for future in (first, second):
        future.result(10)
    assert said == ["ran", "traced"]

    with tracing():
        late = Thread(target=lambda: said.append("late") if _runs() else None)
        late.start()
        late.join(0.05)
        assert said[-1] == "traced"
        with tracing(), running():  # the tracer's own thread may do both
            pass
    late.join(10)
    assert said[-1] == "late"


def _runs() -> bool:
    with running():
        return True


def test_an_error_leaves_the_road_free() -> None:
    for context in (running, tracing):
        with pytest.raises(ValueError, match="inside"), context():
            raise ValueError("inside")
    with tracing():
        pass
