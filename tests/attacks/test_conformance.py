"""What holds for every attack, whatever its method."""

import json
import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from rs_core.attacks import ATTACKS, Attack, Confirm
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, drain
from rs_core.fields import describe_fields
from rs_core.images import ImageInput
from rs_core.results import from_json, to_json
from rs_core.results.attack import ALREADY, ALREADY_ITSELF, AttackResult, norms
from tests.attacks.conftest import SETTINGS


def as_text(results: tuple[AttackResult, ...]) -> str:
    return json.dumps(to_json(list(results)))


def test_every_registered_attack_is_held_to_this() -> None:
    assert set(SETTINGS) == set(ATTACKS)
    assert all(SETTINGS[name].name == name for name in SETTINGS)
    assert all(describe_fields(kind) for kind in ATTACKS.values())
    assert all(kind() for kind in ATTACKS.values())


@pytest.mark.parametrize("name", ATTACKS)
def test_what_lists_say_of_an_attack_is_so(name: str) -> None:
    kind = ATTACKS[name]
    assert 5 < len(kind.about) < 60
    assert kind.needs_noise == (kind().sigma is not None)
    if kind.needs_noise:
        with pytest.raises(ParameterError, match="sigma"):
            replace(kind(), sigma=None)


@pytest.mark.parametrize("name", SETTINGS)
def test_an_attack(name: str, network: Classifier, images: list[ImageInput]) -> None:
    attack = SETTINGS[name]
    weights = {k: v.clone() for k, v in network.module.state_dict().items()}
    pixels = [image.pixels.copy() for image in images]
    torch.manual_seed(5)
    before = torch.get_rng_state(), random.getstate()
    *steps, last = list(attack.run(network, images, seed=3))
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == random.getstate()
    for key, value in network.module.state_dict().items():
        assert torch.equal(value, weights[key])
    assert all((i.pixels == kept).all() for i, kept in zip(images, pixels, strict=True))
    assert isinstance(last, Finished)
    assert not any(isinstance(step, Finished) for step in steps)
    assert [s.done for s in steps] == sorted({s.done for s in steps})
    assert {s.total for s in steps} == {len(images) * attack.passes}
    assert steps[-1].done == steps[-1].total
    for image, found in zip(images, last.result, strict=True):
        assert_sound(found, image, attack, network)
    again = drain(attack.run(network, images, seed=3))
    assert as_text(again) == as_text(last.result)
    for found in last.result:
        back = from_json(AttackResult, json.loads(json.dumps(to_json(found))))
        assert as_text((back,)) == as_text((found,))


def assert_sound(
    found: AttackResult, image: ImageInput, attack: Attack, network: Classifier
) -> None:
    adversarial = found.adversarial
    assert adversarial.shape == image.pixels.shape
    assert adversarial.dtype == np.float32
    assert adversarial.min() >= 0
    assert adversarial.max() <= 1
    assert (found.l2, found.linf) == norms(adversarial, image.pixels)
    assert (found.stored_l2, found.stored_linf) == norms(found.stored, image.pixels)
    assert np.array_equal(np.round(found.stored * 255) / np.float32(255), found.stored)
    if hasattr(attack, "eps"):
        held = found.l2 if attack.norm == "l2" else found.linf
        assert held <= attack.eps + (0 if attack.norm == "l2" else 6e-8)
    assert found.confirmed is None
    assert found.attack == attack.name
    assert found.image_digest == image.digest
    assert len(found.loss_trace) > 0
    assert np.isfinite(found.loss_trace).all()
    if found.sigma is None:
        with torch.no_grad():
            said = int(network(torch.from_numpy(adversarial)[None]).argmax())
        assert found.success == (said != found.label)


def test_an_image_alone_is_attacked_as_in_a_set(
    network: Classifier, images: list[ImageInput]
) -> None:
    attack = SETTINGS["epgd"]
    found = drain(attack.run(network, images, seed=3))
    alone = drain(attack.run(network, images[2:3], seed=3))
    np.testing.assert_allclose(alone[0].adversarial, found[2].adversarial, atol=1e-3)
    other = drain(attack.run(network, images, seed=4))
    assert as_text(other) != as_text(found)


