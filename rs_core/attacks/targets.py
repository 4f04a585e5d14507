"""What is attacked: a differentiable map from pixels to the logits of noisy copies."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from rs_core.classifiers import Classifier
from rs_core.classifiers.tracing import running
from rs_core.errors import ModelFileError
from rs_core.events import drain
from rs_core.images import ImageInput, image_from_array
from rs_core.pixel_grid import snapped
from rs_core.seeding import block_seeds, derive_seed
from rs_core.selectors import FromNetwork, Selector
from rs_core.smoothing.noise import standard_normal
from rs_core.smoothing.options import SIGMA_MAX

# Purposes of a stream of noise; no two share a generator.
ASCEND, JUDGE, CLEAN, START = range(4)
# Copies drawn by one generator, so that noise does not depend on how copies share passes.
PART = 8


class Target(ABC):
    """A network, or a smoothed network, under attack.

    Fields:
        draws: noisy copies per image and step.
        noisy: whether a second look at a point could say something else.
        shared: whether several threads may use it at once.
        threads: how many do.
    """

    described: str
    draws: int = 1
    noisy: bool = False
    shared: bool = True
    threads: int = 1

    def __init__(self, classifier: Classifier, seeds: Sequence[int]) -> None:
        self.classifier = classifier
        self.seeds = seeds

    @property
    def sigmas(self) -> list[float] | None:
        """Noise level of each image now, or None for the network itself."""
        return None

    def settle(self, pixels: Tensor, step: int | None) -> list[float] | None:
        """Fix what a step holds constant, its sigmas; step None: for points to be judged."""
        return self.sigmas

    @abstractmethod
    def logits(
        self, pixels: Tensor, images: range, copies: range, step: int, purpose: int = ASCEND
    ) -> Tensor:
        """Logits (b, j, K) of the copies of pixels (b, C, H, W), the images' points at a step."""


class Plain(Target):
    """The network itself, one copy without noise."""

    described = "the network itself"

    def logits(
        self, pixels: Tensor, images: range, copies: range, step: int, purpose: int = ASCEND
    ) -> Tensor:
        """Logits (b, 1, K)."""
        return self.classifier(pixels, 0.0)[:, None]


