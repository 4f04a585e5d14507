"""The inner maximisation of adversarial training: the attacks' own loop, tensors in and out."""

from collections.abc import Callable, Generator

import torch
from torch import Tensor

from rs_core.attacks.gradients import Gradient, Outputs, gradient_of
from rs_core.attacks.loop import BestSoFar, Evaluate, Projected, ascend
from rs_core.attacks.methods.ddn import Decoupled
from rs_core.attacks.norms import Ball, Norm, directions, per_image
from rs_core.attacks.objective import Expectation, Objective

Forward = Callable[[Tensor], Tensor]
_LEVELS = 256  # pixel values that the published DDN rounds to


def perturb(
    forward: Forward,
    pixels: Tensor,
    labels: Tensor,
    *,
    eps: float | Tensor,
    steps: int,
    generator: torch.Generator,
    noise: Tensor | None = None,
    norm: Norm = "l2",
    step_size: float | None = None,
    random_start: bool = False,
    expectation: Expectation = "probability",
) -> Tensor:
    """Adversarial pixels (B, C, H, W) in [0,1] for one training step; parameters get no gradient.

    The defaults are SmoothAdv's inner steps (Salman et al. 2019): from the clean image, steps of
    length 2 eps / steps along the gradient of -log mean softmax over the copies, the clamp to
    [0,1] before the projection, the last point returned. The caller puts the network into
    evaluation mode for the attack, and trains on the same noise.

    Args:
        forward: pixels (N, C, H, W) of [0,1] to logits (N, K); normalisation inside. It may not
            keep its input, which the next step overwrites.
        pixels: (B, C, H, W) in [0,1].
        labels: (B,) the classes to leave.
        eps: radius in the norm, one number or (B,); 0 moves nothing.
        steps: gradient steps.
        generator: of random starts, and of steps where the gradient is 0.
        noise: (B, m, C, H, W), already times sigma; None attacks the network itself.
        step_size: 2 eps / steps by default.
    """
    radius = _each(eps, pixels)
    objective = Objective(labels, expectation=expectation)
    ball = Ball(pixels.detach(), radius, norm, rounds=0)
    z = torch.empty_like(pixels).normal_(generator=generator)
    length = 2 * radius / steps if step_size is None else torch.full_like(radius, step_size)
    start = ball.centre
    if random_start:
        u = torch.empty_like(radius).uniform_(generator=generator)
        start = ball.scattered(torch.empty_like(z).normal_(generator=generator), u)

    rule = Projected(ball, length, directions(z, norm))
    look = _looking(forward, objective, noise)
    return _last(ascend(look, start, rule, None, steps))


def perturb_ddn(
    forward: Forward,
    pixels: Tensor,
    labels: Tensor,
    *,
    eps: float | Tensor,
    steps: int,
    generator: torch.Generator,
    noise: Tensor | None = None,
    gamma: float = 0.05,
    first_norm: float | Tensor = 1.0,
) -> Tensor:
    """Adversarial pixels (B, C, H, W) in [0,1] as SmoothAdv's DDN finds them.

    Salman et al. (2019) after Rony et al. (2019), as their code has it: the norm follows a rule
    of its own, points are rounded to 256 levels, the nearest adversarial one is kept and at last
    drawn into the ball. Where no step was adversarial the clean image comes back. A point is
    adversarial where another class has more of the copies than the label; other arguments as for
    `perturb`.

    Args:
        gamma: share by which the norm changes.
        first_norm: norm of the first step, one number or (B,).
    """
    centre = pixels.detach()
    objective = Objective(labels, expectation="probability")
    z = torch.empty_like(pixels).normal_(generator=generator)
    norm = _each(first_norm, centre)
    rule = Decoupled(centre, directions(z, "l2"), norm, gamma, 1.0, steps, _LEVELS)
    best = BestSoFar(centre, nearest="l2")
    _last(ascend(_looking(forward, objective, noise), centre, rule, best, steps))
    found = torch.where(per_image(best.reached), best.best, centre)
    radius = _each(eps, pixels)
    return Ball(centre, radius, "l2", rounds=0).project(found)


def _looking(forward: Forward, objective: Objective, noise: Tensor | None) -> Evaluate:
    """What a step sees: the objective over an image's copies."""

    def logits_of(x: Tensor) -> Tensor:
        copies = x[:, None] if noise is None else x[:, None] + noise
        logits = forward(copies.flatten(0, 1))
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        return logits.view(len(x), -1, logits.shape[-1])

    def look(points: Tensor, step: int) -> Gradient:
        logits, gradient = gradient_of(logits_of, objective, points)
        return Gradient(Outputs(objective, logits), gradient)

    return look


def _each(eps: float | Tensor, pixels: Tensor) -> Tensor:
    """One radius (B,) per image; a number moved to a GPU would wait for it."""
    if isinstance(eps, Tensor):
        return eps.to(pixels).expand(len(pixels))
    return pixels.new_full((len(pixels),), eps)


def _last(steps: Generator[int, None, Tensor]) -> Tensor:
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            moved: Tensor = ended.value
            return moved
