"""What a stranger may hand in, for every way of choosing sigma: one sentence, or an abstention."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rs_core.classifiers import Classifier, devices
from rs_core.cli import main
from rs_core.errors import ModelFileError, ParameterError
from rs_core.events import drain
from rs_core.guarantees import GUARANTEES, Dual, Memory, PublishedDual, Regions
from rs_core.images import ImageInput
from rs_core.results import Selection
from rs_core.selectors import (
    SELECTORS,
    Fixed,
    FromNetwork,
    Gradient,
    GreedyGrid,
    Grid,
    Knn,
    Multistart,
    Selector,
)
from rs_core.smoothing import Sweep
from tests.conftest import Coin, MakeLinear, spec_of
from tests.guarantees.regions.test_guarantee import HALF_SPACE, N, at
from tests.words import over

SPEC = spec_of((1, 8, 8), 2)


def quarter(x: Tensor) -> Tensor:
    return torch.full((len(x),), 0.25)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: GUARANTEES["grid_minimum"](sigmas=()), "sigmas is empty"),
        (lambda: GUARANTEES["grid_minimum"](sigmas=(0.0, 0.5)), "out of range"),
        (lambda: GUARANTEES["grid_minimum"](sigmas=(float("nan"),)), "not finite"),
        (lambda: GUARANTEES["cascade"](sigmas=(0.0, 0.5)), "out of range"),
        (lambda: Dual(network=quarter, sigmas=()), "sigmas is empty"),
        (lambda: Dual(network=quarter, sigmas=(-1.0,)), "out of range"),
        (lambda: Sweep(sigmas=()), "sigmas is empty"),
        (lambda: Grid(sigma_min=0.5, sigma_max=0.5), "take the selector fixed"),
        (lambda: Grid(sigma_min=0.6, sigma_max=0.5), "must lie below"),
        (lambda: Grid(sigma_min=0.1, sigma_max=0.2, interval=0.3), "longer than the range"),
        (lambda: Gradient(sigma_min=0.5, start=0.5, sigma_max=0.5), "must differ"),
        (lambda: Gradient(sigma_min=0.6, start=0.5, sigma_max=0.4), "must lie below"),
        (lambda: Gradient(sigma_min=0.2, start=0.5, sigma_max=0.4), "must lie between"),
        (lambda: Knn(sigma_min=0.5, sigma_max=0.5), "must lie below"),
        (lambda: Multistart(levels=1), "out of range"),
        (lambda: GreedyGrid(evaluations=0), "out of range"),
        (lambda: Fixed(sigma=0.0), "out of range"),
        (lambda: Regions(time_limit=float("inf")), "not finite"),
    ],
)
def test_grids_and_ranges_that_make_no_sense(make: Callable[[], object], said: str) -> None:
    with pytest.raises(ParameterError, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_a_grid_of_one_point_is_that_point(linear: MakeLinear) -> None:
    classifier, image = linear(0.5)
    one = GUARANTEES["grid_minimum"](sigmas=(0.3,), n=500)
    (found,) = drain(one.run(classifier, [image], [Selection("grid", 0.3, (), 0)], seed=0))
    assert one.budget == "alpha = 0.001"
    assert 0 < found.radius <= 0.5
    dual = Dual(network=quarter, sigmas=(0.3,), n=500)
    (same,) = drain(dual.run(classifier, [image], [Selection("network", 0.3, (), 0)], seed=0))
    assert same.sigma == 0.3
    assert 0 < same.radius <= dual.distance
    assert len(GreedyGrid(n=10, evaluations=5).sigmas) == 1


class Broken(nn.Module):
    """NaN logits for every noisy copy: at no sigma is there anything to certify."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.full((len(x), 2), torch.nan)


QUICK: dict[str, Selector] = {
    "fixed": Fixed(sigma=0.3),
    "grid": Grid(sigma_min=0.1, sigma_max=0.3, interval=0.1, n=50),
    "greedy_grid": GreedyGrid(n=2, evaluations=8),
    "gradient": Gradient(steps=3),
    "multistart": Multistart(levels=3, m=20),
    "multistart_uniform": SELECTORS["multistart_uniform"](levels=3, m=20),
    "knn": Knn(limit=20),
}
FEEDS = {"global_lambda": Fixed(sigma=0.3), "global_sigma": Fixed(sigma=0.3)}
FEEDS |= {"cascade": Fixed(sigma=1.0)}
FEEDS |= {"frozen_lambda": Gradient(steps=3, norm="l1"), "sukenik": Knn(limit=20)}


def test_every_selector_is_in_these_tests() -> None:
    assert QUICK.keys() == SELECTORS.keys()


@pytest.mark.parametrize("network", ["coin", "broken"])
@pytest.mark.parametrize("name", GUARANTEES)
def test_an_image_whose_every_sigma_abstains(name: str, network: str) -> None:
    spec = spec_of((1, 28, 28), 2)
    module = Broken() if network == "broken" else Coin(0.5, 0.3)
    classifier = Classifier(module, spec)
    pixels = np.full((1, 28, 28), 0.5, np.float32)
    image = replace(at(0.0), pixels=pixels, digest="grey")
    for selector in [FEEDS[name]] if name in FEEDS else QUICK.values():
        picked = drain(selector.run(classifier, [image], seed=0))
        options: dict[str, Any] = {}
        if name == "grid_minimum":
            options["sigmas"] = [picked[0].sigma, 0.9]
        certified = GUARANTEES[name](n=60, n0=20, **options)
        (found,) = drain(certified.run(classifier, [image], picked, seed=0))
        assert (found.predicted, found.radius) == (None, 0.0)
        assert found.statement.startswith("Abstained")


