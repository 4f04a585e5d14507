"""Gradient ascent on sigma with reparametrised noise: Alfarra et al. (2022), Algorithm 1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, Stream
from rs_core.fields import param
from rs_core.images import ImageInput
from rs_core.results import Norm, Selection
from rs_core.seeding import derive_seed
from rs_core.selectors.base import UNTOLD, Selector, trained_at
from rs_core.selectors.soft_radius import CLAMP, PAPER_CLAMP, differentiable_soft_radius
from rs_core.smoothing.noise import as_batch, standard_normal, standard_uniform
from rs_core.smoothing.options import SIGMA_MAX
from rs_core.smoothing.sampling import BATCH_SIZE
from rs_core.smoothing.threads import block_threads

_UNIT = "pixels of [0,1]"
_ROWS = 64  # of one forward and backward pass: activations stay in cache
_MOST = 128  # copies of an image, which share a pass
_TOGETHER = 10  # ascent steps between two events


@dataclass
class _Chunk:
    """Some images on their way: pixels (B,C,H,W), seeds, sigmas and the trace so far."""

    pixels: Tensor
    seeds: list[int]
    sigma: Tensor
    trace: list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class Gradient(Selector):
    """sigma climbs the soft radius sigma/2 (PhiInv(E_A) - PhiInv(E_B)), fresh noise every step.

    `paper` clamps the mean scores to (.02, .98) as the paper's code does, where both clamp the
    gradient no longer sees the image and sigma drifts upwards by 2 * step each time; by
    default the clamp is (.001, .999). sigma stays within its bounds; running into one, and steps
    whose scores were both clamped, are noted. With norm="l1" the noise is uniform on
    [-sigma, sigma]^d, sigma is the paper's lambda, and the radius sigma (E_A - E_B).

    Without `start` sigma starts, as in the paper, where the network was trained: at the middle of
    its training noise, moved into the bounds where it lies outside; at .25, which is noted, where
    the network does not say.
    """

    name: ClassVar[str] = "gradient"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "published": {"paper": True},
        "package": {"steps": 900, "n": 100, "step_size": 0.04},  # the authors' ddsmoothing
        "long_steps": {"step_size": 0.05, "n": 8},  # what docs/selectors.md measured
    }

    steps: int = param(100, help="ascent steps K", low=1, high=10_000)
    n: int = param(1, help="noisy copies per step", low=1, high=_MOST)
    step_size: float = param(
        1e-4,
        help="length of a step per unit of gradient: 1e-4 as published, which hardly leaves its "
        "start; 0.05 with n=8 reaches the peak",
        low=0,
        high=10,
    )
    start: float | None = param(
        None,
        help="first sigma; by default the middle of the network's training noise",
        unit=_UNIT,
        low=0,
        high=SIGMA_MAX,
        low_open=True,
    )
    sigma_min: float = param(0.01, help="lower bound of sigma", unit=_UNIT, low=0, low_open=True)
    sigma_max: float = param(1.5, help="upper bound of sigma", unit=_UNIT, low=0, high=SIGMA_MAX)
    paper: bool = param(False, help="clamp the scores to (.02, .98) as published")
    norm: Norm = param("l2", help="l2: Gaussian noise; l1: uniform noise", choices=("l2", "l1"))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sigma_min >= self.sigma_max:
            raise ParameterError(
                f"sigma_min={self.sigma_min:g} must lie below sigma_max={self.sigma_max:g}: they "
                "must differ, so change one of them."
            )
        if self.start is not None and not self.sigma_min <= self.start <= self.sigma_max:
            raise ParameterError(
                f"start={self.start:g} must lie between sigma_min={self.sigma_min:g} and "
                f"sigma_max={self.sigma_max:g}: change one of the three."
            )

    @property
    def most_draws(self) -> int:
        """Every step's copies."""
        return self.steps * self.n

    @property
    def clamp(self) -> tuple[float, float]:
        """Bounds of the mean scores."""
        return PAPER_CLAMP if self.paper else CLAMP

    def start_at(self, classifier: Classifier) -> float:
        """The first sigma for this network."""
        if self.start is not None:
            return self.start
        return min(max(trained_at(classifier), self.sigma_min), self.sigma_max)

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Selection, ...]]:
        """Yields a step every few ascent steps, then the selections with their traces."""
        chunks = self._chunks(classifier, images, seed)
        on_cpu = classifier.device.type == "cpu"
        threads = torch.get_num_threads() if on_cpu else 1
        spread = block_threads(threads).map if threads > 1 else map
        total, done = len(images) * self.steps * self.n, 0
        for first in range(0, len(chunks), threads):
            group = chunks[first : first + threads]
            for k in range(0, self.steps, _TOGETHER):
                count = min(_TOGETHER, self.steps - k)
                list(spread(partial(self._climb, classifier, first=k, count=count), group))
                done += count * self.n * sum(len(chunk.seeds) for chunk in group)
                yield Step(done=done, total=total)
        guessed = self.start is None and classifier.spec.train_sigma is None
        said = (UNTOLD.format(self.start_at(classifier)),) if guessed else ()
        yield Finished(tuple(s for chunk in chunks for s in self._selections(chunk, said)))

    def _chunks(
        self, classifier: Classifier, images: Sequence[ImageInput], seed: int
    ) -> list[_Chunk]:
        size = max(_ROWS // self.n, 1)
        chunks = []
        for first in range(0, len(images), size):
            own = images[first : first + size]
            pixels = torch.cat([as_batch(classifier, image) for image in own])
            seeds = [
                derive_seed(seed, self.name, image.digest, classifier.weights_id) for image in own
            ]
            sigma = torch.full((len(own),), self.start_at(classifier), device=classifier.device)
            chunks.append(_Chunk(pixels, seeds, sigma, []))
        return chunks

    def _climb(self, classifier: Classifier, chunk: _Chunk, first: int, count: int) -> None:
        draw = standard_normal if self.norm == "l2" else standard_uniform
        for k in range(first, first + count):
            z = torch.cat(
                [draw(classifier, self.n, derive_seed(s, k), torch.float32) for s in chunk.seeds]
            )
            with torch.enable_grad():
                sigma = chunk.sigma.clone().requires_grad_(True)
                each = sigma.repeat_interleave(self.n)
                copies = chunk.pixels.repeat_interleave(self.n, dim=0)
                logits = classifier(copies + each[:, None, None, None] * z, each)
                scores = logits.softmax(dim=-1).view(len(chunk.seeds), self.n, -1).mean(dim=1)
                radius = differentiable_soft_radius(sigma, scores, self.clamp, self.norm)
                (slope,) = torch.autograd.grad(radius.sum(), sigma)
            slope = torch.nan_to_num(slope, nan=0.0, posinf=0.0, neginf=0.0)
            chunk.trace.append((chunk.sigma.cpu().numpy().copy(), radius.detach().cpu().numpy()))
            chunk.sigma = (chunk.sigma + self.step_size * slope).clamp(
                self.sigma_min, self.sigma_max
            )

    def _selections(self, chunk: _Chunk, said: tuple[str, ...]) -> list[Selection]:
        sigmas, radii = (np.stack(rows) for rows in zip(*chunk.trace, strict=True))
        last = chunk.sigma.double().cpu().numpy()
        found = []
        for index, sigma in enumerate(last.tolist()):
            trace = zip(sigmas[:, index].tolist(), radii[:, index].tolist(), strict=True)
            found.append(
                Selection(
                    selector=self.name,
                    sigma=min(max(sigma, self.sigma_min), self.sigma_max),
                    candidates=tuple(trace),
                    draws=self.steps * self.n,
                    notes=(*self._notes(sigma, sigmas[:, index], radii[:, index]), *said),
                    norm=self.norm,
                )
            )
        return found

    def _notes(self, sigma: float, sigmas: np.ndarray, radii: np.ndarray) -> tuple[str, ...]:
        notes = []
        for bound, word in ((self.sigma_min, "lower"), (self.sigma_max, "upper")):
            if abs(sigma - bound) < 1e-6:
                notes.append(f"sigma ran into its {word} bound {bound:g}")
        if self.norm == "l2":
            low, high = (float(torch.special.ndtri(torch.tensor(c))) for c in self.clamp)
            saturated = int((radii >= sigmas / 2 * (high - low) * (1 - 1e-4)).sum())
            if saturated:
                notes.append(f"both scores clamped in {saturated} of {len(radii)} steps")
        return tuple(notes)
