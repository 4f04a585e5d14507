"""Both ends are of one classifier, and neither is believed before it is shown."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rs_core import api
from rs_core.attacks import Confirm
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, drain
from rs_core.experiments.sandwich import MakeSandwiches
from rs_core.guarantees import Frozen
from rs_core.images import ImageInput
from rs_core.pixel_grid import snapped
from rs_core.results import Noise, from_json, to_json
from rs_core.results.crossings import crossing_report
from rs_core.results.sandwich import SandwichStrip, confirmed_norm
from rs_core.seed_origin import with_seed_origin
from rs_core.selectors import Fixed, FromNetwork, Grid
from rs_core.smoothing import Certify, sampling
from rs_core.smoothing.witness import Witness
from tests.attacks.test_closed_form import distances
from tests.conftest import Coin, Linear, MakeLinear, spec_of

SHAPE = (1, 8, 8)
MARGIN = 0.6
QUICK: dict[str, Any] = {
    "n0": 30, "n": 600, "steps": 8, "draws": 4, "rounds": 5, "judged": 64, "confirm_n": 1500,
}  # fmt: skip


def made(
    classifier: Classifier, images: ImageInput | list[ImageInput], seed: int = 0, **options: Any
) -> SandwichStrip:
    own = images if isinstance(images, list) else [images]
    if "selector" not in options:
        options.setdefault("sigma", 0.25)
    return drain(MakeSandwiches(**{**QUICK, **options}).run(classifier, own, seed=seed))


@pytest.mark.parametrize("attack", ["minimal", "bisection"])
def test_on_a_linear_network_the_ends_enclose_the_margin(attack: str, linear: MakeLinear) -> None:
    classifier, image = linear(MARGIN, (3, 16, 16))
    least = distances(classifier, image)[0]
    options = {"n": 4000, "confirm_n": 20_000, "stretch": 0.005, "steps": 30, "judged": 256}
    (one,) = made(classifier, image, attack=attack, **options).sandwiches
    assert 0.8 * MARGIN < one.lower <= MARGIN
    assert one.upper is not None
    assert least <= one.upper <= 1.04 * least
    assert one.certificate.guarantee == "A"
    assert one.consistent


def test_the_gradient_free_attack_finds_an_upper_end_too(linear: MakeLinear) -> None:
    classifier, image = linear(0.2, SHAPE)
    strip = made(classifier, image, attack="square", eps=1.5, steps=30, rounds=4)
    (one,) = strip.sandwiches
    assert one.attack is not None
    assert one.attack.attack == "square"
    assert one.upper is not None
    assert distances(classifier, image)[0] <= one.upper < 1.5


def test_the_certificates_are_those_that_were_given_before(linear: MakeLinear) -> None:
    """Nobody gets a second chance to be certified under the same seed."""
    classifier, image = linear(MARGIN, SHAPE)
    (one,) = made(classifier, image, seed=3).sandwiches
    certify = Certify(sigma=0.25, n0=30, n=600)
    assert one.certificate == drain(certify.run(classifier, [image], seed=3))[0]
    grid = Grid(sigma_min=0.1, sigma_max=0.4, interval=0.1, n=64)
    (one,) = made(classifier, image, seed=3, selector=grid).sandwiches
    picked = drain(grid.run(classifier, [image], seed=3))
    expected = drain(Frozen(n0=30, n=600).run(classifier, [image], picked, seed=3))[0]
    assert one.certificate == expected
    assert expected.guarantee == "C"


def test_every_confirmation_is_of_the_certificate_s_classifier_at_its_share(
    linear: MakeLinear,
) -> None:
    """Same weights, same sigma to the last digit, and alpha / m each."""
    classifier, image = linear(MARGIN, SHAPE)
    other = linear(MARGIN, SHAPE, seed=1)[1]
    levels = FromNetwork(network=lambda x: 0.1 + 0.3 * x.mean(dim=(1, 2, 3)))
    options = {"alpha_attack": 0.02, "confirmations": 5, "selector": levels}
    strip = made(classifier, [image, other], **options)
    assert len({one.certificate.sigma for one in strip.sandwiches}) == 2
    for one in strip.sandwiches:
        assert one.attack is not None
        assert one.attack.weights_id == one.certificate.weights_id == classifier.weights_id
        assert one.attack.sigma == one.certificate.sigma
        assert one.attack.label == one.certificate.predicted
        assert 0 < len(one.attack.confirmations) <= 5
        for said in one.attack.confirmations:
            assert said.alpha == 0.02 / 5
            assert (said.sigma, said.noise) == (one.certificate.sigma, "gaussian-grid")
    assert strip.joint_alpha == pytest.approx(0.021)


def test_an_image_that_is_misclassified_needs_no_attack(linear: MakeLinear) -> None:
    classifier, image = linear(MARGIN, SHAPE)
    wrong = replace(image, label=0)
    first, second = made(classifier, [wrong, image]).sandwiches
    assert first.attack is None
    assert (first.lower, first.upper, first.hollow, first.stored_upper) == (0.0, 0.0, None, 0.0)
    assert first.notes == ("misclassified as it is: upper bound 0",)
    assert second.attack is not None
    assert second.notes == ()


def test_abstaining_leaves_no_lower_end_and_an_attack_on_the_true_class(grey: ImageInput) -> None:
    classifier = Classifier(Coin(0.52, 0.25), spec_of(SHAPE, 2))
    for label in (0, 1):
        options = {"n": 300, "confirm_n": 200, "alpha": 1e-6}
        (one,) = made(classifier, replace(grey, label=label), seed=4, **options).sandwiches
        assert one.certificate.predicted is None
        assert one.lower == 0
        assert not one.misclassified
        assert one.attack is not None
        assert one.attack.label == label
        assert one.consistent


def test_where_no_class_is_known_none_is_left(linear: MakeLinear) -> None:
    """To leave the class that few copies preferred would bound nothing: the other one is right."""
    classifier, image = linear(0.16, SHAPE)  # at sigma 2 right with probability 0.53
    options = {"sigma": 2.0, "n": 100, "confirm_n": 10_000, "steps": 4, "rounds": 2}
    wrong = 0
    for seed in range(20):
        (one,) = made(classifier, replace(image, label=None), seed, **options).sandwiches
        assert one.upper is None or one.upper >= 0.16
        if one.certificate.predicted is None:
            assert one.attack is None
            assert "no class is named" in one.notes[0]
            wrong += one.certificate.counts[0] > one.certificate.counts[1]
    assert wrong > 0  # else no seed would have told


@pytest.mark.parametrize("attack", ["minimal", "bisection", "square"])
def test_no_strip_costs_more_than_it_says(
    linear: MakeLinear, attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Judgements count: with many copies each they are most of the cost.

    The few rows that are asked again at each draw's end are no part of a price.
    """
    again, hold = [], Witness.hold

    def counting(witness: Witness) -> None:
        before = sum(Counting.rows)
        hold(witness)
        again.append(sum(Counting.rows) - before)

    monkeypatch.setattr(Witness, "hold", counting)
    classifier, image = linear(MARGIN, SHAPE)
    counted = Classifier(Counting(classifier.module), spec_of(SHAPE, 2))
    options = {**QUICK, "n0": 64, "n": 640, "confirm_n": 1536, "judged": 500, "restarts": 2}
    making = MakeSandwiches(sigma=0.25, attack=attack, **options)
    Counting.rows.clear()
    drain(making.run(counted, [image], seed=0))
    passes = sum(Counting.rows) - sum(again) - 3  # the question whether there are gradients
    assert again
    assert max(again) <= 16 * torch.get_num_threads()
    assert 0.8 * making.most_passes < passes <= making.most_passes


