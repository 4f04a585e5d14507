"""Projected gradient ascent: one class, and fgsm and epgd as settings of it."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from rs_core.attacks.base import UNIT, Attack
from rs_core.attacks.batch import AttackBatch, SearchResult
from rs_core.attacks.loop import BestSoFar, Projected
from rs_core.attacks.norms import Ball, Norm, directions
from rs_core.attacks.objective import Loss, Objective
from rs_core.errors import ParameterError
from rs_core.fields import param
from rs_core.smoothing.options import SIGMA_MAX

# The steps together are as long as this many radii, so that next to nothing is left of a random
# start; of steps of equal length, with Madry's 2.5 together, more is.
REACH = 6


@dataclass(frozen=True, kw_only=True)
class Pgd(Attack):
    """Madry et al. (2018): steps uphill inside a ball, best point kept; fixed cost.

    `targets` aims at that many other classes in turn, the likeliest first (multi-targeted); each
    is a run of its own, as each restart is. With `sigma` the smoothed network is attacked, one
    noisy copy a step unless `draws` says more.
    """

    name: ClassVar[str] = "pgd"
    about: ClassVar[str] = "steps inside a ball"

    norm: Norm = param("l2", help="ball of the perturbation", choices=("l2", "linf"))
    eps: float = param(0.5, help="radius of the ball", unit=UNIT, low=0, high=1000, low_open=True)
    steps: int = param(40, help="gradient steps", low=1, high=10_000)
    step_size: float | None = param(
        None, help="length of every step; by default steps fall along a cosine", unit=UNIT,
        low=0, high=1000, low_open=True,
    )  # fmt: skip
    restarts: int = param(1, help="runs from different starts", low=1, high=100)
    random_start: bool = param(True, help="start at a random point; off: at the image")
    targets: int = param(0, help="other classes to aim at in turn", low=0, high=1000)
    loss: Loss = param("cross-entropy", help="what is climbed", choices=("cross-entropy", "margin"))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.loss == "margin" and self.expectation == "probability":
            raise ParameterError(
                "expectation=probability averages scores, which the margin has none of: "
                "choose loss=cross-entropy or expectation=loss."
            )
        if self.targets and self.target is not None:
            raise ParameterError(
                f"target={self.target} names one class and targets={self.targets} several: "
                "leave one of them."
            )

    @property
    def passes(self) -> int:
        """Forward and backward passes of one image."""
        return self.restarts * max(self.targets, 1) * self.steps * self.draws

    def search(self, batch: AttackBatch) -> Generator[int, None, SearchResult]:
        """Every restart and class in turn; the best point of all."""
        best, kept = BestSoFar(batch.pixels), batch.pixels.new_zeros(self.steps, len(batch.pixels))
        for run, objective in enumerate(self._objectives(batch)):
            own = BestSoFar(batch.pixels)
            z = batch.normals(run)
            rule = self._rule(batch, z)
            start = self._start(batch, rule.ball, z, run)
            last = yield from batch.ascend(objective, start, rule, own, self.steps)
            if batch.target.noisy or objective is not batch.objective:
                better = best.offer(own.best, *batch.judge(own.best))
            else:
                better = best.offer(own.best, own.value, own.reached)
            better |= best.offer(last, *batch.judge(last))
            kept = torch.where(better, torch.stack(own.trace), kept)
            best.broken, best.dead = best.broken + own.broken, best.dead + own.dead
        return SearchResult(best.best, best.reached, kept, best.broken, best.dead, self.looks)

    @property
    def looks(self) -> int:
        """Steps of all runs."""
        return self.restarts * max(self.targets, 1) * self.steps

    def _objective(self, labels: Tensor) -> Objective:
        return replace(super()._objective(labels), loss=self.loss)

    def _objectives(self, batch: AttackBatch) -> list[Objective]:
        if not self.targets:
            return [batch.objective] * self.restarts
        classes = batch.classifier.num_classes
        if self.targets >= classes:
            raise ParameterError(
                f"targets={self.targets} is too many: {batch.classifier.spec.name} has "
                f"{classes - 1} other classes."
            )
        scores = torch.nan_to_num(batch.clean.logits.mean(dim=1), nan=-torch.inf)
        others = scores.scatter(1, batch.objective.labels[:, None], -torch.inf)
        # A stable sort, so that equal scores do not hang on the device.
        order = others.argsort(dim=1, descending=True, stable=True)
        aims = [batch.objective.aimed_at(order[:, rank]) for rank in range(self.targets)]
        return aims * self.restarts

    def _rule(self, batch: AttackBatch, z: Tensor) -> Projected:
        eps = batch.pixels.new_full((len(batch.pixels),), self.eps)
        ball = Ball(batch.pixels, eps, self.norm)
        # The start's normals, mirrored: along the start itself a kick would lead out of the ball.
        return self._steps_in(ball, directions(z.flip(-1), self.norm))

    def _steps_in(self, ball: Ball, kick: Tensor) -> Projected:
        """Steps of the length asked for, or falling ones that start within the ball's radius."""
        if self.step_size is not None:
            return Projected(ball, torch.full_like(ball.eps, self.step_size), kick)
        first = min(2 * REACH / self.steps, 1.0)
        return Projected(ball, first * ball.eps, kick, fading=self.steps)

    def _start(self, batch: AttackBatch, ball: Ball, z: Tensor, run: int) -> Tensor:
        if not self.random_start:
            return ball.centre
        return ball.scattered(z, batch.uniforms(run))


@dataclass(frozen=True, kw_only=True)
class Fgsm(Pgd):
    """Goodfellow et al. (2015): one step of length eps from the image."""

    name: ClassVar[str] = "fgsm"
    about: ClassVar[str] = "one step along the gradient"

    norm: Norm = param("linf", help="ball of the perturbation", choices=("l2", "linf"))
    eps: float = param(
        8 / 255, help="radius of the ball", unit=UNIT, low=0, high=1000, low_open=True
    )
    steps: int = param(1, help="gradient steps", low=1, high=1)
    random_start: bool = param(False, help="start at a random point; off: at the image")

    def _rule(self, batch: AttackBatch, z: Tensor) -> Projected:
        rule = super()._rule(batch, z)
        return replace(rule, step_size=rule.ball.eps) if self.step_size is None else rule


@dataclass(frozen=True, kw_only=True)
class Epgd(Pgd):
    """PGD on the smoothed network, m noisy copies a step: Nemcovsky et al. (SIAM), EPGD.

    expectation="loss" averages the copies' gradients, as there; "probability" climbs -log of the
    mean softmax score, as SmoothAdv does (Salman et al. 2019).
    """

    name: ClassVar[str] = "epgd"
    about: ClassVar[str] = "PGD over noisy copies"
    needs_noise: ClassVar[bool] = True

    sigma: float | None = param(
        0.25, help="noise level; none where a selector picks it", unit=UNIT,
        low=0, high=SIGMA_MAX, low_open=True,
    )  # fmt: skip
    draws: int = param(8, help="noisy copies per image and step (m)", low=1, high=10_000)

    def __post_init__(self) -> None:
        if not self.smoothed:
            raise ParameterError("epgd attacks a smoothed network: give sigma, or use pgd.")
        super().__post_init__()
