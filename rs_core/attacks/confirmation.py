"""An adversarial image counts if PREDICT on noise that nobody has seen returns another class."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from rs_core.attack_results import AttackResult, Confirmation, as_stored, norms
from rs_core.attacks.targets import moved_image
from rs_core.attacks.walking import Walk
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, Stream, relay, still
from rs_core.fields import check_params, param
from rs_core.images import ImageInput
from rs_core.seeding import check_seed, derive_seed
from rs_core.selectors import Selector
from rs_core.smoothing.sampling import BATCH_SIZE, draw_votes
from rs_core.statistics import top_two_p_value


@dataclass(frozen=True, kw_only=True)
class Confirm:
    """Says of each attack result whether fresh noise confirms it.

    PREDICT (Cohen et al. 2019) is asked at most `confirmations` times per image, each time at
    level alpha / confirmations, so that all it says of an image is right with probability
    1 - alpha. The last one is kept for the 8-bit image; the others walk outwards from the point
    found, where `stretch` is not 0: by factors 1, 1 + stretch, 1 + 3 stretch, 1 + 7 stretch...
    until one is confirmed, then back by halves between the last two. Walking belongs to attacks
    for the smallest norm; it can leave the ball of the others.

    Each result is judged at its own sigma, or where a selector is given, at the sigma that the
    selector picks for the adversarial image itself. Without either it is a second look by the
    prepared network, in another batch, which leaves nothing to chance.
    """

    n: int = param(1000, help="fresh noisy copies per PREDICT", low=1, high=1e8)
    alpha: float = param(
        1e-3, help="probability that a confirmation of an image is false",
        low=0, high=0.5, low_open=True,
    )  # fmt: skip
    confirmations: int = param(4, help="most PREDICTs per image (m)", low=2, high=100)
    stretch: float = param(0.0, help="first step outwards, as a share of the norm", low=0, high=1)
    selector: Selector | None = None

    def __post_init__(self) -> None:
        check_params(self)
        if float(top_two_p_value(self.n, 0)) > self.level:
            least = int(np.ceil(1 - np.log2(self.level)))
            raise ParameterError(
                f"n={self.n} can never confirm anything at level {self.level:.3g}: "
                f"give n of at least {least}."
            )

    @property
    def level(self) -> float:
        """Level of one PREDICT."""
        return self.alpha / self.confirmations

    @property
    def budget(self) -> str:
        """The error of all that is said of one image, as a product."""
        return f"alpha = {self.confirmations} PREDICTs x {self.level:g} = {self.alpha:g}"

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

        A result without success is left unconfirmed and costs nothing.

        Raises:
            ParameterError: results of other images or another network.
        """
        check_seed(seed)
        _hold_pairs(classifier, images, results)
        judged = list(results)
        walks = {i: Walk(self.stretch) for i, result in enumerate(results) if result.success}
        total = len(images) * self.confirmations * self.n
        for attempt in range(self.confirmations - 1):
            waiting = [i for i, walk in walks.items() if walk.goes_on]
            if not waiting:
                break
            points = [walks[i].point(images[i], results[i]) for i in waiting]
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
        yield Finished(tuple(_closed(result) for result in judged))

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
            moved_image(classifier, images[i], torch.from_numpy(p))
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
                before=before, total=total,
            )
        )  # fmt: skip


def predictions(
    classifier: Classifier,
    images: Sequence[ImageInput],
    sigmas: Sequence[float | None],
    n: int,
    level: float,
    *,
    seed: int,
    batch_size: int = BATCH_SIZE,
    before: int = 0,
    total: int | None = None,
) -> Generator[Step, None, list[Confirmation]]:
    """PREDICT of each image at its own sigma, on the stream that only confirmations use."""
    plain = [i for i, sigma in enumerate(sigmas) if sigma is None]
    noisy = [i for i, sigma in enumerate(sigmas) if sigma is not None]
    said: dict[int, Confirmation] = {}
    for i in plain:
        said[i] = _looked(classifier, images[i])
    if noisy:
        levels = np.array([[sigmas[i]] for i in noisy], dtype=np.float64)
        votes = yield from relay(
            draw_votes(
                classifier, [images[i] for i in noisy], levels, n,
                seed=seed, caller="confirm", stage="predict", batch_size=batch_size,
            ),
            before=before, total=total,
        )  # fmt: skip
        for i, counts in zip(noisy, votes.counts[:, 0], strict=True):
            said[i] = _prediction(counts, sigmas[i], n, level)
    return [said[i] for i in range(len(images))]


def _prediction(counts: np.ndarray, sigma: float | None, n: int, level: float) -> Confirmation:
    first, second = np.argsort(-counts, kind="stable")[:2]
    p_value = float(top_two_p_value(int(counts[first]), int(counts[second])))
    sure = p_value <= level and first != len(counts) - 1
    votes = tuple(int(count) for count in counts)
    return Confirmation(int(first) if sure else None, votes, sigma, n, level)


@torch.inference_mode()
def _looked(classifier: Classifier, image: ImageInput) -> Confirmation:
    """The network's own answer, in a batch of the size in which it votes."""
    rows = classifier.block if classifier.device.type == "cpu" else 1
    batch = torch.from_numpy(image.pixels)[None].to(classifier.device).repeat(rows, 1, 1, 1)
    logits: Tensor = classifier(batch.contiguous(memory_format=torch.channels_last), 0.0)[0]
    votes = [0] * (classifier.num_classes + 1)
    valid = bool(logits.isfinite().all())
    votes[int(logits.argmax()) if valid else -1] = 1
    return Confirmation(int(logits.argmax()) if valid else None, tuple(votes), None, 1, 0.0)


def _hold_pairs(
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


def _closed(result: AttackResult) -> AttackResult:
    if result.confirmed:
        return result
    notes = result.notes
    if result.success:
        notes += (f"unconfirmed: {len(result.confirmations)} PREDICTs returned no other class",)
    return replace(result, confirmed=False, stored_confirmed=False, notes=notes)