@dataclass(frozen=True, kw_only=True)
class Tallied(Fixed):
    """Answers one sigma, says that it draws 7 copies, and tallies the images that it is shown."""

    shown: ClassVar[list[int]] = []

    @property
    def most_draws(self) -> int:
        return 7

    def run(self, classifier: Classifier, images: Any, **how: Any) -> Any:
        self.shown.append(len(images))
        return super().run(classifier, images, **how)


@pytest.mark.parametrize("attack", ["minimal", "bisection", "square"])
@pytest.mark.parametrize(("rounds", "reselect", "restarts"), [(1, 3, 2), (3, 8, 1), (2, 1, 2)])
def test_sigma_is_picked_no_oftener_than_is_said(
    attack: str, rounds: int, reselect: int, restarts: int, linear: MakeLinear
) -> None:
    """By the strip once, and by the attack on the pipeline and its confirmations again."""
    classifier, image = linear(0.2, SHAPE)
    own = {"rounds": rounds, "reselect": reselect, "restarts": restarts, "confirmations": 4}
    options = {**QUICK, **own}
    picker = Tallied(sigma=0.25)
    making = MakeSandwiches(selector=picker, attack=attack, pipeline=True, **options)
    Tallied.shown.clear()
    (one,) = drain(making.run(classifier, [image], seed=0)).sandwiches
    assert one.pipeline is not None
    spare = 4 - len(one.pipeline.confirmations)
    assert sum(Tallied.shown) - 1 == making.picks - spare
    assert making.most_repicks == 7 * making.picks
    assert replace(making, pipeline=False).most_repicks == 0


