"""What holds for every selector, whatever its method."""

import json
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from rs_core.classifiers import Classifier
from rs_core.events import Finished, drain
from rs_core.images import ImageInput, image_from_array
from rs_core.models import build_network
from rs_core.results import Selection, from_json, to_json
from rs_core.selectors import SELECTORS, FromNetwork, Selector
from tests.conftest import spec_of

SHAPE = (1, 28, 28)
SETTINGS: dict[str, Selector] = {
    "fixed": SELECTORS["fixed"](sigma=0.3),
    "grid": SELECTORS["grid"](sigma_min=0.1, sigma_max=0.5, interval=0.1, n=70),
    "greedy_grid": SELECTORS["greedy_grid"](n=4, evaluations=40),
    "gradient": SELECTORS["gradient"](steps=12, n=2, step_size=0.01),
    "multistart": SELECTORS["multistart"](levels=5, m=70),
    "multistart_uniform": SELECTORS["multistart_uniform"](levels=5, m=70),
    "knn": SELECTORS["knn"](limit=200),
    "network": FromNetwork(network=lambda x: 0.1 + x.mean(dim=(1, 2, 3))),
}


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    torch.manual_seed(0)
    network = build_network("conv4", SHAPE, 10, {"widths": [4, 4, 8, 8]})
    head = [m for m in network.modules() if isinstance(m, nn.Linear)][-1]
    with torch.no_grad():
        logits = network.eval()(torch.rand(64, *SHAPE) + torch.randn(64, *SHAPE) / 2)
        scale = 3 / logits.std(dim=0)
        head.weight.mul_(scale[:, None])
        head.bias.copy_((head.bias - logits.mean(dim=0)) * scale)
    return Classifier(network, spec_of(SHAPE, 10))


@pytest.fixture(scope="module")
def images() -> list[ImageInput]:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (5, 28, 28, 1), dtype=np.uint8)
    spec = spec_of(SHAPE, 10)
    return [image_from_array(p, spec, label=1, name=str(i)) for i, p in enumerate(pixels)]


def test_every_registered_selector_is_held_to_this() -> None:
    assert set(SETTINGS) == {*SELECTORS, "network"}
    assert all(SETTINGS[name].name == name for name in SETTINGS)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_selector(name: str, classifier: Classifier, images: list[ImageInput]) -> None:
    selector = SETTINGS[name]
    weights = {k: v.clone() for k, v in classifier.module.state_dict().items()}
    pixels = [image.pixels.copy() for image in images]
    torch.manual_seed(5)
    before = torch.get_rng_state(), random.getstate()
    events = list(selector.run(classifier, images, seed=3))
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == random.getstate()
    for key, value in classifier.module.state_dict().items():
        assert torch.equal(value, weights[key])
    for image, kept in zip(images, pixels, strict=True):
        assert (image.pixels == kept).all()
    *steps, last = events
    assert isinstance(last, Finished)
    assert not any(isinstance(step, Finished) for step in steps)
    assert [s.done for s in steps] == sorted(s.done for s in steps)
    assert all(s.done <= s.total for s in steps)
    assert len({s.total for s in steps}) <= 1
    found = last.result
    assert len(found) == len(images)
    for selection in found:
        assert selection.selector == name
        assert np.isfinite(selection.sigma)
        assert selection.sigma > 0
        assert all(sigma > 0 for sigma, _ in selection.candidates)
        assert from_json(Selection, json.loads(json.dumps(to_json(selection)))) == selection
    assert drain(selector.run(classifier, images, seed=3)) == found
    if name != "multistart_uniform":
        alone = drain(selector.run(classifier, images[2:3], seed=3))
        assert alone[0].sigma == pytest.approx(found[2].sigma, rel=1e-5)
    if selector.name in ("grid", "greedy_grid", "gradient", "multistart"):
        assert drain(selector.run(classifier, images, seed=4)) != found


@pytest.mark.parametrize(
    ("name", "draws"),
    [("fixed", 0), ("grid", 5 * 70), ("greedy_grid", 40), ("gradient", 24), ("knn", 0)],
)
def test_draws_are_counted(
    name: str, draws: int, classifier: Classifier, images: list[ImageInput]
) -> None:
    found = drain(SETTINGS[name].run(classifier, images, seed=0))
    assert [selection.draws for selection in found] == [draws] * len(images)


def test_a_memory_of_an_earlier_version_knows_its_policy_again() -> None:
    """A field that came later is named where somebody set it, and only there."""
    assert str(SELECTORS["grid"](n=70)) == (
        "Grid(sigma_min=0.12, sigma_max=1.0, interval=0.05, n=70, alpha=0.001, "
        "label_aware=False, agree=False)"
    )
    assert str(SELECTORS["grid"](ends=False)).endswith("agree=False, ends=False)")
    assert str(SELECTORS["greedy_grid"]()) == "GreedyGrid(n=1, evaluations=200)"
    assert str(SELECTORS["greedy_grid"](paper=True)).endswith("evaluations=200, paper=True)")
    assert str(SELECTORS["fixed"](sigma=0.5)) == "Fixed(sigma=0.5)"


def test_labels_are_not_read(classifier: Classifier, images: list[ImageInput]) -> None:
    bare = [replace(image, label=None) for image in images]
    for selector in SETTINGS.values():
        assert drain(selector.run(classifier, bare, seed=1)) == drain(
            selector.run(classifier, images, seed=1)
        )
