"""Studies on a linear network: accuracies under attack are the share of margins that are left."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, drain
from rs_core.experiments.studies import Frontier, NoiseCurve, StrengthCurve, StudyStep
from rs_core.experiments.studies.attacks import attacked, epgd_of, pgd_of, study_set
from rs_core.experiments.studies.pipelines import methods_of
from rs_core.experiments.studies.progress import StudyProgress
from rs_core.images import ImageInput, image_from_array
from rs_core.results import from_json, to_json
from rs_core.results.study import (
    PREDICTED,
    AttackFacts,
    NoiseStudy,
    facts_of,
    share,
)
from rs_core.selectors import Fixed, FromNetwork, Grid
from tests.conftest import spec_of
from tests.experiments.studies.conftest import MARGINS, SHAPE, World
from tests.smoothing.test_ballots import Shaky

QUICK: dict[str, Any] = {"steps": 5, "draws": 2, "eps": 0.5}
NOISE = NoiseCurve(sigmas=(0.0, 0.05), samples=(1, 32), votes=("hard", "soft", "rank"), **QUICK)
FRONTIER = Frontier(
    sigmas=(0.05, 0.1), gammas=(0.25, 0.5), weak_steps=5, strong_steps=5, draws=2, n=500,
    reselect=2,
)  # fmt: skip


def left(eps: float) -> int:
    """Images whose margin is larger than eps."""
    return sum(margin > eps for margin in MARGINS)


def correct(study: Any, **asked: Any) -> list[int]:
    return [
        point.correct
        for point in study.points
        if all(getattr(point, name) == value for name, value in asked.items())
    ]


def test_noise_without_noise_or_attack_is_the_plain_accuracy(world: World) -> None:
    study = drain(NOISE.run(*world, seed=0))
    assert set(correct(study, attack="none", sigma=0.0)) == {left(0)}
    assert len(study.points) == 3 * 2 * 3 * 2
    # Noise of .05 moves no image over the border by more than chance: margins are .1 and more.
    assert set(correct(study, attack="none", sigma=0.05, samples=32)) == {left(0)}


def test_an_attack_leaves_the_margins_above_its_radius(world: World) -> None:
    """Misclassified images are moved too: they do not come back under another network."""
    study = drain(NOISE.run(*world, seed=0))
    for attack in ("pgd", "epgd"):
        for sigma in (0.0, 0.05):
            assert set(correct(study, attack=attack, sigma=sigma, samples=32)) == {left(0.5)}


def test_misclassified_images_are_moved_too(world: World) -> None:
    """Another noise level may name them correctly: nobody spares it that."""
    classifier, images = world
    empty = NoiseStudy(study_set(classifier, images, "", (), 0), (), 0.5, ())
    facts = AttackFacts("epgd", "l2", 0.5, 3, 2, 2.5)
    for attack in (pgd_of(facts, 0.5), epgd_of(facts, 0.5, 0.05)):
        steps = attacked(
            StudyProgress(1, empty), attack, classifier, images, "", seed=0, batch_size=64
        )  # fmt: skip
        while True:
            try:
                next(steps)
            except StopIteration as ended:
                moved = ended.value
                break
        gaps = [np.linalg.norm(m.pixels - i.pixels) for m, i in zip(moved, images, strict=True)]
        assert min(gaps) == pytest.approx(0.5, rel=0.05)


def test_a_stronger_attack_leaves_no_more(world: World) -> None:
    curve = StrengthCurve(eps=(0.0, 0.25, 0.5, 0.75, 1.0), sigma=0.05, samples=32, steps=5, draws=2)
    study = drain(curve.run(*world, seed=0))
    expected = [left(eps) for eps in curve.eps]
    assert expected == sorted(expected, reverse=True)
    assert correct(study, network="plain") == expected
    assert correct(study, network="smoothed", attack="pgd") == expected
    assert correct(study, network="smoothed", attack="epgd") == expected


def test_the_frontier_counts_clean_and_attacked(world: World) -> None:
    picks = FromNetwork(network=lambda pixels: pixels.mean(dim=(1, 2, 3)) * 0 + 0.08)
    chosen = replace(FRONTIER, selectors=(Grid(sigma_min=0.05, sigma_max=0.1, n=20), picks))
    study = drain(chosen.run(*world, seed=0))
    assert len(study.points) == 4 * 2 * 2
    for point in study.points:
        assert (point.clean, point.robust) == (left(0), left(point.gamma)), point
        assert point.clean_abstained == 0
    assert study.rule == PREDICTED
    assert {round(p.sigma, 6) for p in study.points if p.method == "network"} == {0.08}
    assert {p.strength for p in study.points} == {"weaker", "stronger"}


def test_an_image_on_which_predict_abstains_is_not_right(world: World) -> None:
    """At the border the top class is a coin's; PREDICT says nothing, and nothing is not right."""
    classifier, _ = world
    pixels = np.full((6, 6, 1), 0.5, np.float32)
    border = [
        image_from_array(pixels + np.float32(1e-4 * k), classifier.spec, label=1) for k in range(8)
    ]
    study = drain(replace(FRONTIER, sigmas=(0.5,), gammas=(0.01,), n=100, alpha=1e-5).run(
        classifier, border, seed=0
    ))  # fmt: skip
    for point in study.points:
        assert (point.clean, point.robust) == (0, 0)
        assert (point.clean_abstained, point.robust_abstained) == (8, 8)
    with pytest.raises(ParameterError, match="give at least 11"):
        replace(FRONTIER, n=10)


