from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from rs_core import api
from rs_core.attacks import ATTACKS
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError, UnknownNameError
from rs_core.images import ImageInput
from rs_core.selectors import SELECTORS
from rs_core.smoothing import Predict
from tests.conftest import Coin, spec_of

VERBS = [
    (api.certify, {"sigma": 0.25, "n": 100}),
    (api.certify_sequential, {"sigma": 0.25, "n": 1000, "target_radius": 0.1}),
    (api.sweep, {"sigmas": (0.25,), "n": 100}),
    (api.predict, {"sigma": 0.25, "n": 100}),
    (api.sandwich, {"sigma": 0.25, "n": 100}),
]
Verb = Callable[..., Any]


@pytest.fixture
def coin() -> Classifier:
    return Classifier(Coin(0.95, 0.25), spec_of((1, 8, 8), 2))


@pytest.mark.parametrize(("verb", "options"), VERBS)
@pytest.mark.parametrize("image", ["digit.png", np.zeros((8, 8), np.uint8), None])
def test_what_is_no_loaded_image_is_refused(
    coin: Classifier, verb: Verb, options: dict[str, Any], image: object
) -> None:
    with pytest.raises(
        ParameterError, match=r"load it with load_image.source, classifier.spec.\.$"
    ):
        verb(coin, image, **options)


@pytest.mark.parametrize(("verb", "options"), VERBS)
def test_a_name_is_no_classifier(grey: ImageInput, verb: Verb, options: dict[str, Any]) -> None:
    with pytest.raises(
        ParameterError, match=r"classifier='mnist-conv4' is no Classifier: make one"
    ):
        verb("mnist-conv4", grey, **options)


@pytest.mark.parametrize(("verb", "options"), VERBS)
def test_seeds_are_held_to_their_range(
    coin: Classifier, grey: ImageInput, verb: Verb, options: dict[str, Any]
) -> None:
    for seed in (-1, 1.5, True, "7", 2**64):
        with pytest.raises(ParameterError, match="seed="):
            verb(coin, grey, seed=seed, **options)


@pytest.mark.parametrize(("verb", "options"), VERBS)
def test_a_field_that_is_not_there_is_named(
    coin: Classifier, grey: ImageInput, verb: Verb, options: dict[str, Any]
) -> None:
    with pytest.raises(UnknownNameError, match=r"'alhpa'\. Did you mean 'alpha'\?"):
        verb(coin, grey, alhpa=0.1, **options)


@pytest.mark.parametrize("verb", [api.certify, api.certify_sequential, api.predict])
def test_a_field_that_is_needed_is_named(coin: Classifier, grey: ImageInput, verb: Verb) -> None:
    with pytest.raises(ParameterError, match="without sigma: give it, noise"):
        verb(coin, grey)


def test_results_print_without_their_pixels(grey: ImageInput) -> None:
    flat = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2))
    net = Classifier(flat, spec_of((1, 8, 8), 2))
    found = api.sandwich(net, grey, sigma=0.25, n=200, steps=10, draws=2, rounds=2)
    assert found.attack is not None
    for shown in (repr(found), repr(grey)):
        assert "array(" not in shown
        assert len(shown) < 3000


def test_results_record_plain_values(coin: Classifier, grey: ImageInput) -> None:
    given = {"sigma": np.float32(0.25), "n": 1e2, "alpha": np.float64(0.01), "n0": np.int64(10)}
    found = api.certify(coin, grey, seed=np.int64(3), **given)
    assert (found.sigma, found.n, found.alpha, found.n0, found.seed) == (0.25, 100, 0.01, 10, 3)
    kinds = [type(v) for v in (found.sigma, found.n, found.alpha, found.n0, found.seed)]
    assert kinds == [float, int, float, int, int]
    assert found == api.certify(coin, grey, seed=3, sigma=0.25, n=100, alpha=0.01, n0=10)


def test_a_seed_is_held_where_the_draws_are(coin: Classifier, grey: ImageInput) -> None:
    with pytest.raises(ParameterError, match="seed=-1"):
        list(Predict(sigma=0.25).run(coin, [grey], seed=-1))


def test_an_attack_is_named_or_made(grey: ImageInput) -> None:
    flat = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2))
    net = Classifier(flat, spec_of((1, 8, 8), 2))
    named = api.attack(net, grey, attack="pgd", eps=0.5, steps=2, seed=0)
    made = api.attack(net, grey, attack=ATTACKS["pgd"](eps=0.5, steps=2), seed=0)
    assert (named.l2, named.success) == (made.l2, made.success)
    with pytest.raises(UnknownNameError, match="epdg"):
        api.attack(net, grey, attack="epdg")
    with pytest.raises(UnknownNameError, match="unknown attack"):
        api.attack(net, grey, attack=["pgd"])
    with pytest.raises(UnknownNameError, match="step_sise"):
        api.attack(net, grey, attack="pgd", step_sise=0.1)
    with pytest.raises(ParameterError, match="eps"):
        api.attack(net, grey, attack="pgd", eps=-1.0)
    with pytest.raises(ParameterError, match="the attack is made already"):
        api.attack(net, grey, attack=ATTACKS["pgd"](), eps=1.0)


def parts_of(found: Any) -> list[Any]:
    """Every part of a result that names a seed."""
    kinds = (api.Certificate, api.Prediction, api.AttackResult)
    own = [found] if isinstance(found, kinds) else []
    inner = vars(found).values() if hasattr(found, "__dict__") else found
    nested = [one for one in inner if hasattr(one, "__dict__") or isinstance(one, tuple)]
    return own + [part for one in nested for part in parts_of(one)]


@pytest.mark.parametrize(("verb", "options"), VERBS)
def test_a_drawn_seed_is_recorded_and_repeats_the_result(
    coin: Classifier, grey: ImageInput, verb: Verb, options: dict[str, Any]
) -> None:
    first, second = (parts_of(verb(coin, grey, **options)) for _ in range(2))
    assert {part.seed_given for part in first} == {False}
    assert first[0].seed != second[0].seed  # once in 2**64
    again = parts_of(verb(coin, grey, seed=first[0].seed, **options))
    assert {part.seed_given for part in again} == {True}
    assert [part.seed for part in again] == [part.seed for part in first]
    assert getattr(again[0], "counts", None) == getattr(first[0], "counts", None)


def test_a_given_seed_is_named_in_the_sentence(coin: Classifier, grey: ImageInput) -> None:
    options: dict[str, Any] = {"sigma": 0.25, "n": 100}
    given = api.certify(coin, grey, seed=7, **options).statement
    assert "seed 7 given: the risk holds for an image that was chosen without it" in given
    assert "seed" not in api.certify(coin, grey, **options).statement


def test_a_selection_names_its_seed(coin: Classifier, grey: ImageInput) -> None:
    selector = SELECTORS["fixed"](sigma=0.25)
    assert api.select(coin, grey, selector=selector, seed=7).seed == 7
    drawn = api.select(coin, grey, selector=selector)
    assert (drawn.seed is not None, drawn.seed_given) == (True, False)
