"""On a linear network the smallest perturbation is known; every attack must reach it."""

import numpy as np
import pytest
import torch

from rs_core.attacks import ATTACKS, Attack, Confirm
from rs_core.classifiers import Classifier
from rs_core.events import drain
from rs_core.images import ImageInput
from tests.conftest import MakeLinear

MARGIN = 1.0
SHAPE = (3, 16, 16)


def distances(classifier: Classifier, image: ImageInput) -> tuple[float, float]:
    """(l2, linf) from the image to the other class, inside the pixel box, by bisection.

    In either norm the nearest point moves against the weights and stops at the box: along
    -t w (l2) or -t sign(w) (linf), clamped. Its score falls with t, so a bisection finds it.
    """
    weight = classifier.module.weight.double().numpy()
    bias = float(classifier.module.bias)
    pixels = image.pixels.astype(np.float64).ravel()
    found = []
    for direction, order in ((weight, 2), (np.sign(weight), np.inf)):
        low, high = 0.0, 1e3
        for _ in range(100):
            middle = (low + high) / 2
            moved = np.clip(pixels - middle * direction, 0, 1)
            low, high = (middle, high) if moved @ weight + bias > 0 else (low, middle)
        gap = np.clip(pixels - high * direction, 0, 1) - pixels
        found.append(float(np.linalg.norm(gap, order)))
    return found[0], found[1]


def test_the_oracle_knows_the_margin_where_the_box_is_far(linear: MakeLinear) -> None:
    classifier, image = linear(0.01, SHAPE)
    weight = classifier.module.weight.numpy()
    assert distances(classifier, image)[0] == pytest.approx(0.01, rel=0.01)
    assert distances(classifier, image)[1] == pytest.approx(0.01 / np.abs(weight).sum(), rel=0.05)


@pytest.mark.parametrize(
    "attack",
    [
        ATTACKS["ddn"](),
        ATTACKS["cw"](rate=0.01, steps=300, trade=1.0, rounds=9),
        ATTACKS["minimal"](sigma=0.1, draws=2, steps=20),
        ATTACKS["minimal"](sigma=0.1, draws=2, steps=20, method="bisection"),
        ATTACKS["minimal"](sigma=0.1, draws=2, steps=60, method="decay"),
    ],
    ids=["ddn", "cw", "minimal", "minimal by bisection", "minimal by decay"],
)
def test_the_smallest_l2_norm_is_found_within_one_percent(
    attack: Attack, linear: MakeLinear
) -> None:
    classifier, image = linear(MARGIN, SHAPE)
    least = distances(classifier, image)[0]
    found = drain(attack.run(classifier, [image], seed=0))[0]
    assert found.success
    # Smoothed, the judging copies decide: their mean can be off by sigma / sqrt(128).
    slack = 0.0 if found.sigma is None else found.sigma / 128**0.5 / least * 0.5
    assert least * (0.9999 - slack) <= found.l2 <= least * 1.01


@pytest.mark.parametrize("name", ["pgd", "epgd", "minimal"])
@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_a_ball_one_percent_larger_than_the_distance_is_enough_and_a_smaller_one_is_not(
    name: str, norm: str, linear: MakeLinear
) -> None:
    classifier, image = linear(MARGIN, SHAPE)
    least = distances(classifier, image)[norm == "linf"]
    options = {} if name == "pgd" else {"sigma": 0.02, "draws": 4, "judged": 256}
    for share, expected in ((1.01, True), (0.99, False)):
        attack = ATTACKS[name](norm=norm, eps=share * least, steps=40, **options)
        found = drain(attack.run(classifier, [image], seed=1))[0]
        assert found.success == expected
        assert (found.l2 if norm == "l2" else found.linf) <= share * least * (1 + 1e-5)


def test_minimal_finds_the_smallest_linf_norm(linear: MakeLinear) -> None:
    classifier, image = linear(MARGIN, SHAPE)
    least = distances(classifier, image)[1]
    attack = ATTACKS["minimal"](
        norm="linf", sigma=0.02, draws=4, eps=0.5, judged=256, rounds=12, steps=20
    )
    found = drain(attack.run(classifier, [image], seed=0))[0]
    assert found.success
    assert least * 0.995 <= found.linf <= least * 1.01


def test_fgsm_is_one_step_of_length_eps(linear: MakeLinear) -> None:
    classifier, image = linear(MARGIN, SHAPE)
    eps = distances(classifier, image)[1] * 1.01
    found = drain(ATTACKS["fgsm"](eps=eps).run(classifier, [image], seed=0))[0]
    assert found.success
    weight = classifier.module.weight.view(SHAPE).numpy()
    by_hand = np.clip(image.pixels - np.float32(eps) * np.sign(weight), 0, 1)
    np.testing.assert_allclose(found.adversarial, by_hand, atol=1e-6)


def test_the_smallest_norm_is_confirmed_within_one_percent(linear: MakeLinear) -> None:
    classifier, image = linear(MARGIN, SHAPE)
    least = distances(classifier, image)[0]
    attack = ATTACKS["minimal"](sigma=0.05, draws=4, steps=30)
    found = drain(attack.run(classifier, [image], seed=0))
    confirm = Confirm(n=20_000, alpha=0.01, confirmations=8, stretch=0.001)
    sure = drain(confirm.run(classifier, [image], found, seed=0))[0]
    assert sure.confirmed
    assert least < sure.l2 <= 1.01 * least
    score = torch.tensor(sure.adversarial).flatten() @ classifier.module.weight
    assert float(score + classifier.module.bias) < 0
