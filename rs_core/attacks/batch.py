"""Some images under attack together: their target, objective, random starts, and what was spent."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from rs_core.attacks.gradients import Gradient, Outputs, judge, objective_gradient
from rs_core.attacks.loop import BestSoFar, StepRule, ascend
from rs_core.attacks.norms import Norm, norm_of, per_image
from rs_core.attacks.objective import Objective
from rs_core.attacks.targets import CLEAN, JUDGE, START, Target
from rs_core.classifiers import Classifier
from rs_core.images import ImageInput
from rs_core.results.attack import ALREADY, ALREADY_ITSELF, AttackResult, as_stored, norms
from rs_core.seeding import block_seeds
from rs_core.smoothing.noise import standard_normal
from rs_core.statistics import top_two_p_value

_FORWARD = 1 / 3  # of a forward and backward pass
CLEAN_COPIES = 16
_SURE = 0.01


@dataclass(eq=False)
class AttackBatch:
    """A group of images that is attacked together.

    Fields:
        pixels: (b, C, H, W) as they are.
        copies: noisy copies of one judgement; 1 where the target is not noisy.
        clean: what `CLEAN_COPIES` copies said of the images as they are.
        norm: in which `nearest` is measured.
        spent: passes per image so far, forward passes alone counted as a third.
        outputs: of the copies of the latest step; None before the first.
        nearest: (b,) the smallest norm whose judging copies reached the objective, else inf.
    """

    classifier: Classifier
    images: Sequence[ImageInput]
    pixels: Tensor
    seeds: Sequence[int]
    target: Target
    objective: Objective
    copies: int
    clean: Outputs
    norm: Norm = "l2"
    spent: float = 0.0
    outputs: Outputs | None = field(default=None, init=False)
    nearest: Tensor = field(init=False)
    _runs: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.nearest = self.pixels.new_full((len(self.pixels),), torch.inf)

    def ascend(
        self, objective: Objective, start: Tensor, rule: StepRule, best: BestSoFar, steps: int
    ) -> Generator[int, None, Tensor]:
        """`loop.ascend` against the target; yields passes made, returns the last points."""
        first, self._runs = self._runs, self._runs + steps
        draws = self.target.draws

        def look(points: Tensor, step: int) -> Gradient:
            self.spent += draws
            self.target.settle(points, step)
            seen = objective_gradient(self.target, objective, points, first + step)
            self.outputs = seen.outputs
            return seen

        steps_made = ascend(look, start, rule, best, steps)
        while True:
            try:
                next(steps_made)
            except StopIteration as ended:
                last: Tensor = ended.value
                return last
            yield draws

    def judge(self, points: Tensor, objective: Objective | None = None) -> tuple[Tensor, Tensor]:
        """(value, reached), each (b,), on copies that no step climbs."""
        self.spent += self.copies * _FORWARD
        objective = objective or self.objective
        said = Outputs(objective, judge(self.target, points, self.copies, JUDGE))
        reached = self.objective.reached(said.votes)
        near = torch.minimum(self.nearest, norm_of(points - self.pixels, self.norm))
        self.nearest = torch.where(reached, near, self.nearest)
        return said.value, reached if objective is self.objective else said.reached

    def normals(self, number: int) -> Tensor:
        """(b, C, H, W) for a random start or a random direction; each number has its own."""
        rows = [
            standard_normal(
                self.classifier, 1, next(block_seeds(seed, START, number, 1)), torch.float32
            )
            for seed in self.seeds
        ]
        return torch.cat(rows)

    def generators(self, number: int) -> list[np.random.Generator]:
        """One generator per image, for choices that are no noise."""
        return [np.random.default_rng([seed, number]) for seed in self.seeds]

    def uniforms(self, number: int) -> Tensor:
        """(b,) in [0, 1)."""
        values = [generator.random() for generator in self.generators(number)]
        return torch.tensor(values, dtype=torch.float32, device=self.pixels.device)

    def already(self) -> Tensor:
        """(b,) whether an image fulfils the objective as it is; of a noisy target beyond chance."""
        reached = self.objective.reached(self.clean.votes)
        if not self.target.noisy:
            return reached
        top = self.clean.votes.topk(2, dim=1).values.double().cpu().numpy()
        sure = np.asarray(top_two_p_value(top[:, 0], top[:, 1])) <= _SURE
        return reached & torch.from_numpy(sure).to(reached.device)


@dataclass(eq=False)
class SearchResult:
    """What a search ends with.

    Fields:
        pixels: (b, C, H, W), the best points.
        success: (b,) whether the target's judging copies vote as the objective wants.
        trace: (steps, b) what was climbed on the run that was kept.
        broken, dead: (b,) steps whose gradient was NaN, or 0.
        steps: looks in all.
    """

    pixels: Tensor
    success: Tensor
    trace: Tensor
    broken: Tensor
    dead: Tensor
    steps: int

    @classmethod
    def of(cls, best: BestSoFar) -> "SearchResult":
        """The best of one ascent, taken at its word."""
        trace = torch.stack(best.trace)
        return cls(best.best, best.reached, trace, best.broken, best.dead, len(best.trace))


def clean_outputs(target: Target, pixels: Tensor) -> Tensor:
    """Logits (b, copies, K) of images as they are."""
    return judge(target, pixels, CLEAN_COPIES if target.noisy else 1, CLEAN)


def shortest(batch: AttackBatch, found: SearchResult, halvings: int) -> SearchResult:
    """The found points drawn towards their images as far as the objective still holds.

    Forward passes only. A noisy point that lost on the judging copies is pushed outwards first,
    up to twice its distance.
    """
    if halvings == 0:
        return found
    delta = found.pixels - batch.pixels
    high = torch.ones_like(found.success, dtype=torch.float32)
    reached = found.success.clone()
    if batch.target.noisy:
        reached = torch.zeros_like(reached)
        for stretch in (1.0, 1.03, 1.1, 1.3, 2.0):
            held = batch.judge((batch.pixels + stretch * delta).clamp_(0, 1))[1]
            high = torch.where(held & ~reached, stretch, high)
            reached |= held
    low, best = torch.zeros_like(high), (batch.pixels + per_image(high) * delta).clamp_(0, 1)
    for _ in range(halvings):
        middle = (low + high) / 2
        points = (batch.pixels + per_image(middle) * delta).clamp_(0, 1)
        held = batch.judge(points)[1] & reached
        low, high = torch.where(held, low, middle), torch.where(held, middle, high)
        best = torch.where(per_image(held), points, best)
    found.pixels, found.success = best, reached
    return found


@dataclass(frozen=True, eq=False)
class _Row:
    """One image's share of what was found."""

    pixels: np.ndarray
    success: bool
    already: bool
    trace: tuple[float, ...]
    broken: int
    dead: int


