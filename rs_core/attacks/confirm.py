"""An adversarial image counts if PREDICT on noise that nobody has seen returns another class."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from rs_core.attacks.checks import check_gaussian
from rs_core.attacks.predict import predictions
from rs_core.attacks.targets import moved_image
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, Stream, still
from rs_core.fields import check_params, param
from rs_core.images import ImageInput
from rs_core.pixel_grid import snapped
from rs_core.results.attack import AttackResult, Confirmation, as_stored, norms, unreached
from rs_core.seeding import check_seed, derive_seed
from rs_core.selectors import Selector
from rs_core.smoothing.draw_checks import check_decidable
from rs_core.smoothing.options import ARITHMETIC, Arithmetic, noise_kind
from rs_core.smoothing.sampling import BATCH_SIZE
from rs_core.smoothing.statements import class_label
from rs_core.statistics import ceil_digits


@dataclass(frozen=True, kw_only=True)
class Confirm:
    """Says of each attack result whether fresh noise confirms it.

    PREDICT (Cohen et al. 2019) is asked at most `confirmations` times per image, each time at
    level alpha / confirmations, so that all it says of an image is right with probability
    1 - alpha. The last one is kept for the 8-bit image; where `stretch` is not 0, the others walk
    along the perturbation: outwards by factors 1, 1 + stretch, 1 + 3 stretch, 1 + 7 stretch...
    until one is confirmed, or inwards by 1, 1 - stretch, 1 - 3 stretch... until one is not, then
    by halves between the last two; the nearest confirmed point counts. Walking belongs to attacks
    for the smallest norm; it can leave the ball of the others.

    Each result is judged at its own sigma, or where a selector is given, at the sigma that the
    selector picks for the adversarial image itself. Without either it is a second look by the
    prepared network, in another batch, which leaves nothing to chance.

    Each point is moved to the pixels' grid before it is judged, and its norm is the moved one's:
    the smoothed classifier is one of images on the grid.
    """

    n: int = param(1000, help="fresh noisy copies per PREDICT", low=1, high=1e8)
    alpha: float = param(
        1e-3, help="probability that a confirmation of an image is false",
        low=0, high=0.5, low_open=True,
    )  # fmt: skip
    confirmations: int = param(4, help="most PREDICTs per image (m)", low=2, high=100)
    stretch: float = param(0.0, help="first step along it, as a share of the norm", low=0, high=1)
    noise: Arithmetic = ARITHMETIC
    selector: Selector | None = None

    def __post_init__(self) -> None:
        check_params(self)
        check_gaussian(self.selector)
        check_decidable(self.n, self.level)

    @property
    def level(self) -> float:
        """Level of one PREDICT."""
        return self.alpha / self.confirmations

    @property
    def budget(self) -> str:
        """The error of all that is said of one image, as a product."""
        level, alpha = ceil_digits(self.level, 6), ceil_digits(self.alpha, 6)
        return f"alpha = {self.confirmations} PREDICTs x {level} = {alpha}"

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        results: Sequence[AttackResult],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[AttackResult, ...]]:
        """Yields steps counted in noisy copies, then the results with `confirmed` filled in.

        A result without success is left unconfirmed and costs nothing. The classifier that is asked
        may be another one than was attacked, as in a transfer.

        Raises:
            ParameterError: results of other images, or of another shape than the network takes.
        """
        check_seed(seed)
        _check_pairs(classifier, images, results)
        judged = list(results)
        # An image that is misclassified as it is has nowhere to walk.
        steps = [self.stretch if result.l2 > 0 else 0.0 for result in results]
        walks = {i: Walk(steps[i]) for i, result in enumerate(results) if result.success}
        total = len(images) * self.confirmations * self.n
        for attempt in range(self.confirmations - 1):
            waiting = [i for i, walk in walks.items() if walk.goes_on]
            if not waiting:
                break
            points = [snapped(walks[i].point(images[i], results[i])) for i in waiting]
            said = yield from self._predict(
                classifier, images, waiting, results, points, seed, batch_size,
                before=attempt * len(images) * self.n, total=total,
            )  # fmt: skip
            for i, pixels, one in zip(waiting, points, said, strict=True):
                judged[i] = _told(judged[i], images[i], pixels, one)
                walks[i].heard(_flips(judged[i], one))
        done = [i for i, result in enumerate(judged) if result.confirmed]
        said = yield from self._predict(
            classifier, images, done, results, [judged[i].stored for i in done], seed, batch_size,
            before=(self.confirmations - 1) * len(images) * self.n, total=total,
        )  # fmt: skip
        for i, one in zip(done, said, strict=True):
            judged[i] = replace(
                judged[i],
                stored_confirmed=_flips(judged[i], one),
                confirmations=(*judged[i].confirmations, one),
            )
        names = classifier.spec.class_names
        yield Finished(tuple(_closed(result, names) for result in judged))

    def _predict(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        which: Sequence[int],
        results: Sequence[AttackResult],
        points: Sequence[np.ndarray],
        seed: int,
        batch_size: int,
        *,
        before: int,
        total: int,
    ) -> Generator[Step, None, list[Confirmation]]:
        if not which:
            return []
        moved = [
            moved_image(classifier, images[i], torch.tensor(p))
            for i, p in zip(which, points, strict=True)
        ]
        sigmas: list[float | None] = [results[i].sigma for i in which]
        if self.selector is not None:
            own = derive_seed(seed, "confirm", "select")
            picked = yield from still(self.selector.run(classifier, moved, seed=own), before, total)
            sigmas = [selection.sigma for selection in picked]
        return (
            yield from predictions(
                classifier, moved, sigmas, self.n, self.level, seed=seed, batch_size=batch_size,
                before=before, total=total, noise=noise_kind(self.noise),
            )
        )  # fmt: skip


def _check_pairs(
    classifier: Classifier, images: Sequence[ImageInput], results: Sequence[AttackResult]
) -> None:
    if len(images) != len(results):
        raise ParameterError(f"{len(results)} results for {len(images)} images: give one for each.")
    for image, result in zip(images, results, strict=True):
        if result.image_digest != image.digest:
            raise ParameterError(f"{image.name}: its result is of another image: pair them again.")
        if result.adversarial.shape != classifier.spec.input_shape:
            raise ParameterError(
                f"{image.name}: its adversarial is {result.adversarial.shape} and "
                f"{classifier.spec.name} takes {classifier.spec.input_shape}: attack that network."
            )


def _flips(result: AttackResult, said: Confirmation) -> bool:
    if said.predicted is None:
        return False
    if result.goal is not None:
        return said.predicted == result.goal
    return said.predicted != result.label


def _told(
    result: AttackResult, image: ImageInput, pixels: np.ndarray, said: Confirmation
) -> AttackResult:
    """The result after one PREDICT; at these pixels if it flips there."""
    told = replace(result, confirmations=(*result.confirmations, said))
    if not _flips(result, said):
        return told
    l2, linf = norms(pixels, image.pixels)
    stored_l2, stored_linf = norms(as_stored(pixels), image.pixels)
    return replace(
        told, adversarial=pixels, confirmed=True, sigma=said.sigma, l2=l2, linf=linf,
        stored_l2=stored_l2, stored_linf=stored_linf,
    )  # fmt: skip


def _closed(result: AttackResult, names: tuple[str, ...]) -> AttackResult:
    if result.confirmed:
        return result
    notes = result.notes
    if result.success:
        asked = len(result.confirmations)
        said = "1 PREDICT" if asked == 1 else f"{asked} PREDICTs"
        if all(one.sigma is None for one in result.confirmations):
            said = "the network itself, asked again among other images,"
        did = unreached(result, lambda index: _class_text(index, names))
        notes += (f"unconfirmed: {said} {did}",)
    return replace(result, confirmed=False, stored_confirmed=False, notes=notes)


def _class_text(index: int, names: tuple[str, ...]) -> str:
    """The objective may be a class that the network asked does not have."""
    return f"class {class_label(index, names) if index < len(names) else index}"


@dataclass
class Walk:
    """Factors along one image's perturbation: the largest that failed, the least confirmed.

    Steps of `stretch`, 2 `stretch`, 4 `stretch`... lead outwards from a point that failed and
    inwards from one that was confirmed: the attack's own copies may have asked too little or too
    much of it.
    """

    stretch: float
    failed: float | None = None
    confirmed: float | None = None

    @property
    def goes_on(self) -> bool:
        """Whether another PREDICT could say something new."""
        asked = self.failed is not None or self.confirmed is not None
        return self.stretch > 0 or not asked

    @property
    def factor(self) -> float:
        """Where the next PREDICT is asked."""
        if self.failed is not None and self.confirmed is not None:
            return (self.failed + self.confirmed) / 2
        if self.failed is not None:
            return 1 + 2 * (self.failed - 1) + self.stretch
        if self.confirmed is not None:
            return max(1 - 2 * (1 - self.confirmed) - self.stretch, self.confirmed / 2)
        return 1.0

    def point(self, image: ImageInput, result: AttackResult) -> np.ndarray:
        """The pixels there, in the box."""
        if self.factor == 1:
            return result.adversarial
        moved = image.pixels + np.float32(self.factor) * (result.adversarial - image.pixels)
        return np.asarray(np.clip(moved, 0, 1), dtype=np.float32)

    def heard(self, flips: bool) -> None:
        """Take one answer in."""
        if flips:
            self.confirmed = self.factor
        else:
            self.failed = self.factor