def labelled(t: float, label: int) -> ImageInput:
    return replace(at(t), label=label, name=f"{t} as {label}")


@pytest.mark.parametrize("mode", ["online", "strict", "label_aware"])
def test_equal_images_of_different_labels_are_one_point(mode: str) -> None:
    images = [labelled(0.6, 0), labelled(0.6, 1), labelled(-0.5, 1)]
    picked = [Selection("grid", sigma, (), 0) for sigma in (0.3, 0.5, 0.3)]
    certified = drain(Regions(n=N, mode=mode).run(HALF_SPACE, images, picked, seed=0))
    assert certified[0] == certified[1]
    assert [c.predicted for c in certified] == [1, 1, 0]


def test_a_memory_answers_equal_images_of_different_labels_alike() -> None:
    images = [labelled(0.6, 0), labelled(0.6, 1)]
    picked = [Selection("grid", sigma, (), 0) for sigma in (0.3, 0.5)]
    first, again = drain(Memory(n=N).run(HALF_SPACE, images, picked, seed=0))
    assert (first.predicted, first.radius) == (again.predicted, again.radius)
    assert "entry 1" in again.statement


WORDS = ["select", "--image", "digit-7", "--selector", "fixed", "--guarantee", "memory"]


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE something (x)")


def of_version_9(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("PRAGMA user_version = 9")


@pytest.mark.parametrize(
    ("spoil", "more", "said"),
    [
        (lambda path: path.write_bytes(b"junk" * 999), [], "not a database"),
        (foreign, [], "no memory of answers"),
        (None, ["--model", "mnist-conv4-s050"], "made with weights"),
        (None, ["--precision", "bf16"], "made with precision"),
        (None, ["--selector-sigma", "0.5"], "made with sigma policy"),
        (of_version_9, [], "has version 9 and this program reads 1"),
        (lambda path: path.mkdir(), [], "cannot be opened: name a file in a folder that exists"),
    ],
    ids=["corrupt", "foreign", "model", "precision", "policy", "version", "folder"],
)
def test_a_memory_that_is_not_this_one(
    spoil: Callable[[Path], object] | None,
    more: list[str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(devices, "has_bf16", lambda _: True)  # refused before anything is computed
    path = tmp_path / "memory.sqlite"
    words = [*WORDS, "--precision", "fp32", "--n", "100", "--path", str(path)]
    if spoil is None or spoil is of_version_9:
        assert main(words) == 0
    if spoil is not None:
        spoil(path)
    capsys.readouterr()
    assert main(over(words, more)) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""


@pytest.mark.parametrize("kind", [Dual, PublishedDual])
def test_beyond_the_medians_bounds_its_clip_decides(kind: type[Dual], linear: MakeLinear) -> None:
    """D = 10 sigma_m: no order statistic bounds the median, so any declared sigma may come."""
    classifier, image = linear(0.5)
    dual = kind(network=quarter, sigmas=(0.2, 0.25, 0.4), sigma_m=0.25, distance=2.5, n=500)
    bound = dual.bound_of(np.full(dual.n_h, 0.25))
    assert bound.indices == (None, None)
    assert (bound.lower, bound.upper) == (0.2, 0.4)
    (found,) = drain(dual.run(classifier, [image], [Selection("network", 0.25, (), 0)], seed=0))
    assert found.draws == dual.n_h + 3 * 600
    assert 0 < found.radius <= 0.5


def test_a_sample_too_small_for_the_deployed_median(linear: MakeLinear) -> None:
    classifier, image = linear(0.5)
    dual = Dual(network=quarter, n_h=9, n=500)
    with pytest.raises(ParameterError, match="cannot place a median at beta"):
        drain(dual.run(classifier, [image], [Selection("network", 0.25, (), 0)], seed=0))


@pytest.mark.parametrize("answer", [float("nan"), float("inf"), -float("inf"), -0.25, 0.0])
def test_a_network_whose_sigma_is_no_sigma(answer: float, linear: MakeLinear) -> None:
    classifier, image = linear(0.5)

    def nonsense(x: Tensor) -> Tensor:
        return torch.full((len(x),), answer)

    with pytest.raises(ModelFileError, match="answers sigma="):
        drain(FromNetwork(network=nonsense).run(classifier, [image], seed=0))
    dual = Dual(network=nonsense, n=500, sigmas=(0.2, 0.3))
    (found,) = drain(dual.run(classifier, [image], [Selection("network", 0.25, (), 0)], seed=0))
    if np.isfinite(answer):  # a finite one is snapped to the declared sigmas
        assert found.sigma == 0.2
    else:  # no answer of h bounds its median: it counts against both ends
        assert found.predicted is None
        assert found.radius == 0
        assert "h gave NaN or infinity on" in found.statement
