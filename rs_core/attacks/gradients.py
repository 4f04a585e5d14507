"""Gradients and votes of many copies, in passes that stay in cache, on every core."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import torch
from torch import Tensor

from rs_core.attacks.norms import norm_of
from rs_core.attacks.objective import Objective
from rs_core.attacks.parallel import one_at_a_time
from rs_core.attacks.targets import ASCEND, PART, Target
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.smoothing.threads import block_threads

A = TypeVar("A")
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Outputs:
    """What an image's copies said, logits (b, j, K); what follows from it, when asked for."""

    objective: Objective
    logits: Tensor

    @cached_property
    def value(self) -> Tensor:
        """(b,) what is climbed."""
        return self.objective.over_copies(self.objective.each(self.logits))

    @cached_property
    def votes(self) -> Tensor:
        """(b, K), as `votes_of` counts them."""
        return votes_of(self.logits)

    @cached_property
    def reached(self) -> Tensor:
        """(b,) whether the copies vote as the objective wants."""
        return self.objective.reached(self.votes)


def votes_of(logits: Tensor) -> Tensor:
    """Votes (b, K) float of logits (b, j, K); a copy with NaN or infinite logits has none."""
    valid = logits.isfinite().all(dim=-1, keepdim=True).to(logits.dtype)
    ballot = torch.zeros_like(logits).scatter_(-1, logits.argmax(dim=-1, keepdim=True), valid)
    return ballot.sum(dim=1)


def together(steps: Sequence[Outputs]) -> Outputs:
    """Steps of the same images as one: operations this small cost the same for all as for one."""
    objective = steps[0].objective.repeated(len(steps))
    return Outputs(objective, torch.cat([said.logits for said in steps]))


@dataclass(frozen=True, eq=False)
class StepSummary:
    """What is remembered of a step.

    Fields:
        said: by the step's copies.
        largest: (b,) the linf norm of the gradient.
        total: (b,) the sum of the gradient as it came, finite where all of it is.
    """

    outputs: Outputs
    largest: Tensor
    total: Tensor


@dataclass(frozen=True, eq=False)
class Gradient:
    """What one step sees; what follows from it, when asked for: by one shard at a time.

    Fields:
        said: by the step's copies.
        raw: (b, C, H, W) the gradient of what is climbed, as it came.
    """

    outputs: Outputs
    raw: Tensor

    @cached_property
    def gradient(self) -> Tensor:
        """(b, C, H, W); pixels where it was NaN or infinite have 0."""
        return self.raw.nan_to_num(0.0, 0.0, 0.0)

    @cached_property
    def largest(self) -> Tensor:
        """(b,) the linf norm of the gradient."""
        return norm_of(self.gradient, "linf")

    @property
    def summary(self) -> StepSummary:
        """The step without its gradient, for who keeps many."""
        return StepSummary(self.outputs, self.largest, self.raw.sum(dim=(1, 2, 3)))


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


def objective_gradient(target: Target, objective: Objective, pixels: Tensor, step: int) -> Gradient:
    """The objective's value and gradient at points (b, C, H, W), over the target's draws.

    Raises:
        ParameterError: the network has no gradients.
    """
    todo = list(units(len(pixels), target.draws, pass_rows(target.classifier), target.threads))
    whole = len(todo[0].copies) == target.draws
    # What passes leave goes into its place at once: kept as it came, between activations that are
    # gone, it would hold their memory apart, and the heap would grow with the number of passes.
    logits = pixels.new_empty(len(pixels), target.draws, target.classifier.num_classes)
    gradients = torch.empty_like(pixels)
    if not whole:
        gradients = pixels.new_empty(len(todo), *pixels.shape[1:])

    def run(index: int) -> None:
        images, copies = todo[index].images, todo[index].copies
        first, last = images.start, images.stop

        def logits_of(x: Tensor) -> Tensor:
            return target.logits(x, images, copies, step, ASCEND)

        found = gradient_of(logits_of, objective.part(first, last), pixels[first:last])
        logits[first:last, copies.start : copies.stop] = found[0]
        gradients[slice(first, last) if whole else index] = found[1]

    spread(target, run, range(len(todo)))
    if not whole:
        with one_at_a_time():
            gradients = _joined(objective, todo, logits, gradients)
    return Gradient(Outputs(objective, logits), gradients)


def gradient_of(
    logits_of: Callable[[Tensor], Tensor], objective: Objective, pixels: Tensor
) -> tuple[Tensor, Tensor]:
    """Logits (b, j, K) and the objective's gradient (b, C, H, W), of the input only."""
    with torch.enable_grad():
        x = pixels.detach().requires_grad_(True)
        logits = logits_of(x)
        if not logits.requires_grad:
            raise ParameterError(
                "the network gives no gradients: attack it with 'square', which needs none."
            )
        with one_at_a_time():
            # Of a sum: for anything else autograd imports a computer algebra, 30 MB of it.
            total = (logits * objective.logit_gradient(logits)).sum()
        (gradient,) = torch.autograd.grad(total, x)
    return logits.detach(), gradient


def _joined(objective: Objective, todo: list[Unit], logits: Tensor, gradients: Tensor) -> Tensor:
    """The gradient (b, C, H, W) of images whose copies were cut into several passes."""
    joined = []
    for image in range(len(logits)):
        own = [i for i, unit in enumerate(todo) if unit.images.start == image]
        alone, cuts = objective.part(image, image + 1), [todo[i].copies for i in own]
        said = [Outputs(alone, logits[image : image + 1, cut.start : cut.stop]) for cut in cuts]
        values = torch.stack([part.value for part in said])
        weights = alone.weights(values, values.new_tensor([len(cut) for cut in cuts]))
        joined.append((weights[:, :, None, None] * gradients[own]).sum(dim=0))
    return torch.stack(joined)


def judge(target: Target, pixels: Tensor, copies: int, purpose: int) -> Tensor:
    """Logits (b, copies, K) of copies that no step climbs, the same in all of an image's looks."""
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
    return logits


def spread(target: Target, run: Callable[[A], T], todo: Sequence[A]) -> list[T]:
    """Each item's answer, in order; a lone item is run by whoever asks."""
    if target.threads == 1 or len(todo) == 1:
        return [run(item) for item in todo]
    return list(block_threads(target.threads).map(run, todo))
