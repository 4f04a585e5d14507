"""The inner maximisation of adversarial training: the attacks' own loop, tensors in and out."""

from collections.abc import Callable

import torch
from torch import Tensor

from rs_core.attacks.ascent import Projected, Record, climb
from rs_core.attacks.balls import Ball, Norm, directions
from rs_core.attacks.losses import Expectation, Goal
from rs_core.attacks.slopes import Slope, finished, gradient_of

Forward = Callable[[Tensor], Tensor]


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
        forward: pixels (N, C, H, W) of [0,1] to logits (N, K); normalisation inside.
        pixels: (B, C, H, W) in [0,1].
        labels: (B,) the classes to leave.
        eps: radius in the norm, one number or (B,); 0 moves nothing.
        steps: gradient steps.
        generator: of random starts, and of steps where the gradient is 0.
        noise: (B, m, C, H, W), already times sigma; None attacks the network itself.
        step_size: 2 eps / steps by default.
    """
    radius = torch.as_tensor(eps, dtype=pixels.dtype, device=pixels.device).expand(len(pixels))
    goal = Goal(labels, expectation=expectation)
    ball = Ball(pixels.detach(), radius, norm, rounds=0)
    z = torch.empty_like(pixels).normal_(generator=generator)
    length = 2 * radius / steps if step_size is None else torch.full_like(radius, step_size)
    start = ball.centre
    if random_start:
        u = torch.empty_like(radius).uniform_(generator=generator)
        start = ball.scattered(torch.empty_like(z).normal_(generator=generator), u)

    def logits_of(x: Tensor) -> Tensor:
        copies = x[:, None] if noise is None else x[:, None] + noise
        logits = forward(copies.flatten(0, 1)).float()
        return logits.view(len(x), -1, logits.shape[-1])

    def look(points: Tensor, step: int) -> Slope:
        return finished(goal, *gradient_of(logits_of, goal, points))

    mover = Projected(ball, length, directions(z, norm))
    steps_made = climb(look, start, mover, Record(ball.centre), steps)
    while True:
        try:
            next(steps_made)
        except StopIteration as ended:
            moved: Tensor = ended.value
            return moved