def attack_results(
    batch: AttackBatch,
    found: SearchResult,
    seed: int,
    *,
    name: str,
    spare: bool,
    gradient_free: bool,
) -> list[AttackResult]:
    """One result per image; an image that was misclassified beforehand stays as it is.

    Args:
        name: of the attack.
        spare: off, such an image is attacked too: another network may be asked about it.
        gradient_free: whether the attack asks for no gradient, which then cannot be masked.
    """
    already = batch.already() & spare
    final = found.pixels.where(~already[:, None, None, None], batch.pixels)
    sigmas = batch.target.settle(final, None)
    pixels = final.contiguous().cpu().numpy()
    columns = found.trace.cpu().double().numpy().T
    rows = [
        _Row(p, s or a, a, tuple(t), b, d)
        for p, s, a, t, b, d in zip(
            pixels, found.success.tolist(), already.tolist(), columns.tolist(),
            found.broken.tolist(), found.dead.tolist(), strict=True,
        )
    ]  # fmt: skip
    noisy = batch.target.noisy
    notes = [_notes(row, found.steps, gradient_free, noisy=noisy) for row in rows]
    return [_result(name, batch, i, row, sigmas, seed, notes[i]) for i, row in enumerate(rows)]


def _result(
    name: str,
    batch: AttackBatch,
    index: int,
    row: _Row,
    sigmas: list[float] | None,
    seed: int,
    notes: tuple[str, ...],
) -> AttackResult:
    image = batch.images[index]
    l2, linf = norms(row.pixels, image.pixels)
    stored_l2, stored_linf = norms(as_stored(row.pixels), image.pixels)
    targets = batch.objective.targets
    return AttackResult(
        attack=name,
        target=batch.target.described,
        label=int(batch.objective.labels[index]),
        goal=None if targets is None else int(targets[index]),
        adversarial=row.pixels,
        success=row.success,
        l2=l2,
        linf=linf,
        stored_l2=stored_l2,
        stored_linf=stored_linf,
        loss_trace=row.trace,
        sigma=None if sigmas is None else sigmas[index],
        passes=batch.spent,
        weights_id=batch.classifier.weights_id,
        image_digest=image.digest,
        seed=seed,
        notes=notes,
        precision=batch.classifier.precision,
    )


def _notes(row: _Row, steps: int, gradient_free: bool, *, noisy: bool) -> tuple[str, ...]:
    notes = []
    if row.already:
        notes.append(ALREADY if noisy else ALREADY_ITSELF)
    if row.broken:
        notes.append(f"warning: NaN or infinite gradient in {row.broken} of {steps} steps")
    if row.dead:
        notes.append(f"warning: zero gradient in {row.dead} of {steps} steps")
    trace = np.array(row.trace)
    climbing = len(trace) > 1 and not row.success and not gradient_free
    if climbing and not np.nanmax(trace[1:], initial=-np.inf) > trace[0]:
        notes.append(
            "warning: the loss never rose; its gradient may be masked: try loss=margin, more "
            "copies, or 'square'"
        )
    return tuple(notes)
