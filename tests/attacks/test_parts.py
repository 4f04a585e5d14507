"""Losses, balls and passes: what the loop is made of."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from rs_core.attacks.gradients import Gradient, Outputs, objective_gradient, units, votes_of
from rs_core.attacks.loop import BestSoFar
from rs_core.attacks.norms import Ball, directions, norm_of, unit
from rs_core.attacks.objective import Objective
from rs_core.attacks.targets import ASCEND, JUDGE, Smoothed
from rs_core.classifiers import Classifier
from tests.attacks.conftest import SHAPE


def normals(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_cross_entropy_is_itself() -> None:
    logits, labels = 5 * normals(4, 3, 6), torch.tensor([0, 5, 2, 2])
    flat = cross_entropy(logits.flatten(0, 1), labels.repeat_interleave(3), reduction="none")
    expected = flat.view(4, 3)
    torch.testing.assert_close(Objective(labels).each(logits), expected)
    aims = torch.tensor([1, 1, 1, 1])
    toward = cross_entropy(logits.flatten(0, 1), aims.repeat_interleave(3), reduction="none")
    torch.testing.assert_close(Objective(labels, aims).each(logits), -toward.view(4, 3))


@pytest.mark.parametrize("expectation", ["loss", "probability"])
def test_a_saturated_softmax_still_shows_the_way(expectation: str) -> None:
    logits = torch.tensor([[[60.0, -30.0, -40.0]]])
    pull = Objective(torch.tensor([0]), expectation=expectation).logit_gradient(logits)
    direction = pull[0, 0] / pull.abs().max()
    torch.testing.assert_close(direction, torch.tensor([-1.0, 1.0, 0.0]), atol=1e-4, rtol=0)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000),
    st.booleans(),
    st.sampled_from(
        [("cross-entropy", "loss"), ("cross-entropy", "probability"), ("margin", "loss")]
    ),
    st.integers(1, 5),
    st.floats(0.1, 30),
)
def test_the_pull_is_what_autograd_says(
    seed: int, aimed: bool, climbed: tuple[str, str], copies: int, scale: float
) -> None:
    logits = (scale * normals(3, copies, 6, seed=seed).double()).requires_grad_(True)
    aims = torch.tensor([1, 0, 0]) if aimed else None
    objective = Objective(torch.tensor([0, 5, 2]), aims, *climbed)
    value = objective.over_copies(objective.each(logits)).sum()
    (expected,) = torch.autograd.grad(value, logits)
    torch.testing.assert_close(objective.logit_gradient(logits), expected, atol=1e-12, rtol=1e-9)
    assert not objective.logit_gradient(logits).requires_grad


def test_the_margin_is_the_gap_to_the_best_other_class() -> None:
    logits = torch.tensor([[[3.0, 1.0, 2.5]]])
    assert float(Objective(torch.tensor([0]), loss="margin").each(logits)) == -0.5
    assert float(Objective(torch.tensor([0]), torch.tensor([1]), "margin").each(logits)) == -2.0


def test_probability_is_minus_log_of_the_mean_score() -> None:
    logits, labels = 3 * normals(2, 7, 5), torch.tensor([1, 4])
    scores = logits.softmax(-1).mean(dim=1)
    objective = Objective(labels, expectation="probability")
    expected = -scores.gather(1, labels[:, None]).squeeze(1).log()
    torch.testing.assert_close(objective.over_copies(objective.each(logits)), expected)
    aimed = objective.aimed_at(torch.tensor([0, 0]))
    torch.testing.assert_close(aimed.over_copies(aimed.each(logits)), scores[:, 0].log())


@pytest.mark.parametrize("expectation", ["loss", "probability"])
@pytest.mark.parametrize("aimed", [False, True])
def test_copies_cut_into_passes_are_worth_what_they_are_together(
    expectation: str, aimed: bool
) -> None:
    logits = (3 * normals(1, 11, 5)).requires_grad_(True)
    objective = Objective(
        torch.tensor([1]), torch.tensor([3]) if aimed else None, expectation=expectation
    )
    whole = objective.over_copies(objective.each(logits))
    (expected,) = torch.autograd.grad(whole.sum(), logits)
    cuts = [slice(0, 8), slice(8, 11)]
    parts = [objective.over_copies(objective.each(logits[:, cut])) for cut in cuts]
    weights = objective.weights(torch.stack(parts).detach(), torch.tensor([8.0, 3.0]))
    together = sum(w.detach() * p for w, p in zip(weights, parts, strict=True))
    (gradient,) = torch.autograd.grad(together.sum(), logits)
    torch.testing.assert_close(gradient, expected)


def test_a_row_of_nan_has_no_vote_and_a_tie_no_winner() -> None:
    logits = torch.tensor([[[0.0, 1.0], [torch.nan, 5.0], [2.0, 0.0]]])
    votes = votes_of(logits)
    assert votes.tolist() == [[1.0, 1.0]]
    assert not Objective(torch.tensor([0])).reached(votes)
    assert not Objective(torch.tensor([1])).reached(votes)
    assert not Objective(torch.tensor([0]), torch.tensor([1])).reached(votes)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from(["l2", "linf"]),
    st.floats(0.001, 5),
    st.floats(0.01, 100),
    st.sampled_from([0, 2, 3]),
)
def test_a_projection_is_in_ball_and_box(
    seed: int, norm: str, eps: float, far: float, rounds: int
) -> None:
    rng = np.random.default_rng(seed)
    centre = torch.from_numpy(rng.integers(0, 256, (3, 2, 4, 4)).astype(np.float32) / 255)
    points = centre + far * normals(3, 2, 4, 4, seed=seed)
    ball = Ball(centre, torch.full((3,), eps), norm, rounds)
    for found in (ball.project(points), ball.scattered(points - centre, torch.rand(3))):
        assert found.min() >= 0
        assert found.max() <= 1
        assert (norm_of((found - centre).double(), norm) <= eps + 1e-7).all()
    inside = ball.project(centre + 1e-4 * (points - centre).clamp(-1, 1) * eps / 6)
    torch.testing.assert_close(ball.project(inside), inside, atol=3e-6, rtol=0)


def test_the_projection_is_the_nearest_point_of_both() -> None:
    """By its optimality condition it lies on the path clamp(t u), which is searched finely."""
    centre = torch.tensor([0.05, 0.5, 0.9, 0.3]).view(1, 1, 2, 2)
    point = torch.tensor([-1.0, 1.1, 1.4, 0.2]).view(1, 1, 2, 2)
    found = Ball(centre, torch.tensor([0.4]), "l2", 30).project(point)
    shares = torch.linspace(0, 1, 100_001)[:, None]
    path = (centre.flatten() + shares * (point - centre).flatten()).clamp(0, 1)
    reach = (path - centre.flatten()).norm(dim=1)
    expected = path[int((reach <= 0.4).nonzero()[-1])]
    torch.testing.assert_close(found.flatten(), expected, atol=2e-5, rtol=0)


def test_a_tiny_gradient_has_a_direction_and_none_takes_the_kick() -> None:
    gradient = torch.zeros(2, 1, 2, 2)
    gradient[0, 0, 0, 0] = 1e-38
    kick = directions(normals(2, 1, 2, 2), "l2")
    found = unit(gradient, norm_of(gradient, "linf"), "l2", kick)
    assert float(found[0, 0, 0, 0]) == pytest.approx(1)
    assert torch.equal(found[1], kick[1])


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 40), st.integers(1, 200), st.integers(4, 64), st.integers(1, 4))
def test_every_copy_of_every_image_is_in_one_pass_of_bounded_size(
    images: int, copies: int, rows: int, threads: int
) -> None:
    seen = np.zeros((images, copies), dtype=int)
    for unit_of in units(images, copies, rows, threads):
        assert len(unit_of.images) * len(unit_of.copies) <= max(rows, 8)
        assert unit_of.copies.start % 8 == 0
        seen[
            unit_of.images.start : unit_of.images.stop, unit_of.copies.start : unit_of.copies.stop
        ] += 1
    assert (seen == 1).all()


def test_noise_does_not_depend_on_how_copies_share_passes(network: Classifier) -> None:
    target = Smoothed(network, [3, 4], [0.2, 0.3], draws=20)
    pixels = torch.rand(2, *SHAPE, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole = target.logits(pixels, range(2), range(20), 1)
        first = target.logits(pixels[:1], range(1), range(8), 1)
        rest = target.logits(pixels[:1], range(1), range(8, 20), 1)
        later = target.logits(pixels, range(2), range(20), 2)
        judged = target.logits(pixels, range(2), range(20), 0, JUDGE)
        earlier = target.logits(pixels, range(2), range(20), 0)
    torch.testing.assert_close(torch.cat([first, rest], dim=1)[0], whole[0], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(later, whole)
    assert not torch.allclose(judged, earlier)
    fixed = Smoothed(network, [3, 4], [0.2, 0.3], draws=20, fresh=False)
    with torch.no_grad():
        same = [fixed.logits(pixels, range(2), range(20), step, ASCEND) for step in (0, 5)]
    assert torch.equal(*same)


@pytest.mark.parametrize("draws", [3, 80])
@pytest.mark.parametrize("expectation", ["loss", "probability"])
def test_a_slope_is_the_gradient_whatever_the_passes(
    draws: int, expectation: str, network: Classifier
) -> None:
    target = Smoothed(network, [3, 4], [0.2, 0.3], draws=draws)
    pixels = torch.rand(2, *SHAPE, generator=torch.Generator().manual_seed(0))
    objective = Objective(torch.tensor([1, 2]), expectation=expectation)
    x = pixels.clone().requires_grad_(True)
    value = objective.over_copies(objective.each(target.logits(x, range(2), range(draws), 0)))
    (expected,) = torch.autograd.grad(value.sum(), x)
    found = objective_gradient(target, objective, pixels, 0)
    torch.testing.assert_close(found.outputs.value, value.detach(), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found.gradient, expected, atol=1e-4, rtol=1e-3)


def test_a_record_prefers_what_reached_the_goal() -> None:
    centre = torch.zeros(1, 1, 1, 1)
    best = BestSoFar(centre)

    def offer(x: float, value: float, reached: bool) -> None:
        best.offer(torch.full_like(centre, x), torch.tensor([value]), torch.tensor([reached]))

    offer(0.1, 5.0, False)
    offer(0.2, 1.0, True)
    offer(0.3, 9.0, False)
    assert float(best.best) == pytest.approx(0.2)
    offer(0.4, 2.0, True)
    assert float(best.best) == pytest.approx(0.4)
    nearest = BestSoFar(centre, nearest="l2")
    for x in (0.4, 0.2, 0.3):
        nearest.offer(torch.full_like(centre, x), torch.tensor([x]), torch.tensor([True]))
    assert float(nearest.best) == pytest.approx(0.2)


def test_a_record_counts_what_went_wrong() -> None:
    best = BestSoFar(torch.zeros(3, 1, 1, 1))
    said = Outputs(Objective(torch.zeros(3, dtype=torch.int64)), torch.zeros(3, 1, 2))
    gradients = torch.tensor([[torch.nan, 0.0, 1.0], [torch.inf, 0.0, 0.0]]).view(2, 3, 1, 1, 1)
    best.see(
        torch.stack([best.centre] * 2),
        [Gradient(said, gradient).summary for gradient in gradients],
    )
    assert best.broken.tolist() == [2, 0, 0]
    assert best.dead.tolist() == [0, 2, 1]


@settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from([None, "l2", "linf"]), st.integers(1, 9))
def test_steps_seen_together_are_worth_what_they_are_one_by_one(
    data: st.DataObject, nearest: str | None, steps: int
) -> None:
    few = st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0, torch.nan, torch.inf, -torch.inf])
    copies = data.draw(st.integers(1, 3))
    numbers = st.lists(few, min_size=6 * copies * steps, max_size=6 * copies * steps)
    logits = torch.tensor(data.draw(numbers)).view(steps, 2, copies, 3)
    points = torch.rand(steps, 2, 1, 2, 2, generator=torch.Generator().manual_seed(steps))
    objective = Objective(torch.tensor([0, 1]))
    accounts = [
        Gradient(Outputs(objective, row), torch.zeros(2, 1, 2, 2)).summary for row in logits
    ]
    whole = BestSoFar(torch.zeros(2, 1, 2, 2), nearest)
    alone = BestSoFar(torch.zeros(2, 1, 2, 2), nearest)
    for first in range(0, steps, 4):
        whole.see(points[first : first + 4], accounts[first : first + 4])
    for x, seen in zip(points, accounts, strict=True):
        alone.offer(x, seen.outputs.value, seen.outputs.reached)
    assert torch.equal(whole.reached, alone.reached)
    torch.testing.assert_close(whole.value, alone.value, equal_nan=True)
    assert torch.equal(whole.best, alone.best)
    assert torch.equal(whole.norm, alone.norm)
    assert len(whole.trace) == steps