def test_the_stronger_attack_goes_through_whoever_picks() -> None:
    facts = AttackFacts("stronger", "l2", 0.0, 5, 3, 2.5)
    picks = FromNetwork(network=lambda pixels: pixels.mean(dim=(1, 2, 3)))
    fixed, grid, network = (
        deployed.attack(facts, 0.5, 7) for deployed in methods_of((0.2,), (Grid(), picks))
    )
    assert (fixed.sigma, fixed.selector, fixed.reselect) == (0.2, None, 0)
    assert (grid.sigma, grid.selector, grid.reselect) == (None, Grid(), 7)
    assert (network.selector, network.reselect) == (picks, 1)
    for attack in (fixed, grid, network):
        assert (attack.steps, attack.draws, attack.eps, attack.step_size) == (5, 3, 0.5, 0.25)
        assert attack.expectation == "probability"
        assert not attack.spare


def test_the_same_seed_repeats_and_another_differs(world: World) -> None:
    curve = NoiseCurve(sigmas=(0.5, 2.0), samples=(1, 2), votes=("hard",), **QUICK)
    first, again, other = (drain(curve.run(*world, seed=seed)) for seed in (0, 0, 1))
    assert first.points == again.points
    assert first.points != other.points


def test_threads_and_batches_change_nothing(world: World) -> None:
    curve = NoiseCurve(sigmas=(0.5,), samples=(1, 70), votes=("soft",), **QUICK)
    before = torch.get_num_threads()
    found = []
    try:
        for threads, batch in ((1, 64), (2, 1024)):
            torch.set_num_threads(threads)
            found.append(drain(curve.run(*world, seed=0, batch_size=batch)).points)
    finally:
        torch.set_num_threads(before)
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "study",
    [
        NOISE,
        replace(NOISE, attacks=("epgd",)),
        StrengthCurve(eps=(0.0, 0.5), steps=3, draws=2),
        replace(FRONTIER, selectors=(Grid(sigma_min=0.05, sigma_max=0.1, n=20),)),
    ],
    ids=["noise", "epgd alone", "strength", "frontier"],
)
def test_progress_only_grows_and_ends_at_its_total(study: Any, world: World) -> None:
    events = list(study.run(*world, seed=0))
    steps, last = events[:-1], events[-1]
    assert isinstance(last, Finished)
    assert all(isinstance(step, StudyStep) for step in steps)
    done = [step.done for step in steps]
    assert done == sorted(done)
    assert {step.total for step in steps} == {study.cost(len(MARGINS))}
    assert done[-1] <= steps[-1].total
    assert len(steps[-1].partial.points) < len(last.result.points)
    parts = [step.partial.points for step in steps]
    assert all(last.result.points[: len(part)] == part for part in parts)


def test_a_study_goes_through_json(world: World) -> None:
    for study in (NOISE, StrengthCurve(eps=(0.0, 0.5), steps=2, draws=2), FRONTIER):
        found = drain(study.run(*world, seed=0))
        back = from_json(type(found), to_json(found))
        assert back.points == found.points
        assert back.about == found.about


