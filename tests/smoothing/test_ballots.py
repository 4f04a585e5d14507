"""Votes of every kind: what they say, how ties go, when they agree, and that one loop draws."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor, nn

from rs_core.classifiers import Classifier
from rs_core.errors import ModelFileError, ParameterError, UnknownNameError
from rs_core.events import drain
from rs_core.experiments.studies.attacks import check_votes
from rs_core.images import ImageInput
from rs_core.smoothing import Certify, Predict, draw_votes
from rs_core.smoothing.ballots import VOTES, draw_logits, rules_of, top_two
from tests.conftest import Coin, MakeLinear, spec_of


def logits(classes: int | None = None, copies: int | None = None) -> st.SearchStrategy:
    """(2, M, K) with many ties."""
    shapes = st.tuples(
        st.just(2),
        st.integers(1, 9) if copies is None else st.just(copies),
        st.integers(2, 5) if classes is None else st.just(classes),
    )
    values = st.integers(-3, 3).map(float)
    return shapes.flatmap(lambda shape: arrays(np.float32, shape, elements=values))


@given(logits())
def test_hard_votes_are_the_histograms_argmax(found: np.ndarray) -> None:
    for row, said in zip(found, VOTES["hard"](found), strict=True):
        counts = np.bincount(row.argmax(axis=-1), minlength=row.shape[-1])
        assert said == counts.argmax()


@given(logits())
def test_soft_and_mean_logits_are_means(found: np.ndarray) -> None:
    wide = torch.from_numpy(found).double()
    assert (VOTES["logits"](found) == wide.mean(dim=1).argmax(dim=-1).numpy()).all()
    means = wide.softmax(dim=-1).mean(dim=1)
    said = torch.from_numpy(VOTES["soft"](found))
    best = means.gather(1, said[:, None]).squeeze(1)
    assert torch.allclose(best, means.amax(dim=1), rtol=0, atol=1e-12)


@given(logits(copies=1))
def test_one_copy_says_the_same_under_every_rule(found: np.ndarray) -> None:
    network = found[:, 0].argmax(axis=-1)
    for rule in VOTES.values():
        assert (rule(found) == network).all()


@given(logits(), st.integers(2, 6))
def test_copies_that_are_alike_say_the_same_under_every_rule(found: np.ndarray, times: int) -> None:
    alike = np.repeat(found[:, :1], times, axis=1)
    for rule in VOTES.values():
        assert (rule(alike) == alike[:, 0].argmax(axis=-1)).all()


@given(logits(classes=2), st.sampled_from([0.0, 0.25, 0.5, 0.75]))
def test_of_two_classes_places_are_one_rule(found: np.ndarray, c: float) -> None:
    hard = VOTES["hard"](found)
    assert (VOTES["rank"](found) == hard).all()
    assert (top_two(c)(found) == hard).all()


@given(logits())
def test_no_weight_for_second_places_is_hard_voting(found: np.ndarray) -> None:
    assert (top_two(0.0)(found) == VOTES["hard"](found)).all()


def test_places_are_weighted_as_the_paper_has_them() -> None:
    """Three copies put class 0 first, 1 second, 2 third; two put 1, 2, 0."""
    found = np.array([[[3, 2, 1]] * 3 + [[1, 3, 2]] * 2], dtype=np.float32)
    assert VOTES["hard"](found) == 0
    assert VOTES["rank"](found) == 0  # 3 + 2/4 = 3.5 against 3/2 + 2 = 3.5: a tie, first index
    assert top_two(0.3)(found) == 0  # 3 against 2.9
    assert top_two(0.5)(found) == 1  # 3 against 3.5
    heavier = np.array([[[3, 2, 1]] * 3 + [[1, 3, 2]] * 3], dtype=np.float32)
    assert VOTES["hard"](heavier) == 0  # 3 each
    assert VOTES["rank"](heavier) == 1  # 3.75 against 4.5


def test_rules_differ_where_the_paper_says_so() -> None:
    sure, unsure = [0.0, 9.0], [0.1, 0.0]
    found = np.array([[sure, unsure, unsure]], dtype=np.float32)
    assert VOTES["hard"](found) == 0
    assert VOTES["soft"](found) == 1
    assert VOTES["logits"](found) == 1


@pytest.mark.parametrize("name", VOTES)
def test_the_first_index_wins_a_tie(name: str) -> None:
    even = np.array([[[-1, 1, 0], [-1, 0, 1]], [[1, 1, 0], [1, 1, 0]]], dtype=np.float32)
    assert list(VOTES[name](even)) == [1, 0]


@pytest.mark.parametrize("name", VOTES)
def test_a_copy_without_an_answer_votes_for_no_class(name: str) -> None:
    bad, good = [np.nan, 0.0, 0.0], [0.0, 0.0, 1.0]
    rows = np.array([[good, bad], [bad, bad], [[np.inf, 0, 0], good]], dtype=np.float32)
    # One copy against one is no majority.
    assert list(VOTES[name](rows)) == [2, 3, 2]
    assert VOTES[name](np.array([[bad, bad, good]], dtype=np.float32)) == 3


def test_only_hard_voting_counts_invalid_copies_as_a_class() -> None:
    bad, none, one = [np.nan, 0.0, 0.0], [3.0, 2.0, 1.0], [2.0, 3.0, 1.0]
    rows = np.array([[bad, bad, none, one]], dtype=np.float32)
    assert {name: int(rule(rows)[0]) for name, rule in VOTES.items()} == {
        "hard": 3, "soft": 0, "logits": 0, "rank": 0, "top2": 0,
    }  # fmt: skip


def test_names_and_weights_are_checked() -> None:
    with pytest.raises(ParameterError, match="0 to 1"):
        top_two(1.5)
    assert list(rules_of(("top2", "hard"), 0.0)) == ["top2", "hard"]
    assert check_votes(["soft"]) == ("soft",)
    for wrong in ((), ("hard", "hard"), "hard"):
        with pytest.raises(ParameterError, match="once"):
            check_votes(wrong)
    with pytest.raises(UnknownNameError, match="vote"):
        check_votes(("harder",))


@settings(max_examples=10, deadline=None)
@given(n=st.integers(1, 150), threads=st.integers(1, 2))
def test_the_copies_are_those_that_vote_and_nest(n: int, threads: int) -> None:
    classifier, image = _coin()
    sigmas = np.array([[0.1, 0.5]])
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        named = {"seed": 3, "caller": "study"}
        found = drain(draw_logits(classifier, [image], sigmas, n, **named))
        votes = drain(draw_votes(classifier, [image], sigmas, n, stage="predict", **named))
        most = drain(draw_logits(classifier, [image], sigmas, 150, **named))
    finally:
        torch.set_num_threads(before)
    assert found.shape == (1, 2, n, 2)
    assert (most[:, :, :n] == found).all()
    for s in range(2):
        counts = np.bincount(found[0, s].argmax(axis=-1), minlength=3)
        assert list(counts) == list(votes.counts[0, s])


def _coin() -> tuple[Classifier, ImageInput]:
    from rs_core.images import image_from_array

    spec = spec_of((1, 8, 8), 2)
    image = image_from_array(np.full((8, 8, 1), 128, np.uint8), spec, label=1)
    return Classifier(Coin(0.7, 0.5), spec), image


def test_without_noise_the_network_answers(linear: MakeLinear) -> None:
    classifier, image = linear(0.5, (1, 8, 8))
    found = drain(draw_logits(classifier, [image], np.zeros((1, 1)), 3, seed=0, caller="study"))
    assert np.ptp(found, axis=2).max() == 0
    assert VOTES["hard"](found[:, 0]) == 1
    with pytest.raises(ParameterError, match="sigma"):
        drain(draw_votes(classifier, [image], np.zeros((1, 1)), 3, seed=0, caller="x",
                         stage="predict"))  # fmt: skip
    with pytest.raises(ParameterError, match="sigma"):
        drain(draw_logits(classifier, [image], -np.ones((1, 1)), 3, seed=0, caller="x"))


class Shaky(nn.Module):
    """Answers 1 with probability 3/4, by a draw that the whole batch shares."""

    def forward(self, x: Tensor) -> Tensor:
        score = (torch.rand(1) < 0.75).float() - 0.5 + 0 * x.flatten(1).sum(dim=1)
        return torch.stack([-score, score], dim=1)


class Noisy(nn.Module):
    """Never says the same twice."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.randn(len(x), 2)


