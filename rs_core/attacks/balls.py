"""Norm balls inside the pixel box: steps, projections, random starts."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Norm = Literal["l2", "linf"]

# Rounding a sum to float32 must not carry a point out of its ball.
_INSIDE = 1 - 2e-6
_TINY = 1e-30


def per_image(values: Tensor) -> Tensor:
    """(b,) as (b, 1, 1, 1)."""
    return values[:, None, None, None]


def l2_norms(points: Tensor) -> Tensor:
    """(b,) of (b, C, H, W)."""
    found: Tensor = torch.linalg.vector_norm(points, dim=(1, 2, 3))
    return found


def norm_of(points: Tensor, norm: Norm) -> Tensor:
    """(b,) of (b, C, H, W), in the norm."""
    return l2_norms(points) if norm == "l2" else points.abs().amax(dim=(1, 2, 3))


def unit(gradient: Tensor, norm: Norm, kick: Tensor) -> Tensor:
    """Steepest ascent of length 1 in the norm; `kick`, of length 1, where the gradient is 0.

    A gradient as small as 1e-38 still shows a direction: it is scaled before it is squared.
    """
    largest = per_image(gradient.abs().amax(dim=(1, 2, 3)))
    dead = largest == 0
    if norm == "linf":
        return torch.where(dead, kick, gradient.sign())
    scaled = gradient / largest.clamp_min(torch.finfo(gradient.dtype).tiny)
    length = per_image(l2_norms(scaled)).clamp_min(_TINY)
    return torch.where(dead, kick, scaled / length)


@dataclass(frozen=True, eq=False)
class Ball:
    """Points within `eps` (b,) of `centre` (b, C, H, W) and within [0,1], both at once.

    The nearest point of both is clamp(t u), u from the centre, for the largest t that the ball
    allows. Raising t by eps / |clamp(t u)| never overshoots, and `rounds` of it come close. With
    `rounds` 0 the clamped point is shrunk as a whole, as SmoothAdv's code does: pixels at the
    edge of the box are drawn off it each time, which costs l2 attacks a few percent.
    """

    centre: Tensor
    eps: Tensor
    norm: Norm
    rounds: int = 3

    def project(self, points: Tensor) -> Tensor:
        """The points brought into box and ball; shrinking towards the centre keeps the box."""
        if self.norm == "linf":
            eps = per_image(self.eps)
            low, high = self.centre - eps, self.centre + eps
            return torch.minimum(torch.maximum(points, low), high).clamp_(0, 1)
        eps = self.eps * _INSIDE
        away = points - self.centre
        share = torch.ones_like(eps)
        if self.rounds:
            share = (eps / l2_norms(away).clamp_min(_TINY)).clamp_max(1)
        for _ in range(self.rounds):
            reach = l2_norms(
                torch.addcmul(self.centre, per_image(share), away).clamp_(0, 1).sub_(self.centre)
            )
            share = (share * eps / reach.clamp_min(_TINY)).clamp_max(1)
        moved = torch.addcmul(self.centre, per_image(share), away).clamp_(0, 1).sub_(self.centre)
        shrink = (eps / l2_norms(moved).clamp_min(_TINY)).clamp_max(1)
        return moved.mul_(per_image(shrink)).add_(self.centre).clamp_(0, 1)

    def onto_sphere(self, points: Tensor) -> Tensor:
        """The points at distance `eps` from the centre, then brought into the box."""
        moved = points - self.centre
        scale = self.eps / norm_of(moved, self.norm).clamp_min(_TINY)
        return moved.mul_(per_image(scale)).add_(self.centre).clamp_(0, 1)

    def scattered(self, z: Tensor, u: Tensor) -> Tensor:
        """Random points of the ball and box, of normals z (b, C, H, W) and uniforms u (b,).

        l2: uniform in the ball before the box is applied. linf: uniform in the cube, the normals
        turned into uniforms.
        """
        if self.norm == "linf":
            jump = 2 * torch.special.ndtr(z) - 1
            return self.project(self.centre + per_image(self.eps) * jump)
        dimension = z[0].numel()
        length = self.eps * u.pow(1 / dimension) / l2_norms(z).clamp_min(_TINY)
        return self.project(self.centre + per_image(length) * z)


def directions(z: Tensor, norm: Norm) -> Tensor:
    """Random directions of length 1 in the norm, of normals z (b, C, H, W)."""
    if norm == "linf":
        return z.sign()
    return z / per_image(l2_norms(z).clamp_min(_TINY))
