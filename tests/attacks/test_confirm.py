"""What counts as an attack: fresh noise decides, and says so at a declared level."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from rs_core import api
from rs_core.attacks import ATTACKS, Confirm
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import drain
from rs_core.images import ImageInput
from rs_core.pixel_grid import snapped
from rs_core.results.attack import AttackResult, as_stored, norms
from rs_core.selectors import FromNetwork
from rs_core.smoothing import Certify, Predict, sampling
from tests.conftest import Coin, MakeLinear, spec_of

SHAPE = (1, 8, 8)


def claimed(image: ImageInput, pixels: np.ndarray, **changes: object) -> AttackResult:
    """A result that says it succeeded, whatever is true."""
    l2, linf = norms(pixels, image.pixels)
    made = AttackResult(
        attack="pgd", target="", label=1, goal=None, adversarial=pixels, success=True, l2=l2,
        linf=linf, stored_l2=l2, stored_linf=linf, loss_trace=(0.0,), sigma=0.25, passes=1,
        weights_id="", image_digest=image.digest, seed=0,
    )  # fmt: skip
    return replace(made, **changes)


def coin(p: float, classes: int = 2) -> Classifier:
    return Classifier(Coin(p, 0.25, classes), spec_of(SHAPE, classes))


def test_noise_that_confirms_is_not_that_of_the_certificate(
    grey: ImageInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even at the very image that was certified, under the same seed."""
    drawn: list[set[int]] = []
    blocks = sampling._blocks

    def recorded(*args: Any, **where: Any) -> Iterator[Any]:
        for block in blocks(*args, **where):
            drawn[-1].add(block.key)
            yield block

    monkeypatch.setattr(sampling, "_blocks", recorded)
    classifier = coin(0.9)
    streams = (
        lambda: Certify(sigma=0.25, n=500).run(classifier, [grey], seed=0),
        lambda: Predict(sigma=0.25, n=500).run(classifier, [grey], seed=0),
        lambda: Confirm(n=500).run(classifier, [grey], [claimed(grey, grey.pixels)], seed=0),
    )
    for stream in streams:
        drawn.append(set())
        drain(stream())
    assert all(drawn)
    assert len(set.union(*drawn)) == sum(map(len, drawn))


def test_a_tie_is_never_confirmed_beyond_its_level(grey: ImageInput) -> None:
    """At p = 1/2 every confirmation of either class is chance: at most alpha / m of them."""
    classifier = coin(0.5)
    confirm = Confirm(n=100, alpha=0.2, confirmations=2)
    result = claimed(grey, grey.pixels)
    hits = sum(
        bool(drain(confirm.run(classifier, [grey], [result], seed=s))[0].confirmed)
        for s in range(300)
    )
    # Each PREDICT errs with at most .1, and half of the errors name the other class.
    assert 0 < hits <= 300 * 0.05 + 4 * (300 * 0.05) ** 0.5


def test_what_is_confirmed_holds_and_is_never_contradicted(linear: MakeLinear) -> None:
    """Attacks that end near the boundary, under many seeds: the closed form and PREDICT agree.

    At alpha = 1e-6 not one of the confirmations may be wrong; many of these points are too near
    the boundary to be confirmed.
    """
    confirm = Confirm(n=300, alpha=1e-6, confirmations=4, stretch=0.02)
    tally = {True: 0, False: 0}
    for seed in range(24):
        classifier, image = linear(0.3, SHAPE, seed=seed)
        weight = classifier.module.weight.double()
        attack = ATTACKS["epgd"](sigma=0.1, draws=2, steps=8, eps=0.29 + 0.004 * seed)
        found = [
            replace(result, success=True)
            for result in drain(attack.run(classifier, [image], seed=seed))
        ]
        sure = drain(confirm.run(classifier, [image], found, seed=seed))
        tally[bool(sure[0].confirmed)] += 1
        if sure[0].confirmed:
            score = torch.from_numpy(sure[0].adversarial).double().flatten() @ weight
            assert float(score) + float(classifier.module.bias) < 0
            again = drain(confirm.run(classifier, [image], sure, seed=1000 + seed))[0]
            assert again.label not in [said.predicted for said in again.confirmations]
    assert min(tally.values()) >= 5


def test_a_lie_about_success_is_not_confirmed(grey: ImageInput) -> None:
    result = claimed(grey, grey.pixels)
    sure = drain(Confirm(n=500).run(coin(0.9), [grey], [result], seed=0))[0]
    assert sure.confirmed is False
    assert sure.stored_confirmed is False
    assert any(note.startswith("unconfirmed: 1 PREDICT returned") for note in sure.notes)
    assert [c.predicted for c in sure.confirmations] == [1]
    flipped = drain(Confirm(n=500).run(coin(0.1), [grey], [result], seed=0))[0]
    assert flipped.confirmed
    assert flipped.stored_confirmed
    assert [c.predicted for c in flipped.confirmations] == [0, 0]
    assert all(c.alpha == 1e-3 / 4 for c in flipped.confirmations)