class Smoothed(Target):
    """The soft surrogate of the smoothed classifier at a frozen sigma per image.

    With `fresh` every step sees new noise (Nemcovsky et al., EPGD), otherwise all see the same.
    """

    noisy = True

    def __init__(
        self,
        classifier: Classifier,
        seeds: Sequence[int],
        sigmas: Sequence[float],
        *,
        draws: int,
        fresh: bool = True,
    ) -> None:
        super().__init__(classifier, seeds)
        self.draws, self.fresh = draws, fresh
        self._sigmas = torch.tensor(list(sigmas), dtype=torch.float32, device=classifier.device)
        self.described = "the smoothed network at a frozen sigma"

    @property
    def sigmas(self) -> list[float] | None:
        """As they were given."""
        return [float(sigma) for sigma in self._sigmas.tolist()]

    def logits(
        self, pixels: Tensor, images: range, copies: range, step: int, purpose: int = ASCEND
    ) -> Tensor:
        """Logits (b, j, K) of x + sigma z."""
        z = self._noise(images, copies, step, purpose)  # (b, j, H, W, C)
        sigma = self._sigma_of(pixels, images)
        scale = sigma[:, None, None, None, None]
        # Height, width and channels stay in the layout that the network reads fastest.
        noisy = torch.addcmul(pixels.permute(0, 2, 3, 1)[:, None], scale, z)
        told = sigma.repeat_interleave(len(copies))
        rows = noisy.flatten(0, 1).permute(0, 3, 1, 2)
        logits = self.classifier(rows, told)
        return logits.view(len(images), len(copies), -1)

    def _sigma_of(self, pixels: Tensor, images: range) -> Tensor:
        return self._sigmas[images.start : images.stop]

    def _noise(self, images: range, copies: range, step: int, purpose: int) -> Tensor:
        step = step if self.fresh or purpose != ASCEND else 0
        parts = -(-self.draws // PART) if purpose == ASCEND else 1 << 12
        first, last = copies.start // PART, -(-copies.stop // PART)
        drawn = []
        for image in images:
            seeds = block_seeds(self.seeds[image], purpose, step * parts + first, last - first)
            for part, seed in zip(range(first, last), seeds, strict=True):
                rows = min(copies.stop - part * PART, PART)
                drawn.append(standard_normal(self.classifier, rows, seed, torch.float32))
        z = drawn[0] if len(drawn) == 1 else torch.cat(drawn)
        flat = z.permute(0, 2, 3, 1)
        return flat.view(len(images), len(copies), *flat.shape[1:])


class Reselected(Smoothed):
    """The pipeline with a selector that has no gradient, by straight-through re-selection.

    The selector picks sigma again for the points themselves every `every` steps, and again
    whenever a point is judged; between, and in the gradient, sigma counts as constant.
    """

    def __init__(
        self,
        classifier: Classifier,
        seeds: Sequence[int],
        images: Sequence[ImageInput],
        selector: Selector,
        *,
        draws: int,
        fresh: bool = True,
        every: int,
    ) -> None:
        super().__init__(classifier, seeds, [1.0] * len(images), draws=draws, fresh=fresh)
        self.images, self.selector, self.every = images, selector, every
        self.described = f"the pipeline, sigma re-picked by {selector.name}"

    def settle(self, pixels: Tensor, step: int | None) -> list[float] | None:
        """Pick sigma for these points."""
        if step is not None and step % self.every:
            return self.sigmas
        moved = [
            moved_image(self.classifier, image, row)
            for image, row in zip(self.images, pixels.cpu(), strict=True)
        ]
        seed = derive_seed(self.seeds[0], "select", -1 if step is None else step)
        picked = drain(self.selector.run(self.classifier, moved, seed=seed))
        self._sigmas = torch.tensor(
            [selection.sigma for selection in picked], device=self.classifier.device
        )
        return self.sigmas


class Differentiable(Smoothed):
    """The pipeline with a selector network h, attacked by gradient through h and f alike.

    Hase et al., experiment B, the stronger attack: x moves both the image and its sigma = h(x).
    """

    shared = False  # nobody knows what a foreign network keeps on itself

    def __init__(
        self,
        classifier: Classifier,
        seeds: Sequence[int],
        selector: FromNetwork,
        *,
        draws: int,
        fresh: bool = True,
    ) -> None:
        super().__init__(classifier, seeds, [1.0] * len(seeds), draws=draws, fresh=fresh)
        self.network = selector.network
        self.described = "the pipeline, by gradient through the selector network"

    def settle(self, pixels: Tensor, step: int | None) -> list[float] | None:
        """Note the sigmas of a point that is judged; a step finds its own."""
        if step is None:
            with torch.no_grad():
                self._sigmas = self._sigma_of(pixels, range(len(pixels)))
        return self.sigmas

    def _sigma_of(self, pixels: Tensor, images: range) -> Tensor:
        with running():
            sigmas = self.network(pixels)
        if sigmas.numel() != len(pixels):
            raise ModelFileError(f"the selector network must return {len(pixels)} sigmas.")
        return sigmas.flatten().clamp(1e-6, SIGMA_MAX)


def moved_image(classifier: Classifier, image: ImageInput, pixels: Tensor) -> ImageInput:
    """The image at other pixels (C, H, W), moved to the grid; its digest is theirs."""
    planes = snapped(pixels.detach().clamp(0, 1).cpu().numpy()).transpose(1, 2, 0)
    found = image_from_array(planes, classifier.spec, label=image.label, name=image.name)
    return replace(found, preprocessing=(*image.preprocessing, "moved by an attack"))


def smoothing_target(
    classifier: Classifier,
    seeds: Sequence[int],
    images: Sequence[ImageInput],
    sigmas: Sequence[float],
    *,
    draws: int,
    fresh: bool,
    selector: Selector | None,
    reselect: int,
) -> Target:
    """The target that a selector and its treatment ask for; frozen sigmas where reselect is 0."""
    if selector is None or not reselect:
        return Smoothed(classifier, seeds, sigmas, draws=draws, fresh=fresh)
    if isinstance(selector, FromNetwork):
        return Differentiable(classifier, seeds, selector, draws=draws, fresh=fresh)
    return Reselected(classifier, seeds, images, selector, draws=draws, fresh=fresh, every=reselect)