@pytest.mark.parametrize("name", SETTINGS)
def test_nothing_is_confirmed_that_fresh_noise_does_not_confirm(
    name: str, network: Classifier, images: list[ImageInput]
) -> None:
    """Labels that no image has: each counts as misclassified, or its attack as trivial."""
    found = drain(SETTINGS[name].run(network, images, seed=1))
    sure = drain(Confirm(n=400).run(network, images, found, seed=2))
    for result in sure:
        assert result.confirmed is not None
        if result.confirmed:
            *asked, stored = result.confirmations
            assert result.success
            assert asked[-1].predicted not in (None, result.label)
            assert result.stored_confirmed == (stored.predicted not in (None, result.label))


@pytest.mark.parametrize("name", SETTINGS)
def test_an_attack_can_be_left_in_the_middle(
    name: str, network: Classifier, images: list[ImageInput]
) -> None:
    stream = SETTINGS[name].run(network, images, seed=3)
    assert isinstance(next(stream), Step)
    stream.close()
    whole = drain(SETTINGS[name].run(network, images, seed=3))
    assert as_text(whole) == as_text(drain(SETTINGS[name].run(network, images, seed=3)))


@pytest.mark.parametrize("name", SETTINGS)
def test_an_image_that_is_misclassified_already_has_the_upper_bound_0(
    name: str, network: Classifier, images: list[ImageInput]
) -> None:
    attack = SETTINGS[name]
    if attack.sigma is not None:  # little noise, so that there is no doubt about the class
        attack = replace(attack, sigma=0.02)
    said = drain(attack.run(network, images[:1], seed=3))[0].label
    wrong = replace(images[0], label=(said + 1) % 10)
    found = drain(attack.run(network, [wrong], seed=3))[0]
    assert found.success
    assert found.l2 == found.linf == found.stored_l2 == 0
    assert (ALREADY_ITSELF if attack.sigma is None else ALREADY) in found.notes
    assert np.array_equal(found.adversarial, wrong.pixels)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_label_given_beats_the_image_s_own(
    name: str, network: Classifier, images: list[ImageInput]
) -> None:
    own = replace(images[0], label=3)
    assert drain(SETTINGS[name].run(network, [own], seed=0))[0].label == 3
    given = drain(SETTINGS[name].run(network, [own], labels=[5], seed=0))[0]
    assert given.label == 5


@pytest.mark.parametrize("name", [n for n in SETTINGS if n not in ("fgsm", "gaussian")])
def test_a_class_to_reach_is_reached(
    name: str, network: Classifier, images: list[ImageInput]
) -> None:
    attack = replace(SETTINGS[name], target=2, **({"targets": 0} if name == "pgd" else {}))
    for image, result in zip(images, drain(attack.run(network, images, seed=0)), strict=True):
        if result.success and result.sigma is None:
            with torch.no_grad():
                said = int(network(torch.from_numpy(result.adversarial)[None]).argmax())
            assert said == result.goal == 2, image.name


def test_no_images_no_results(network: Classifier) -> None:
    assert drain(SETTINGS["pgd"].run(network, [], seed=0)) == ()


@pytest.mark.parametrize("name", SETTINGS)
def test_what_is_refused(name: str, network: Classifier, images: list[ImageInput]) -> None:
    attack = SETTINGS[name]
    with pytest.raises(ParameterError, match="label=10 is outside the 10 classes"):
        drain(attack.run(network, images[:1], labels=[10], seed=0))
    with pytest.raises(ParameterError, match="2 labels for 1 images"):
        drain(attack.run(network, images[:1], labels=[1, 2], seed=0))
    aimed = replace(attack, target=4, **({"targets": 0} if name == "pgd" else {}))
    with pytest.raises(ParameterError, match="target=4 is its label already"):
        drain(aimed.run(network, images[:1], labels=[4], seed=0))
    with pytest.raises(ParameterError, match="target=40 is outside"):
        drain(replace(aimed, target=40).run(network, images[:1], seed=0))
    odd = replace(images[0], pixels=images[0].pixels[:, :14])
    with pytest.raises(ParameterError, match="does not fit"):
        drain(attack.run(network, [odd], seed=0))
    with pytest.raises(ParameterError, match="seed="):
        drain(attack.run(network, images[:1], seed=-1))