def test_none_found_within_the_budget_is_no_upper_end(linear: MakeLinear) -> None:
    classifier, image = linear(MARGIN, SHAPE)
    (one,) = made(classifier, image, eps=0.2).sandwiches
    assert one.attack is not None
    assert not one.attack.success
    assert (one.upper, one.hollow, one.gap) == (None, None, None)
    assert one.attack.confirmations == ()
    assert one.consistent


def test_a_success_that_fresh_noise_does_not_confirm_stays_hollow(linear: MakeLinear) -> None:
    """Two PREDICTs of 30 copies, without a walk: on the boundary they cannot agree."""
    classifier, image = linear(0.3, SHAPE)
    options = {"confirm_n": 30, "confirmations": 2, "stretch": 0.0, "sigma": 1.0}
    (one,) = made(classifier, image, **options).sandwiches
    assert one.attack is not None
    assert one.attack.success
    assert one.attack.confirmed is False
    assert one.upper is None
    assert one.hollow == one.attack.l2 > 0


@pytest.fixture
def short_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise that is added after normalisation by a std of 0.3: smaller than it says."""
    drawn = sampling.unit_noise

    def smaller(own: Classifier, rows: int, key: int, noise: Noise) -> Tensor:
        return drawn(own, rows, key, noise) * 0.3

    monkeypatch.setattr(sampling, "unit_noise", smaller)


@pytest.mark.usefixtures("short_noise")
def test_a_certifier_with_a_planted_fault_makes_the_ends_cross(linear: MakeLinear) -> None:
    classifier, image = linear(MARGIN, SHAPE)
    strip = made(classifier, image, sigma=0.5, n=2000, seed=7)
    (one,) = strip.crossings
    assert one.upper is not None
    assert one.lower > MARGIN
    assert one.gap is not None
    assert one.gap < 0
    report = crossing_report(strip)
    assert report["verdict"] == "inconsistent: alpha event, different classifier, or bug"
    (crossing,) = report["crossings"]
    assert crossing["differences"] == []  # both ends say they are of one classifier: it is a bug
    assert crossing["certificate"]["weights_id"] == crossing["attack"]["weights_id"]
    assert report["expected"] == pytest.approx(0.002)
    assert report["settings"]["seed"] == 7
    assert min(c["p_value"] for c in crossing["attack"]["confirmations"]) < 1e-3 / 8


def test_a_certificate_at_another_sigma_makes_the_ends_cross(
    linear: MakeLinear, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier, image = linear(MARGIN, SHAPE)
    run = Certify.run

    def wider(self: Certify, *args: Any, **options: Any) -> Any:
        """Votes at a quarter of the sigma whose radius they are given."""
        (found,) = drain(run(replace(self, sigma=self.sigma / 4), *args, **options))
        yield Finished((replace(found, radius=4 * found.radius, sigma=self.sigma),))

    monkeypatch.setattr(Certify, "run", wider)
    strip = made(classifier, image, sigma=0.5)
    assert [one.consistent for one in strip.sandwiches] == [False]


def test_what_was_found_repeats_and_survives_json(linear: MakeLinear) -> None:
    classifier, image = linear(MARGIN, SHAPE)
    first, again = (made(classifier, image, seed=5) for _ in range(2))
    assert to_json(first) == to_json(again)
    assert to_json(from_json(SandwichStrip, to_json(first))) == to_json(first)
    assert to_json(made(classifier, image, seed=6)) != to_json(first)
    assert first.settings is not None
    kept = {name: first.settings[name] for name in ("seed", "noise", "weights_id", "steps")}
    assert kept == {
        "seed": 5, "noise": "exact", "weights_id": classifier.weights_id, "steps": 8,
    }  # fmt: skip


def test_restarts_keep_the_nearest_and_say_what_all_cost(linear: MakeLinear) -> None:
    classifier, image = linear(MARGIN, SHAPE)
    (one,) = made(classifier, image).sandwiches
    (more,) = made(classifier, image, restarts=3).sandwiches
    assert one.attack is not None
    assert more.attack is not None
    assert more.attack.passes == pytest.approx(3 * one.attack.passes)
    assert more.upper is not None
    assert distances(classifier, image)[0] <= more.upper < 1.2 * MARGIN


def test_the_pipeline_is_a_second_row_at_sigmas_of_its_own(linear: MakeLinear) -> None:
    classifier, image = linear(0.3, SHAPE)
    levels = FromNetwork(network=lambda x: 0.05 + 0.2 * x.mean(dim=(1, 2, 3)))
    strip = made(classifier, image, selector=levels, pipeline=True)
    (one,) = strip.sandwiches
    assert one.pipeline is not None
    assert one.pipeline.confirmed
    assert one.attack is not None
    assert "pipeline" in one.pipeline.target
    assert one.attack.target == "the smoothed network at a frozen sigma"
    assert one.pipeline.sigma == pytest.approx(0.05 + 0.2 * one.pipeline.adversarial.mean())
    assert one.attack.sigma == one.certificate.sigma
    assert one.upper == confirmed_norm(one.attack)


def test_certificates_are_confirmed_under_their_own_noise_on_the_grid(
    linear: MakeLinear,
) -> None:
    classifier, image = linear(MARGIN, SHAPE)
    (one,) = made(classifier, image, stretch=0.02).sandwiches
    assert one.certificate.noise == "gaussian-grid"
    assert one.attack is not None
    assert one.attack.confirmed
    assert {said.noise for said in one.attack.confirmations} == {"gaussian-grid"}
    assert np.array_equal(one.attack.adversarial, snapped(one.attack.adversarial))
    assert one.upper == one.attack.l2
    assert one.consistent


def test_one_call_makes_one(linear: MakeLinear) -> None:
    classifier, image = linear(MARGIN, SHAPE)
    one = api.sandwich(classifier, image, seed=2, sigma=0.25, **QUICK)
    (other,) = made(classifier, image, seed=2).sandwiches
    assert to_json(one) == to_json(with_seed_origin(other, given=True))


class Counting(nn.Module):
    """Notes forward passes, one with a gradient as three, for all its copies together."""

    rows: ClassVar[list[int]] = []

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        self.rows.append(len(x) * (3 if torch.is_grad_enabled() and x.requires_grad else 1))
        return self.inner(x)


class Stepped(nn.Module):
    """Decides right and has no gradients."""

    def __init__(self, inner: Linear) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.detach()).sign().detach()


class Broken(nn.Module):
    """Its gradient is NaN where its answer is not."""

    def forward(self, x: Tensor) -> Tensor:
        score = x.mean(dim=(1, 2, 3)) - 0.3 + 0 * (x - x).flatten(1).sum(dim=1).sqrt()
        return torch.stack([-score, score], dim=1)


def test_a_network_without_gradients_is_told_what_does_without(linear: MakeLinear) -> None:
    classifier, image = linear(0.2, SHAPE)
    stepped = Classifier(Stepped(classifier.module), spec_of(SHAPE, 2))
    with pytest.raises(ParameterError, match="gives no gradients: attack it with 'square'"):
        made(stepped, image)
    strip = made(stepped, image, attack="square", steps=10, rounds=2, eps=1.5)
    assert strip.sandwiches[0].consistent


def test_gradients_of_nan_are_said(grey: ImageInput) -> None:
    classifier = Classifier(Broken(), spec_of(SHAPE, 2))
    (one,) = made(classifier, grey, sigma=0.1).sandwiches
    assert one.attack is not None
    assert any("NaN or infinite gradient" in note for note in one.attack.notes)
    assert one.consistent


def test_a_network_that_answers_nan_has_neither_end(grey: ImageInput) -> None:
    class Silent(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1)[:, :2] * torch.nan

    (one,) = made(Classifier(Silent(), spec_of(SHAPE, 2)), grey).sandwiches
    assert one.certificate.predicted is None
    assert (one.attack, one.lower, one.upper) == (None, 0.0, None)
    assert "no class that an attack could leave" in one.notes[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "neither sigma nor a selector"),
        ({"sigma": 0.25, "selector": Fixed()}, "both are given"),
        ({"sigma": 0.25, "eps": 0}, "eps=0"),
        ({"sigma": 0.25, "eps": -1}, "eps=-1"),
        ({"sigma": 0.25, "steps": 0}, "steps=0"),
        ({"sigma": 0.25, "pipeline": True}, "give a selector"),
        ({"sigma": 0.25, "confirm_n": 5}, "can never confirm"),
        ({"sigma": 0.25, "attack": "pgd"}, "choose one of minimal, bisection, square"),
    ],
)
def test_settings_that_cannot_work_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        MakeSandwiches(**options)


def test_images_that_cannot_work_are_refused_before_anything_is_drawn(linear: MakeLinear) -> None:
    classifier, image = linear(MARGIN, SHAPE)
    with pytest.raises(ParameterError, match="label=2 is outside the 2 classes"):
        made(classifier, replace(image, label=2))
    with pytest.raises(ParameterError, match="load it with load_image"):
        made(classifier, linear(MARGIN, (3, 8, 8))[1])
    with pytest.raises(ParameterError, match="at least one image"):
        made(classifier, [])
    with pytest.raises(ParameterError, match="can never certify"):
        made(classifier, image, n=5)
    assert isinstance(MakeSandwiches(sigma=0.25).confirming(), Confirm)
