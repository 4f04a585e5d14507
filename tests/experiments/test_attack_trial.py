"""An attack tried: what is confirmed, what the vote says, and that no draw serves two purposes."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import ndtr
from torch import Tensor, nn

from rs_core.attacks import ATTACKS, Attack, Confirm
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, drain
from rs_core.experiments import TrialStep, TryAttack, confirmation_for
from rs_core.experiments.attack_progress import MOST_POINTS, TrialProgress
from rs_core.images import ImageInput
from rs_core.results import from_json, to_json
from rs_core.results.attack_trial import AttackTrial, is_already
from rs_core.selectors import SELECTORS, FromNetwork, Grid
from rs_core.smoothing import sampling
from tests.conftest import Coin, MakeLinear, spec_of

SHAPE = (1, 8, 8)
SIGMA = 0.25
PICKER = Grid(sigma_min=0.1, sigma_max=0.5, interval=0.2, n=30)


def tried(attack: Attack, classifier: Classifier, *images: ImageInput, **options: Any) -> Any:
    confirm = options.pop("confirm", Confirm(n=400))
    trial = TryAttack(attack=attack, confirm=confirm, **options)
    return drain(trial.run(classifier, images, seed=3))


def pgd(**changes: Any) -> Attack:
    return ATTACKS["pgd"](**{"eps": 0.5, "steps": 10, **changes})


def epgd(**changes: Any) -> Attack:
    return ATTACKS["epgd"](**{"eps": 0.5, "steps": 8, "draws": 4, "sigma": SIGMA, **changes})


def test_the_network_itself_is_broken_beyond_its_margin_only(linear: MakeLinear) -> None:
    classifier, image = linear(0.3, SHAPE)
    trial = tried(pgd(), classifier, image)
    (result,) = trial.results
    assert result.confirmed
    assert 0.3 <= result.l2 <= 0.5 + 1e-6
    assert (trial.before[0].predicted(1e-3), trial.after[0].predicted(1e-3)) == (1, 0)
    assert trial.before[0].scores[1] == pytest.approx(1 / (1 + np.exp(-0.6)), abs=1e-4)
    assert trial.before[0].sigma is None
    weak = tried(pgd(eps=0.2), classifier, image)
    assert weak.results[0].confirmed is False
    assert weak.after[0].predicted(1e-3) == 1


def test_the_vote_shifts_as_the_closed_form_says(linear: MakeLinear) -> None:
    classifier, image = linear(0.2, SHAPE)
    trial = tried(epgd(), classifier, image, confirm=Confirm(n=4000))
    result, before, after = trial.results[0], trial.before[0], trial.after[0]
    assert result.confirmed
    left = float(classifier(torch.from_numpy(result.adversarial)[None])[0, 1])  # signed distance
    for ballot, margin in ((before, 0.2), (after, left)):
        expected = ndtr(margin / SIGMA)
        assert ballot.shares[1] == pytest.approx(expected, abs=5 * 0.5 / 4000**0.5)
        assert (ballot.sigma, ballot.n, sum(ballot.counts)) == (SIGMA, 4000, 4000)
    assert before.predicted(1e-3) == 1
    assert after.predicted(1e-3) == 0


def test_no_draw_serves_two_purposes(linear: MakeLinear, monkeypatch: pytest.MonkeyPatch) -> None:
    """The vote before and after is drawn under its own path: nobody chose or confirmed on it."""
    seen: dict[str, set[int]] = {}
    blocks = sampling._blocks

    def recorded(*args: Any, caller: str, **where: Any) -> Any:
        for block in blocks(*args, caller=caller, **where):
            seen.setdefault(caller, set()).add(block.key)
            yield block

    monkeypatch.setattr(sampling, "_blocks", recorded)
    classifier, image = linear(0.2, SHAPE)
    assert tried(epgd(), classifier, image).results[0].confirmed
    assert set(seen) == {"confirm", "shift"}
    assert not seen["confirm"] & seen["shift"]


class Bright(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        middle = x.mean(dim=(1, 2, 3)) - 0.45
        return torch.stack([-middle, middle], dim=1) * 20


def level(pixels: Tensor) -> Tensor:
    """A selector network: more noise for darker images."""
    return 0.6 - 0.8 * pixels.mean(dim=(1, 2, 3))


@pytest.mark.parametrize("picker", [PICKER, FromNetwork(network=level)])
@pytest.mark.parametrize("reselect", [0, 3])
def test_a_pipeline_is_judged_at_the_sigma_it_picks_there(
    picker: Any, reselect: int, grey: ImageInput
) -> None:
    classifier = Classifier(Bright(), spec_of(SHAPE, 2))
    attack = epgd(sigma=None, selector=picker, reselect=reselect, eps=1.5)
    trial = tried(attack, classifier, grey)
    assert trial.results[0].confirmed
    assert trial.results[0].confirmations[0].sigma == trial.after[0].sigma
    assert trial.selector == picker.name
    if isinstance(picker, FromNetwork):
        assert trial.after[0].sigma > trial.before[0].sigma


def test_an_image_that_is_wrong_already_needs_no_attack(linear: MakeLinear) -> None:
    classifier, image = linear(0.3, SHAPE)
    trial = tried(epgd(), classifier, replace(image, label=0))
    (result,) = trial.results
    assert is_already(result)
    assert (result.l2, result.confirmed, result.stored_confirmed) == (0.0, True, True)
    assert trial.before == trial.after


def test_several_images_keep_their_order(linear: MakeLinear) -> None:
    classifier, near = linear(0.1, SHAPE)
    twin = replace(near, label=None, name="twin")
    trial = tried(pgd(), classifier, near, twin, dataset="d", indices=(7, 9))
    assert trial.names == (near.name, "twin")
    assert trial.labels == (1, None)
    assert [r.label for r in trial.results] == [1, 1]
    assert (trial.dataset, trial.indices) == ("d", (7, 9))


def test_a_trial_survives_json(linear: MakeLinear) -> None:
    classifier, image = linear(0.2, SHAPE)
    attack = epgd(sigma=None, selector=PICKER)
    trial = tried(attack, classifier, image, self_check=True, queries=5)
    text = json.dumps(to_json(trial), allow_nan=False)
    again = from_json(AttackTrial, json.loads(text))
    assert to_json(again) == to_json(trial)
    assert np.array_equal(again.results[0].stored, trial.results[0].stored)
    assert SELECTORS[trial.selector](**again.selector_settings) == PICKER
    assert replace(attack, selector=None, sigma=1.0) == ATTACKS["epgd"](
        **{**again.settings, "sigma": 1.0}
    )


def steps_of(trial: TryAttack, classifier: Classifier, image: ImageInput) -> list[TrialStep]:
    *steps, last = trial.run(classifier, [image], seed=0, batch_size=64)
    assert isinstance(last, Finished)
    return steps  # type: ignore[return-value]


def test_steps_only_grow_and_show_the_losses_so_far(linear: MakeLinear) -> None:
    classifier, image = linear(0.2, SHAPE)
    trial = TryAttack(attack=epgd(restarts=2), confirm=Confirm(n=200), self_check=True, queries=3)
    steps = steps_of(trial, classifier, image)
    assert {step.total for step in steps} == {trial.most_passes}
    assert all(a.done <= b.done <= b.total for a, b in pairwise(steps))
    assert all("losses" not in vars(step) for step in steps)  # nobody asked, nothing was read
    looking = [s for s in steps if s.phase == "epgd looks"]
    assert [len(s.losses) for s in looking[1:17]] == list(range(1, 17))
    assert looking[-1].losses[:5] == looking[5].losses
    assert steps[-1].losses == looking[-1].losses  # the check's attacks are not this one
    assert looking[0].nearest is None
    assert 0.2 <= looking[-1].nearest <= 0.5 + 1e-6
    assert list(dict.fromkeys(s.phase for s in steps))[1:3] == [
        "fresh noise confirms", "the vote before and after",
    ]  # fmt: skip


def test_a_long_trace_is_thinned(linear: MakeLinear) -> None:
    classifier, image = linear(0.2, SHAPE)
    trial = TryAttack(attack=pgd(steps=450))
    last = [s for s in steps_of(trial, classifier, image) if s.phase == "pgd looks"][-1]
    assert (last.count, last.every) == (450, 3)
    assert len(last.losses) <= MOST_POINTS
    step = TrialStep(0, 1, "", [], 0)
    assert (step.losses, step.nearest, step.every) == ((), None, 1)


def test_an_attack_without_gradients_has_no_losses(linear: MakeLinear) -> None:
    classifier, image = linear(0.2, SHAPE)
    steps = steps_of(TryAttack(attack=ATTACKS["square"](queries=20)), classifier, image)
    assert all(step.losses == () for step in steps)


def test_a_part_that_never_ends_is_a_bug() -> None:
    with pytest.raises(RuntimeError, match="without a result"):
        list(TrialProgress(1).part(iter(()), "", 1))


class Stairs(nn.Module):
    """Blind to small steps: its gradient is 0 everywhere."""

    def forward(self, x: Tensor) -> Tensor:
        score = (x.mean(dim=(1, 2, 3)) * 6).round() - 2.5
        return torch.stack([-score, score], dim=1)


def test_a_masked_gradient_is_flagged_beside_the_result(grey: ImageInput) -> None:
    classifier = Classifier(Stairs(), spec_of(SHAPE, 2))
    trial = tried(pgd(norm="linf", eps=0.3), classifier, grey, self_check=True, queries=60)
    assert trial.check.warnings
    assert any(note.startswith("warning: zero gradient") for note in trial.results[0].notes)


class Severed(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([x.mean(dim=(1, 2, 3)), 1 - x.mean(dim=(1, 2, 3))], dim=1).detach()


class Broken(nn.Module):
    """Its gradient is NaN, its answer is not."""

    def forward(self, x: Tensor) -> Tensor:
        score = x.mean(dim=(1, 2, 3)) + 0 * torch.sqrt(x - x.detach()).sum(dim=(1, 2, 3))
        return torch.stack([1 - score, score], dim=1)


def test_a_network_without_gradients_is_told_what_to_use(grey: ImageInput) -> None:
    classifier = Classifier(Severed(), spec_of(SHAPE, 2))
    with pytest.raises(ParameterError, match="'square', which needs none"):
        tried(pgd(), classifier, grey)
    tried(ATTACKS["square"](queries=5), classifier, grey)


def test_nan_gradients_are_noted(grey: ImageInput) -> None:
    trial = tried(pgd(), Classifier(Broken(), spec_of(SHAPE, 2)), grey)
    assert any("NaN or infinite gradient" in note for note in trial.results[0].notes)
    assert np.isfinite(trial.results[0].adversarial).all()


@pytest.mark.parametrize(
    ("attack", "images", "reason"),
    [
        (pgd(), 0, "no image to attack"),
        (pgd(target=1), 1, "target=1 is its label already"),
        (pgd(target=5), 1, "target=5 is outside the 2 classes"),
    ],
)
def test_what_could_not_end_well_is_refused_beforehand(
    attack: Attack, images: int, reason: str, linear: MakeLinear
) -> None:
    classifier, image = linear(0.2, SHAPE)
    with pytest.raises(ParameterError, match=reason):
        TryAttack(attack=attack).check(classifier, [image] * images)


def test_a_self_check_is_for_attacks_of_pgd_s_kind() -> None:
    with pytest.raises(ParameterError, match="not for ddn: leave it out"):
        TryAttack(attack=ATTACKS["ddn"](), self_check=True)


def test_attacks_for_the_smallest_norm_are_confirmed_further_out() -> None:
    walk = confirmation_for(ATTACKS["ddn"](sigma=SIGMA))
    assert (walk.confirmations, walk.stretch) == (8, 0.02)
    assert confirmation_for(ATTACKS["ddn"](sigma=SIGMA), stretch=0.1).stretch == 0.1
    for attack in (ATTACKS["ddn"](), epgd()):
        assert confirmation_for(attack) == Confirm()


def test_a_clean_vote_that_abstains_is_told(grey: ImageInput) -> None:
    classifier = Classifier(Coin(0.5, SIGMA), spec_of(SHAPE, 2))
    trial = tried(ATTACKS["gaussian"](sigma=SIGMA, tries=2, eps=0.01), classifier, grey)
    assert trial.before[0].predicted(trial.level) is None


def test_results_do_not_hang_on_the_steps(linear: MakeLinear) -> None:
    classifier, image = linear(0.2, SHAPE)
    trial = TryAttack(attack=epgd(), confirm=Confirm(n=200))
    found: Sequence[Any] = [
        drain(trial.run(classifier, [image], seed=1, batch_size=size)) for size in (16, 1024)
    ]
    assert to_json(found[0].before) == to_json(found[1].before)
    assert found[0].after == found[1].after
