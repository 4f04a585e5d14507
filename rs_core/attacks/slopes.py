"""Gradients and votes of many copies, in passes that stay in cache, on every core."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from rs_core.attacks.balls import norm_of
from rs_core.attacks.lanes import turn
from rs_core.attacks.losses import Goal
from rs_core.attacks.targets import CLIMB, PART, Target
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.smoothing.threads import block_threads

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Slope:
    """What one step sees.

    Fields:
        value: (b,) what is climbed.
        gradient: (b, C, H, W) of it; pixels where it was NaN or infinite have 0.
        largest: (b,) the linf norm of the gradient.
        reached: (b,) whether this step's copies vote as the goal wants.
        broken: (b,) whether the gradient held NaN or infinities.
    """

    value: Tensor
    gradient: Tensor
    largest: Tensor
    reached: Tensor
    broken: Tensor


@dataclass(frozen=True)
class Unit:
    """Images and copies of one forward and backward pass."""

    images: range
    copies: range


def pass_rows(classifier: Classifier) -> int:
    """Rows of one pass: activations stay in cache on a CPU, a GPU wants thousands."""
    on_cpu = classifier.device.type == "cpu"
    return classifier.block if on_cpu else max(classifier.block // 4, 1)


def cores(classifier: Classifier) -> int:
    """Cores that compute passes alone; 1 for a GPU, and within one of those cores."""
    return torch.get_num_threads() if classifier.device.type == "cpu" else 1


def units(images: int, copies: int, rows: int, threads: int) -> Iterator[Unit]:
    """Every copy of every image once, in passes of at most `rows`, enough of them for all cores.

    An image's copies stay together where they fit.
    """
    share = min(rows, -(-images * copies // threads))
    if copies <= share:
        each = share // copies
        for first in range(0, images, each):
            yield Unit(range(first, min(first + each, images)), range(copies))
        return
    share = max(share // PART, 1) * PART
    for image in range(images):
        for first in range(0, copies, share):
            yield Unit(range(image, image + 1), range(first, min(first + share, copies)))


def slope(target: Target, goal: Goal, pixels: Tensor, step: int) -> Slope:
    """The goal's value and gradient at points (b, C, H, W), over the target's draws.

    Raises:
        ParameterError: the network has no gradients.
    """
    todo = list(units(len(pixels), target.draws, pass_rows(target.classifier), target.threads))

    def run(unit: Unit) -> tuple[Tensor, Tensor, Tensor]:
        first, last = unit.images.start, unit.images.stop

        def logits_of(x: Tensor) -> Tensor:
            return target.logits(x, unit.images, unit.copies, step, CLIMB)

        return gradient_of(logits_of, goal.part(first, last), pixels[first:last])

    found = spread(target, run, todo)
    if len(todo) == 1:
        ((value, gradient, votes),) = found
    elif len(todo[0].copies) == target.draws:
        value, gradient, votes = (torch.cat(parts) for parts in zip(*found, strict=True))
    else:
        value, gradient, votes = _joined(goal, todo, found)
    with turn():
        return finished(goal, value, gradient, votes)


def finished(goal: Goal, value: Tensor, gradient: Tensor, votes: Tensor) -> Slope:
    """The slope of an image whose copies have all been looked at."""
    whole = torch.isfinite(gradient.sum(dim=(1, 2, 3)))
    gradient = gradient.nan_to_num(0.0, 0.0, 0.0)
    return Slope(value, gradient, norm_of(gradient, "linf"), goal.reached(votes), ~whole)


def gradient_of(
    logits_of: Callable[[Tensor], Tensor], goal: Goal, pixels: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """(value (b,), gradient (b, C, H, W), votes (b, K)) of logits (b, j, K); of the input only."""
    with torch.enable_grad():
        x = pixels.detach().requires_grad_(True)
        logits = logits_of(x)
        with turn():
            value = goal.over_copies(goal.each(logits))
            votes, total = votes_of(logits.detach()), value.sum()
        if not value.requires_grad:
            raise ParameterError(
                "the network gives no gradients: attack it with 'square', which needs none."
            )
        (gradient,) = torch.autograd.grad(total, x)
    return value.detach(), gradient, votes


def _joined(
    goal: Goal, todo: list[Unit], found: list[tuple[Tensor, Tensor, Tensor]]
) -> tuple[Tensor, Tensor, Tensor]:
    """Images whose copies were cut into several passes."""
    rows = []
    for image in sorted({unit.images.start for unit in todo}):
        own = [i for i, unit in enumerate(todo) if unit.images.start == image]
        copies = [len(todo[i].copies) for i in own]
        values, gradients, votes = (
            torch.stack(p) for p in zip(*(found[i] for i in own), strict=True)
        )
        counts = torch.tensor(copies, dtype=values.dtype, device=values.device)
        value, weights = goal.part(image, image + 1).shares(values, counts)
        gradient = (weights[:, :, None, None, None] * gradients).sum(dim=0)
        rows.append((value, gradient, votes.sum(dim=0)))
    value, gradient, votes = (torch.cat(parts) for parts in zip(*rows, strict=True))
    return value, gradient, votes


def votes_of(logits: Tensor) -> Tensor:
    """Votes (b, K) float of logits (b, j, K); a copy with NaN or infinite logits has none."""
    valid = logits.isfinite().all(dim=-1, keepdim=True).to(logits.dtype)
    ballot = torch.zeros_like(logits).scatter_(-1, logits.argmax(dim=-1, keepdim=True), valid)
    return ballot.sum(dim=1)


@dataclass(frozen=True, eq=False)
class Verdict:
    """What forward passes alone say of points: value (b,), votes and mean logits (b, K)."""

    value: Tensor
    votes: Tensor
    logits: Tensor


@torch.no_grad()
def judge(target: Target, goal: Goal, pixels: Tensor, copies: int, purpose: int) -> Verdict:
    """What copies that no step climbs say of points; all judgements of an image share them."""
    target.settle(pixels, None)
    todo = list(units(len(pixels), copies, pass_rows(target.classifier), target.threads))

    def run(unit: Unit) -> Tensor:
        first, last = unit.images.start, unit.images.stop
        with torch.no_grad():  # gradient mode belongs to a thread, and this one may be a pool's
            return target.logits(pixels[first:last], unit.images, unit.copies, 0, purpose)

    logits = pixels.new_empty(len(pixels), copies, target.classifier.num_classes)
    for unit, own in zip(todo, spread(target, run, todo), strict=True):
        images, rows = unit.images, unit.copies
        logits[images.start : images.stop, rows.start : rows.stop] = own
    value = goal.over_copies(goal.each(logits))
    return Verdict(value, votes_of(logits), logits.mean(dim=1))


def spread(target: Target, run: Callable[[Unit], T], todo: list[Unit]) -> list[T]:
    """Each unit's answer, in order; a lone unit is run by whoever asks."""
    if target.threads == 1 or len(todo) == 1:
        return [run(unit) for unit in todo]
    return list(block_threads(target.threads).map(run, todo))