def test_a_failed_attack_costs_no_confirmation(grey: ImageInput) -> None:
    result = claimed(grey, grey.pixels, success=False)
    sure = drain(Confirm().run(coin(0.1), [grey], [result], seed=0))[0]
    assert sure.confirmed is False
    assert sure.confirmations == ()


def test_a_class_to_reach_must_be_the_one_returned(grey: ImageInput) -> None:
    result = claimed(grey, grey.pixels, goal=2)
    sure = drain(Confirm(n=500).run(coin(0.1, 3), [grey], [result], seed=0))[0]
    assert sure.confirmations[0].predicted == 0
    assert sure.confirmed is False
    assert sure.notes == ("unconfirmed: 1 PREDICT did not return class 2, but returned class 0",)
    named = Classifier(Coin(0.5, 0.25, 3), replace(spec_of(SHAPE, 3), class_names=("a", "b", "c")))
    torn = drain(Confirm(n=500).run(named, [grey], [result], seed=0))[0]
    assert torn.notes == ("unconfirmed: 1 PREDICT did not return class 2 (c), but abstained",)
    other = drain(Confirm(n=500).run(coin(0.1), [grey], [result], seed=0))[0]
    assert "did not return class 2, but returned class 0" in other.notes[0], "it has two classes"


@pytest.mark.parametrize("arithmetic", ["exact", "idealised"])
def test_confirming_noise_is_never_the_attack_s(
    arithmetic: str, linear: MakeLinear, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seeds of every generator, of the attack and then of its confirmation, are disjoint.

    Idealised draws come from the generator that attacks use, too, and by seeds of 32 bits.
    """
    from rs_core.attacks import batch, targets

    seeds: list[int] = []
    drawn, confirming = batch.standard_normal, sampling.unit_noise

    def spy(classifier: Classifier, rows: int, seed: int, dtype: torch.dtype) -> torch.Tensor:
        seeds.append(seed)
        return drawn(classifier, rows, seed, dtype)

    def spy_on_votes(classifier: Classifier, rows: int, key: int, noise: str) -> torch.Tensor:
        seeds.append(key)
        return confirming(classifier, rows, key, noise)

    for room in (targets, batch):
        monkeypatch.setattr(room, "standard_normal", spy)
    monkeypatch.setattr(sampling, "unit_noise", spy_on_votes)
    classifier, image = linear(0.2, SHAPE)
    found = drain(ATTACKS["epgd"](eps=0.5, draws=20, steps=5).run(classifier, [image], seed=0))
    used = set(seeds)
    assert len(used) == len(seeds) - 2  # two judgements share two parts of noise
    seeds.clear()
    drain(Confirm(n=1000, noise=arithmetic).run(classifier, [image], found, seed=0))
    assert len(seeds) == len(set(seeds)) >= 1000 / classifier.block
    assert not used & set(seeds)


def test_it_walks_outwards_until_noise_agrees_and_never_asks_more_than_declared(
    linear: MakeLinear,
) -> None:
    classifier, image = linear(0.5, SHAPE)
    weight = classifier.module.weight.view(SHAPE).numpy()
    near = (image.pixels - np.float32(0.45) * weight).clip(0, 1)
    result = claimed(image, near, sigma=0.1)
    confirm = Confirm(n=2000, confirmations=9, stretch=0.02)
    sure = drain(confirm.run(classifier, [image], [result], seed=0))[0]
    assert sure.confirmed
    assert 0.5 < sure.l2 < 0.55
    assert len(sure.confirmations) == 9
    assert (sure.l2, sure.linf) == norms(sure.adversarial, image.pixels)
    few = replace(confirm, confirmations=3)
    held = drain(few.run(classifier, [image], [result], seed=0))[0]
    assert held.confirmed is False
    assert len(held.confirmations) == 2
    assert np.array_equal(held.adversarial, near)


def test_it_walks_inwards_from_a_point_that_lies_farther_out_than_it_must(
    linear: MakeLinear,
) -> None:
    classifier, image = linear(0.5, SHAPE)
    weight = classifier.module.weight.view(SHAPE).numpy()
    far = (image.pixels - np.float32(0.8) * weight).clip(0, 1)
    result = claimed(image, far, sigma=0.1)
    confirm = Confirm(n=2000, confirmations=10, stretch=0.05)
    sure = drain(confirm.run(classifier, [image], [result], seed=0))[0]
    assert sure.confirmed
    assert 0.5 < sure.l2 < 0.55 < result.l2
    assert (sure.l2, sure.linf) == norms(sure.adversarial, image.pixels)
    assert len(sure.confirmations) == 10
    still = drain(replace(confirm, stretch=0.0).run(classifier, [image], [result], seed=0))[0]
    assert still.l2 == norms(snapped(far), image.pixels)[0]
    assert len(still.confirmations) == 2


def test_points_are_moved_to_the_grid_before_they_are_judged(linear: MakeLinear) -> None:
    classifier, image = linear(0.5, SHAPE)
    weight = classifier.module.weight.view(SHAPE).numpy()
    far = (image.pixels - np.float32(0.6) * weight).clip(0, 1)
    result = claimed(image, far, sigma=0.1)
    sure = drain(Confirm(n=500).run(classifier, [image], [result], seed=0))[0]
    assert sure.confirmed
    assert not np.array_equal(far, snapped(far))
    assert np.array_equal(sure.adversarial, snapped(far))
    assert sure.l2 == norms(snapped(far), image.pixels)[0]
    assert {c.noise for c in sure.confirmations} == {"gaussian-grid"}


def test_the_network_itself_is_looked_at_again(linear: MakeLinear) -> None:
    classifier, image = linear(0.3, SHAPE)
    found = drain(ATTACKS["pgd"](eps=0.5).run(classifier, [image], seed=0))
    sure = drain(Confirm().run(classifier, [image], found, seed=0))[0]
    assert sure.confirmed
    assert [c.n for c in sure.confirmations] == [1, 1]
    lie = claimed(image, image.pixels, sigma=None)
    assert drain(Confirm().run(classifier, [image], [lie], seed=0))[0].confirmed is False


def test_an_answer_that_is_mostly_nan_confirms_nothing(grey: ImageInput) -> None:
    """The next class would be sure of itself, 400 to 0, where INVALID has 600 votes."""

    class Often(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            answer = torch.tensor([1.0, 0.0]).expand(len(x), 2)
            return torch.where(x[:, :1, 0, 0] > 0.5 - 0.25 * 0.25, torch.nan, answer)

    classifier = Classifier(Often(), spec_of(SHAPE, 2))
    sure = drain(Confirm(n=1000).run(classifier, [grey], [claimed(grey, grey.pixels)], seed=0))[0]
    (said,) = sure.confirmations
    assert said.counts[-1] > said.counts[0] > 300
    assert said.predicted is None
    assert sure.confirmed is False


def test_an_answer_of_nan_confirms_nothing(grey: ImageInput) -> None:
    class Silent(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.full((len(x), 2), torch.nan)

    classifier = Classifier(Silent(), spec_of(SHAPE, 2))
    for sigma in (None, 0.25):
        result = claimed(grey, grey.pixels, sigma=sigma)
        sure = drain(Confirm().run(classifier, [grey], [result], seed=0))[0]
        assert sure.confirmed is False


def test_a_small_flip_can_be_lost_when_it_is_stored_in_8_bits(linear: MakeLinear) -> None:
    classifier, image = linear(0.002, SHAPE)
    found = drain(ATTACKS["pgd"](eps=0.003).run(classifier, [image], seed=0))
    sure = drain(Confirm().run(classifier, [image], found, seed=0))[0]
    assert sure.confirmed
    assert np.array_equal(sure.stored, as_stored(sure.adversarial))
    assert sure.stored_confirmed == (
        float(torch.from_numpy(sure.stored).flatten() @ classifier.module.weight)
        + float(classifier.module.bias)
        <= 0
    )
    assert sure.stored_l2 == norms(sure.stored, image.pixels)[0]


def test_the_pipeline_picks_sigma_for_the_adversarial_image(linear: MakeLinear) -> None:
    classifier, image = linear(0.3, SHAPE)
    picker = FromNetwork(network=lambda x: 0.01 + x.mean(dim=(1, 2, 3)))
    attack = ATTACKS["epgd"](sigma=None, selector=picker, reselect=1, eps=0.5, steps=10)
    found = drain(attack.run(classifier, [image], seed=0))
    sure = drain(Confirm(n=500, selector=picker).run(classifier, [image], found, seed=0))[0]
    assert sure.sigma == pytest.approx(0.01 + sure.adversarial.mean(), rel=1e-5)


def test_results_of_other_images_are_refused(linear: MakeLinear) -> None:
    classifier, image = linear(0.3, SHAPE)
    other = linear(0.3, SHAPE, seed=1)[1]
    result = claimed(image, image.pixels)
    with pytest.raises(ParameterError, match="another image"):
        drain(Confirm().run(classifier, [other], [result], seed=0))
    with pytest.raises(ParameterError, match="1 results for 2 images"):
        drain(Confirm().run(classifier, [image, other], [result], seed=0))
    large = claimed(image, np.zeros((3, 8, 8), np.float32))
    with pytest.raises(ParameterError, match="attack that network"):
        drain(Confirm().run(classifier, [image], [large], seed=0))


def test_one_call_attacks_and_confirms(linear: MakeLinear) -> None:
    classifier, image = linear(0.2, SHAPE)
    attack = ATTACKS["epgd"](eps=0.6, sigma=0.1, steps=10)
    assert api.attack(classifier, image, attack=attack).confirmed is None
    assert api.attack(classifier, image, attack=attack, confirm=Confirm(n=500)).confirmed
    assert api.attack(classifier, image, attack=attack, label=0).l2 == 0