def test_a_network_with_noise_of_its_own_is_studied(world: World) -> None:
    classifier = Classifier(Shaky(), spec_of(SHAPE, 2), random=True)
    curve = NoiseCurve(
        sigmas=(0.0, 0.1), samples=(1, 65), votes=("hard",), attacks=("none",), **QUICK
    )
    study = drain(curve.run(classifier, world[1], seed=0))
    assert correct(study, samples=65) == [10, 10]  # 3/4 of the copies say 1
    assert all(count < 10 for count in correct(study, samples=1))
    assert "noise of its own" in study.about.notes[0]
    with pytest.raises(ParameterError, match="noise of its own"):
        drain(FRONTIER.run(classifier, world[1], seed=0))


def test_words_say_what_was_done(world: World) -> None:
    study = drain(replace(NOISE, attacks=("none", "epgd")).run(*world, seed=0))
    assert facts_of(study, "none").words() == "no attack"
    words = "EPGD, l2 0.5, 5 steps x 2 copies; not a guarantee"
    assert facts_of(study, "epgd").words() == words
    strength = drain(StrengthCurve(eps=(0.5,), steps=3, draws=2).run(*world, seed=0))
    assert facts_of(strength, "pgd").words() == "PGD, l2, 3 steps; not a guarantee"
    assert facts_of(strength, "pgd").words(0.5) == "PGD, l2 0.5, 3 steps; not a guarantee"


def test_errors_are_those_of_a_share() -> None:
    assert share(50, 100) == (0.5, pytest.approx(0.05, rel=0.01))
    assert np.isnan(share(0, 0)[0])


@pytest.mark.parametrize(
    ("kind", "settings", "match"),
    [
        (NoiseCurve, {"attacks": ("ddn",)}, "attacks"),
        (NoiseCurve, {"attacks": ()}, "attacks"),
        (NoiseCurve, {"sigmas": (0.1, 0.1)}, "twice"),
        (NoiseCurve, {"samples": (0,)}, "samples"),
        (NoiseCurve, {"eps": 0.0}, "eps"),
        (StrengthCurve, {"sigma": 0.0}, "sigma"),
        (StrengthCurve, {"vote": "loud"}, "vote"),
        (Frontier, {"strengths": ("strong",)}, "strengths"),
        (Frontier, {"selectors": ("grid",)}, "selector"),
        (Frontier, {"gammas": (0.0,)}, "gammas"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    kind: Any, settings: dict[str, Any], match: str
) -> None:
    with pytest.raises(ParameterError, match=match):
        kind(**settings)


def test_images_without_labels_are_refused(world: World) -> None:
    classifier, images = world
    unlabelled: list[ImageInput] = [*images[:2], replace(images[2], label=None)]
    for study in (NOISE, StrengthCurve(), FRONTIER):
        with pytest.raises(ParameterError, match="no label"):
            drain(study.run(classifier, unlabelled, seed=0))
        with pytest.raises(ParameterError, match="at least one image"):
            drain(study.run(classifier, [], seed=0))
        with pytest.raises(ParameterError, match="indices"):
            drain(replace(study, indices=(1,)).run(classifier, images, seed=0))


def test_the_papers_numbers() -> None:
    noise, frontier = NoiseCurve.published(), Frontier.published(gammas=(0.1,))
    assert (noise.norm, noise.eps, noise.steps, noise.draws) == ("linf", 8 / 255, 7, 8)
    assert noise.reach / noise.steps == 1 / 4
    assert noise.samples == tuple(2**k for k in range(10))
    assert (frontier.weak_steps, frontier.strong_steps, frontier.n) == (200, 500, 1000)
    assert frontier.gammas == (0.1,)
    assert StrengthCurve.published().norm == "linf"


def test_two_selectors_of_one_name_are_told_apart(world: World) -> None:
    chosen = replace(
        FRONTIER, gammas=(0.5,), strengths=("weaker",), selectors=(Fixed(sigma=0.2), Fixed())
    )
    study = drain(chosen.run(*world, seed=0))
    names = [(point.method, point.settings) for point in study.points]
    assert len(set(names)) == 4


@pytest.mark.parametrize("count", [0, 2, 4])
def test_the_error_is_never_nothing(count: int) -> None:
    accuracy, error = share(count, 4)
    assert accuracy == count / 4
    assert error > 0.05
    # One standard error of a large set is the usual one.
    assert share(400, 500)[1] == pytest.approx((0.8 * 0.2 / 500) ** 0.5, rel=0.01)
