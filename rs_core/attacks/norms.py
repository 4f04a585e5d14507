"""Norm balls inside the pixel box: steps, projections, random starts."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from rs_core.errors import ParameterError

Norm = Literal["l2", "linf"]

# Rounding a sum to float32 must not carry a point out of its ball.
_INSIDE = 1 - 2e-6
_TINY = 1e-30


def check_radius(norm: str, *eps: float) -> None:
    """Refuse a ball that holds every image there is, mostly 8 where 8/255 is meant.

    Raises:
        ParameterError: an linf radius above 1, the whole range of a pixel.
    """
    if norm == "linf" and max(eps) > 1:
        raise ParameterError(
            f"eps={max(eps):g} in linf holds every image: pixels are in [0,1], so give at most 1; "
            f"if {max(eps):g} levels of 255 are meant, {max(eps):g}/255 = {max(eps) / 255:.4g}."
        )


def per_image(values: Tensor) -> Tensor:
    """(b,) as (b, 1, 1, 1)."""
    return values.view(-1, 1, 1, 1)


def l2_norms(points: Tensor) -> Tensor:
    """(b,) of (b, C, H, W)."""
    found: Tensor = torch.linalg.vector_norm(points, dim=(1, 2, 3))
    return found


def norm_of(points: Tensor, norm: Norm) -> Tensor:
    """(b,) of (b, C, H, W), in the norm."""
    return l2_norms(points) if norm == "l2" else points.abs().amax(dim=(1, 2, 3))


def unit(gradient: Tensor, largest: Tensor, norm: Norm, kick: Tensor) -> Tensor:
    """Steepest ascent of length 1 in the norm; `kick`, of length 1, where the gradient is 0.

    A gradient as small as 1e-38 still shows a direction: it is scaled before it is squared.

    Args:
        largest: (b,) the linf norms of the gradients (b, C, H, W).
    """
    # Adding the kick times 0 or 1 to what is 0 costs a fifth of choosing with a mask per image.
    dead = per_image((largest == 0).to(kick.dtype))
    if norm == "linf":
        return gradient.sign().addcmul_(dead, kick)
    scaled = gradient / per_image(largest.clamp_min(torch.finfo(gradient.dtype).tiny))
    length = l2_norms(scaled).clamp_min_(_TINY)
    return scaled.div_(per_image(length)).addcmul_(dead, kick)


@dataclass(frozen=True, eq=False)
class Ball:
    """Points within `eps` (b,) of `centre` (b, C, H, W) and within [0,1], both at once.

    The nearest point of both is clamp(t u), u from the centre, for the largest t that the ball
    allows. Raising t by eps / |clamp(t u)| never overshoots, and two `rounds` of it come within
    .1 % of eps on digits and photographs. With `rounds` 0 the clamped point is shrunk as a whole,
    as SmoothAdv's code does: pixels at the edge of the box are drawn off it each time.
    """

    centre: Tensor
    eps: Tensor
    norm: Norm
    rounds: int = 2

    def project(self, points: Tensor) -> Tensor:
        """The points brought into box and ball; shrinking towards the centre keeps the box."""
        if self.norm == "linf":
            return torch.clamp(points, *self._edges)
        eps = self.eps * _INSIDE
        away = (points if self.rounds else points.clamp(0, 1)) - self.centre
        share = (eps / l2_norms(away).clamp_min_(_TINY)).clamp_max_(1)
        for _ in range(self.rounds):
            reach = l2_norms(self._along(away, share).sub_(self.centre))
            share = (share * eps).div_(reach.clamp_min_(_TINY)).clamp_max_(1)
        return self._along(away, share)

    def _along(self, away: Tensor, share: Tensor) -> Tensor:
        return torch.addcmul(self.centre, per_image(share), away).clamp_(0, 1)

    @cached_property
    def _edges(self) -> tuple[Tensor, Tensor]:
        """The lowest and the highest pixels of an linf ball in the box."""
        eps = per_image(self.eps)
        return (self.centre - eps).clamp_min_(0), (self.centre + eps).clamp_max_(1)

    def onto_sphere(self, points: Tensor) -> Tensor:
        """The points at distance `eps` from the centre, then brought into the box."""
        moved = points - self.centre
        scale = self.eps / norm_of(moved, self.norm).clamp_min(_TINY)
        return moved.mul_(per_image(scale)).add_(self.centre).clamp_(0, 1)

    def scattered(self, z: Tensor, u: Tensor) -> Tensor:
        """Random points of the ball and box, of normals z (b, C, H, W) and uniforms u (b,).

        l2: a uniform direction at a uniform length, before the box is applied. Uniform in the
        ball would be at its surface, in so many dimensions, and the steps would go into undoing
        it: of MNIST, 3 % fewer images are fooled. linf: uniform in the cube, the normals turned
        into uniforms.
        """
        if self.norm == "linf":
            jump = 2 * torch.special.ndtr(z) - 1
            return self.project(self.centre + per_image(self.eps) * jump)
        length = self.eps * u / l2_norms(z).clamp_min(_TINY)
        return self.project(self.centre + per_image(length) * z)


def directions(z: Tensor, norm: Norm) -> Tensor:
    """Random directions of length 1 in the norm, of normals z (b, C, H, W)."""
    if norm == "linf":
        return z.sign()
    return z / per_image(l2_norms(z).clamp_min(_TINY))