def test_noise_of_its_own_must_be_declared() -> None:
    spec = spec_of((1, 8, 8), 2)
    with pytest.raises(ModelFileError, match="random=True"):
        Classifier(Noisy(), spec)
    assert Classifier(Noisy(), spec, random=True).random


def test_a_network_with_noise_of_its_own_votes_and_is_never_certified(grey: ImageInput) -> None:
    spec = spec_of((1, 8, 8), 2)
    classifier = Classifier(Shaky(), spec, random=True)
    named = {"seed": 0, "caller": "study"}
    state = torch.random.get_rng_state()
    found = drain(draw_logits(classifier, [grey], np.array([[0.0, 0.3]]), 400, **named))
    again = drain(draw_logits(classifier, [grey], np.array([[0.3]]), 400, **named))
    assert torch.equal(state, torch.random.get_rng_state())
    assert (found[:, 1:] == again).all()
    ones = (found.argmax(axis=-1) == 1).mean(axis=-1)
    assert np.abs(ones - 0.75).max() < 5 * np.sqrt(0.75 * 0.25 / 400)
    assert VOTES["hard"](found[:, 0]) == 1
    first = found[0, 0, :64].argmax(axis=-1)
    assert 0 < first.sum() < 64  # one pass of the network would be of one mind
    for verb in (Certify(sigma=0.5, n=200), Predict(sigma=0.5)):
        with pytest.raises(ParameterError, match="noise of its own"):
            drain(verb.run(classifier, [grey], seed=0))


def test_a_random_network_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(ModelFileError, match="class names"):
        Classifier(Shaky(), spec_of((1, 8, 8), 3), random=True)
