"""Dual RS: the smaller of two certified radii, each at alpha, and what is refused."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rs_core.abstention import why_abstains
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, drain
from rs_core.experiments import Compare, Pair
from rs_core.guarantees import DualRS, Frozen, PredictDualRS
from rs_core.images import ImageInput
from rs_core.results import Certificate, Selection
from rs_core.selectors import Fixed, SigmaClassifier
from rs_core.statistics import l2_radius, lower_confidence_bound
from tests.conftest import MakeLinear, spec_of

SIGMAS, N = (0.1, 0.2, 0.4), 2_000
SHAPE = (1, 8, 8)


class Band(nn.Module):
    """Class k of K while one value lies in the k-th of equal parts of [0,1]."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def forward(self, x: Tensor) -> Tensor:
        place = (x[:, 0, 0, 0] * self.classes).floor().clamp(0, self.classes - 1)
        return nn.functional.one_hot(place.long(), self.classes).to(x.dtype)


class Broken(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.full((len(x), 3), float("nan")) + x[:, 0, 0, :1] * 0


PICKER = Classifier(Band(3), spec_of(SHAPE, 3))
BASE = Classifier(Band(2), spec_of(SHAPE, 2))


def image_of(value: float, grey: ImageInput) -> ImageInput:
    pixels = grey.pixels.copy()
    pixels[0, 0, 0] = round(value * 255) / 255
    return replace(grey, pixels=pixels, digest=f"first value {value}")


def certified(value: float, sigma: float, grey: ImageInput, **settings: Any) -> Certificate:
    options: dict[str, Any] = {"picker": PICKER, "sigmas": SIGMAS, "n": N} | settings
    picked = [Selection("sigma_classifier", sigma, (), 0)]
    image = image_of(value, grey)
    return drain(DualRS(**options).run(BASE, [image], picked, seed=1))[0]


def test_the_smaller_radius_is_claimed_and_each_is_at_alpha(grey: ImageInput) -> None:
    """At .95 the picker, smoothed at .1, is surer of its last third than f at .4 of its half."""
    found = certified(0.95, 0.4, grey, sigma_e=0.1)
    assert found.details is not None
    picks = found.details["picks"]
    assert found.details["r_sigma"] == l2_radius(0.1, lower_confidence_bound(picks[2], N, 1e-3))
    own = l2_radius(0.4, lower_confidence_bound(found.n_top, N, 1e-3))
    assert found.details["r_class"] == own
    assert found.radius == min(own, found.details["r_sigma"])
    assert found.predicted == 1
    assert (found.sigma, found.guarantee, found.alpha) == (0.4, "A", 1e-3)
    assert found.draws == 2 * N + 100
    assert "out of 0.1, 0.2, 0.4, smoothed at σ_e=0.1" in found.statement
    wide = certified(0.95, 0.4, grey, sigma_e=0.01)
    assert wide.details is not None
    assert wide.radius == wide.details["r_sigma"] < wide.details["r_class"]
    assert "the picked σ cuts the radius" in wide.statement


def test_a_pick_that_does_not_hold_is_no_certificate(grey: ImageInput) -> None:
    """On the border of two thirds the class is certain, and which sigma asks it is not."""
    found = certified(2 / 3, 0.4, grey, sigma_e=0.02)
    assert (found.predicted, found.radius) == (None, 0.0)
    assert "the network that picks σ gave" in found.statement
    alone = drain(
        Frozen(n=N).run(BASE, [image_of(0.95, grey)], [Selection("grid", 0.1, (), 0)], seed=0)
    )[0]
    assert alone.radius > 0
    wrong = certified(0.95, 0.1, grey, sigma_e=0.02)
    assert (wrong.predicted, wrong.radius) == (None, 0.0), "the picker answers another sigma"


def test_without_a_class_it_says_what_the_votes_were(grey: ImageInput) -> None:
    found = certified(0.5, 0.2, grey, sigma_e=0.02)
    assert found.predicted is None
    assert found.details is not None
    assert found.details["r_sigma"] > 0
    assert why_abstains(found) in found.statement


def test_images_of_several_sigmas_each_have_their_expert(grey: ImageInput) -> None:
    experts = tuple(Classifier(Band(2), BASE.spec, weights_id=f"{k}" * 16) for k in range(3))
    guarantee = DualRS(picker=PICKER, sigmas=SIGMAS, sigma_e=0.05, n=N, experts=experts)
    images = [image_of(value, grey) for value in (0.95, 0.05, 0.9, 0.04)]
    picked = drain(
        SigmaClassifier(network=PICKER, sigmas=SIGMAS, sigma_e=0.05).run(BASE, images, seed=0)
    )
    assert [selection.sigma for selection in picked] == [0.4, 0.1, 0.4, 0.1]
    events = list(guarantee.run(BASE, images, picked, seed=2))
    last = events[-1]
    assert isinstance(last, Finished)
    found = last.result
    assert [c.weights_id[0] for c in found] == ["2", "0", "2", "0"]
    assert [c.predicted for c in found] == [1, 0, 1, 0]
    done = [event.done for event in events[:-1]]
    assert done == sorted(done)
    assert done[-1] == events[-2].total
    assert found[0].details is not None
    assert found[0].details["experts"] == [expert.weights_id for expert in experts]
    for expert in experts:
        assert expert.title in found[0].statement
    for image, selection, certificate in zip(images, picked, found, strict=True):
        assert drain(guarantee.run(BASE, [image], [selection], seed=2))[0] == certificate


def test_the_selector_counts_copies_and_an_answerless_one_for_none(grey: ImageInput) -> None:
    selector = SigmaClassifier(network=PICKER, sigmas=SIGMAS, sigma_e=0.2, n=200)
    (found,) = drain(selector.run(BASE, [image_of(0.95, grey)], seed=0))
    assert found.sigma == 0.4
    assert [sigma for sigma, _ in found.candidates] == list(SIGMAS)
    assert sum(share for _, share in found.candidates) == pytest.approx(1)
    broken = SigmaClassifier(network=Classifier(Broken(), spec_of(SHAPE, 3)), sigmas=SIGMAS)
    (silent,) = drain(broken.run(BASE, [grey], seed=0))
    assert silent.sigma == 0.1
    assert silent.notes == ("100 of 100 copies had no answer",)
    dead = certified(0.95, 0.1, grey, picker=broken.network)
    assert (dead.predicted, dead.radius) == (None, 0.0)


def test_what_does_not_fit_is_refused(grey: ImageInput, linear: MakeLinear) -> None:
    small = Classifier(Band(3), spec_of((1, 4, 4), 3))
    named = ("sigma 0.25", "sigma 0.5", "sigma 1")
    taught = Classifier(Band(3), replace(spec_of(SHAPE, 3), class_names=named))
    SigmaClassifier(network=taught, sigmas=(0.25, 0.5, 1.0))
    with pytest.raises(ParameterError, match="cannot stand for"):
        SigmaClassifier(network=taught, sigmas=(1.0, 0.5, 0.25))
    strange = tuple(Classifier(Band(4), spec_of(SHAPE, 4)) for _ in SIGMAS)
    for settings, said in (
        ({"sigmas": (0.1, 0.2)}, "give one sigma for each class"),
        ({"sigmas": (0.4, 0.2, 0.1)}, "must ascend"),
        ({"picker": nn.Identity()}, "needs a classifier"),
        ({"picker": small}, "of one input size"),
        ({"experts": strange}, "told the same"),
        ({"experts": strange[:2]}, "2 experts for 3 sigmas"),
        ({"n": 5}, "can never certify"),
        ({"picker": taught}, "class 'sigma 0.25' cannot stand for sigma=0.1"),
    ):
        with pytest.raises(ParameterError, match=said):
            certified(0.95, 0.4, grey, **settings)
    with pytest.raises(ParameterError, match="none of the 3"):
        certified(0.95, 0.3, grey)
    with pytest.raises(ParameterError, match="give one sigma for each"):
        SigmaClassifier(network=PICKER, sigmas=(0.1, 0.2))
    with pytest.raises(ParameterError, match="take the selector sigma_classifier"):
        Pair(Fixed(sigma=0.4), DualRS(picker=PICKER, sigmas=SIGMAS))


def test_it_stands_beside_others_in_a_comparison(grey: ImageInput) -> None:
    selector = SigmaClassifier(network=PICKER, sigmas=SIGMAS, sigma_e=0.05)
    pairs = (
        Pair(selector, DualRS(picker=PICKER, sigmas=SIGMAS, sigma_e=0.05)),
        Pair(selector, Frozen()),
    )
    image = image_of(0.95, grey)
    found = drain(Compare(methods=pairs, sigmas=(), n=N).run(BASE, [image], seed=0))
    dual, frozen = (method.certificates[0] for method in found.methods)
    assert (dual.guarantee, frozen.guarantee) == ("A", "C")
    assert 0 < dual.radius <= frozen.radius + 0.02


def test_a_deployed_one_asks_the_picker_first(grey: ImageInput) -> None:
    predict = PredictDualRS(picker=PICKER, sigmas=SIGMAS, sigma_e=0.05, n=300)
    images = [image_of(value, grey) for value in (0.95, 0.05, 2 / 3)]
    sure, dark, torn = drain(predict.run(BASE, images, seed=0))
    assert (sure.predicted, sure.sigma) == (1, 0.4)
    assert (dark.predicted, dark.sigma) == (0, 0.1)
    assert torn.predicted is None
    assert torn.weights_id == PICKER.weights_id
    assert sure.alpha == pytest.approx(2e-3)
    experts = tuple(Classifier(Band(2), BASE.spec, weights_id=f"{k}" * 16) for k in range(3))
    told = drain(replace(predict, experts=experts).run(BASE, images[:1], seed=0))[0]
    assert told.weights_id == "2" * 16
