"""Adversarial images made on one network, tried on another."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch

from rs_core.attacks.base import Attack
from rs_core.attacks.checks import check_images
from rs_core.attacks.predict import predictions
from rs_core.attacks.targets import moved_image
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, Stream, relay
from rs_core.fields import check_params, param
from rs_core.images import ImageInput
from rs_core.results.attack import AttackResult, Confirmation, TransferMatrix
from rs_core.seeding import check_seed
from rs_core.smoothing.draw_checks import check_decidable
from rs_core.smoothing.options import SIGMA_MAX
from rs_core.smoothing.sampling import BATCH_SIZE


class _Rates(NamedTuple):
    """Shares of the images: whose label a target does not return, and on which it abstains."""

    lost: float
    abstained: float


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """A matrix: one row per source and attack, one column per target (Nemcovsky et al., SIAM).

    An entry is the share of images whose label the target loses: PREDICT on fresh noise, at
    level alpha, does not return it; with `sigma` none the target network's own answer is another.
    As in Cohen et al. (2019) an abstention is never correct: it counts as lost, and how many of
    the lost abstain stands beside each entry.
    """

    attacks: Mapping[str, Attack] = field(kw_only=True)
    sigma: float | None = param(
        None, help="noise level of the targets; none for the networks themselves",
        unit="pixels of [0,1]", low=0, high=SIGMA_MAX, low_open=True,
    )  # fmt: skip
    n: int = param(1000, help="fresh noisy copies per PREDICT", low=1, high=1e8)
    alpha: float = param(
        1e-3, help="probability that one PREDICT is wrong", low=0, high=0.5, low_open=True
    )

    def __post_init__(self) -> None:
        check_params(self)
        if not self.attacks:
            raise ParameterError("no attack is given: name at least one.")
        if self.sigma is not None:
            check_decidable(self.n, self.alpha)

    def run(
        self,
        sources: Mapping[str, Classifier],
        targets: Mapping[str, Classifier],
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[TransferMatrix]:
        """Yields steps, then the matrix. Every image must have a label.

        Raises:
            ParameterError: no sources, targets or images; networks of different input shapes or
                classes; an image without a label.
        """
        check_seed(seed)
        _check_alike([*sources.values()], [*targets.values()], images)
        rows = [(s, a) for s in sources for a in self.attacks]
        attacking = sum(self.attacks[a].passes for _, a in rows) * len(images)
        copies = 1 if self.sigma is None else self.n
        each = len(targets) * len(images) * copies
        total, done = attacking + (len(rows) + 1) * each, 0
        clean = yield from self._column_rates(
            targets, images, images, seed, batch_size, done, total
        )
        done, rows_said = each, []
        for source, attack in rows:
            made = yield from self._made(
                sources[source], self.attacks[attack], images, seed, batch_size, done, total
            )
            done += self.attacks[attack].passes * len(images)
            moved = [_moved(sources[source], i, r) for i, r in zip(images, made, strict=True)]
            row = yield from self._column_rates(
                targets, images, moved, seed, batch_size, done, total
            )
            done += each
            rows_said.append(row)
        yield Finished(
            TransferMatrix(
                tuple(s for s, _ in rows), tuple(a for _, a in rows), tuple(targets),
                np.array([[one.lost for one in row] for row in rows_said]),
                np.array([one.lost for one in clean]), len(images), self.alpha,
                np.array([[one.abstained for one in row] for row in rows_said]),
                np.array([one.abstained for one in clean]),
            )
        )  # fmt: skip

    def _made(
        self,
        source: Classifier,
        attack: Attack,
        images: Sequence[ImageInput],
        seed: int,
        batch_size: int,
        before: int,
        total: int,
    ) -> Generator[Step, None, tuple[AttackResult, ...]]:
        stream = attack.run(source, images, seed=seed, batch_size=batch_size)
        return (yield from relay(stream, before=before, total=total))

    def _column_rates(
        self,
        targets: Mapping[str, Classifier],
        images: Sequence[ImageInput],
        moved: Sequence[ImageInput],
        seed: int,
        batch_size: int,
        before: int,
        total: int,
    ) -> Generator[Step, None, list[_Rates]]:
        rates = []
        for target in targets.values():
            said = yield from predictions(
                target, moved, [self.sigma] * len(moved), self.n, self.alpha,
                seed=seed, batch_size=batch_size, before=before, total=total,
            )  # fmt: skip
            before += len(images) * (1 if self.sigma is None else self.n)
            rates.append(_rates(images, said))
        return rates


def _moved(source: Classifier, image: ImageInput, result: AttackResult) -> ImageInput:
    return moved_image(source, image, torch.from_numpy(result.adversarial))


def _rates(images: Sequence[ImageInput], said: Sequence[Confirmation]) -> _Rates:
    pairs = list(zip(images, said, strict=True))
    return _Rates(
        float(np.mean([one.predicted != image.label for image, one in pairs])),
        float(np.mean([one.predicted is None for _, one in pairs])),
    )


def _check_alike(
    sources: Sequence[Classifier], targets: Sequence[Classifier], images: Sequence[ImageInput]
) -> None:
    if not (sources and targets and images):
        raise ParameterError("a transfer needs a source, a target and an image: give all three.")
    first = sources[0].spec
    for other in (*sources[1:], *targets):
        spec = other.spec
        if spec.input_shape != first.input_shape or spec.class_names != first.class_names:
            raise ParameterError(
                f"{spec.name} ({spec.input_shape}, {len(spec.class_names)} classes) and "
                f"{first.name} ({first.input_shape}, {len(first.class_names)} classes) differ in "
                "input or classes: choose networks that answer the same question."
            )
    check_images(sources[0], images, None, None)
    for image in images:
        if image.label is None:
            raise ParameterError(f"{image.name} has no label to lose: give one.")
