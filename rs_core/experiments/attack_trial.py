"""One attack tried: it looks, fresh noise confirms, and the vote before and after is shown."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rs_core.attacks import Attack, Confirm, SelfCheck
from rs_core.attacks.checks import check_images, check_target
from rs_core.attacks.methods.pgd import Pgd
from rs_core.attacks.targets import moved_image
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Stream, relay
from rs_core.experiments.attack_progress import TrialProgress, TrialStep
from rs_core.fields import describe_fields
from rs_core.images import ImageInput
from rs_core.results import to_json
from rs_core.results.attack import AttackCheck, AttackResult
from rs_core.results.attack_trial import SMALLEST, AttackTrial, Ballot
from rs_core.seeding import check_seed, derive_seed
from rs_core.selectors import FromNetwork
from rs_core.smoothing.sampling import BATCH_SIZE, draw_votes

_BACKWARD = 3  # a pass forward and back costs about as much as three forward passes
_STRETCH = 0.02


def confirmation_for(attack: Attack, **settings: Any) -> Confirm:
    """The confirmation of an attack: settings that are not given suit it.

    An attack for the smallest norm ends on the border, so its confirmation walks outwards.
    """
    if attack.name in SMALLEST and attack.smoothed:
        settings = {"confirmations": 8, "stretch": _STRETCH, **settings}
    return Confirm(**settings)


@dataclass(frozen=True, kw_only=True)
class TryAttack:
    """An attack on images, confirmed by PREDICT on fresh noise, with the vote before and after.

    Where the attack has a selector, the pipeline is judged: its selector picks sigma again for
    whatever image is confirmed or voted on, however the attack treated it.

    Fields:
        attack: any of `ATTACKS`.
        confirm: how fresh noise is asked; the attack's selector is filled in.
        self_check: also run the attack beside ones that cannot be masked (`SelfCheck`).
        queries: of the self-check's attack without gradients.
        dataset, indices: where the images come from, for the result.

    Raises:
        ParameterError: a self-check of an attack that is not of pgd's kind.
    """

    attack: Attack
    confirm: Confirm = field(default_factory=Confirm)
    self_check: bool = False
    queries: int = 100
    dataset: str = ""
    indices: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        held = replace(self.confirm, selector=self.attack.selector)
        object.__setattr__(self, "confirm", held)
        if self.self_check:
            self._checking()

    @property
    def most_passes(self) -> int:
        """About the most forward passes that one image costs; one forward and back counts three."""
        return self._looking + self._confirming + self._voting + self._trusting

    def check(self, classifier: Classifier, images: Sequence[ImageInput]) -> None:
        """Refuse, before anything is computed, what could not end well.

        Raises:
            ParameterError: no image, one that does not fit, a class that the network lacks, a
                class to reach that is the label, or images that the selector cannot take.
        """
        if not images:
            raise ParameterError("there is no image to attack: give one at least.")
        labels = check_images(classifier, images, None, self.attack.target)
        known = [(i, y) for i, y in zip(images, labels, strict=True) if y is not None]
        check_target([i for i, _ in known], [y for _, y in known], self.attack.target)
        if self.attack.selector is not None:
            self.attack.selector.check(classifier, images)

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[AttackTrial]:
        """Yields `TrialStep`s, then the trial.

        Each image must leave its own label, and without one what the target says of it.

        Raises:
            ParameterError: see `check`; or the network gives no gradients.
        """
        self.check(classifier, images)
        seed, count, name = check_seed(seed), len(images), self.attack.name
        options: dict[str, Any] = {"seed": seed, "batch_size": batch_size}
        progress = TrialProgress(count * self.most_passes)
        found = yield from progress.part(
            self.attack.run(classifier, images, **options), f"{name} looks", count * self._looking
        )
        found = yield from progress.part(
            self.confirm.run(classifier, images, found, **options),
            "fresh noise confirms",
            count * self._confirming,
        )
        before, after = yield from self._shift(progress, classifier, images, found, options)
        check: AttackCheck | None = None
        if self.self_check:
            progress.watching = False
            check = yield from progress.part(
                self._checking().run(classifier, images, **options),
                f"{name} is checked against attacks that cannot be masked",
                count * self._trusting,
            )
        yield Finished(self._trial(images, found, before, after, check))

    def _shift(
        self,
        progress: TrialProgress,
        classifier: Classifier,
        images: Sequence[ImageInput],
        found: Sequence[AttackResult],
        options: dict[str, Any],
    ) -> Generator[TrialStep, None, tuple[tuple[Ballot, ...], tuple[Ballot, ...]]]:
        """The votes on the images as they are, and on what was found."""
        moved = [
            moved_image(classifier, image, torch.from_numpy(result.adversarial))
            for image, result in zip(images, found, strict=True)
        ]
        both, phase = [*images, *moved], "the vote before and after"
        sigmas: list[float | None] = [self.attack.sigma] * len(both)
        picking = 0
        if self.attack.selector is not None:
            # The seed of a confirmation: at one point both are told the same sigma.
            own = derive_seed(options["seed"], "confirm", "select")
            picking = len(both) * self.attack.selector.most_draws
            picks = self.attack.selector.run(classifier, both, seed=own)
            picked = yield from progress.part(picks, phase, picking)
            sigmas = [selection.sigma for selection in picked]
        stream = ballots(classifier, both, sigmas, self.confirm.n, **options)
        votes = yield from progress.part(stream, phase, len(images) * self._voting - picking)
        return votes[: len(images)], votes[len(images) :]

    def _trial(
        self,
        images: Sequence[ImageInput],
        found: Sequence[AttackResult],
        before: tuple[Ballot, ...],
        after: tuple[Ballot, ...],
        check: AttackCheck | None,
    ) -> AttackTrial:
        attack, confirm, picker = self.attack, self.confirm, self.attack.selector
        return AttackTrial(
            attack=attack.name,
            settings=_settings(attack),
            selector=None if picker is None else picker.name,
            selector_settings={} if picker is None else _settings(picker),
            names=tuple(image.name for image in images),
            labels=tuple(image.label for image in images),
            results=tuple(found),
            before=before,
            after=after,
            check=check,
            n=confirm.n,
            alpha=confirm.alpha,
            confirmations=confirm.confirmations,
            dataset=self.dataset,
            indices=self.indices or tuple(range(len(images))),
        )

    def _checking(self) -> SelfCheck:
        if not isinstance(self.attack, Pgd):
            raise ParameterError(
                f"the self-check is for pgd and attacks of its kind, not for {self.attack.name}: "
                "leave it out."
            )
        return SelfCheck(attack=self.attack, queries=self.queries)

    @property
    def _picking(self) -> int:
        """Noisy copies of one choice of sigma."""
        return 0 if self.attack.selector is None else self.attack.selector.most_draws

    @property
    def _looking(self) -> int:
        attack, copies = self.attack, self._copies
        if attack.gradient_free:
            passes, picks = attack.passes * copies, attack.passes
        else:
            passes, picks = _BACKWARD * attack.passes, attack.passes // attack.draws
        again = attack.reselect and not isinstance(attack.selector, FromNetwork)
        every = 1 if attack.gradient_free else max(attack.reselect, 1)
        return passes + self._picking * (1 + (picks // every if again else 0))

    @property
    def _confirming(self) -> int:
        each = (self.confirm.n if self.attack.smoothed else 1) + self._picking
        return self.confirm.confirmations * each

    @property
    def _voting(self) -> int:
        return 2 * ((self.confirm.n if self.attack.smoothed else 1) + self._picking)

    @property
    def _trusting(self) -> int:
        if not self.self_check:
            return 0
        checking = self._checking()
        free = (checking.queries + checking.tries) * self._copies
        return 2 * self._looking + free + 2 * self._picking

    @property
    def _copies(self) -> int:
        return self.attack.judged if self.attack.smoothed else 1


def _settings(task: Any) -> dict[str, Any]:
    """Its fields as JSON values."""
    return {facts.name: to_json(getattr(task, facts.name)) for facts in describe_fields(type(task))}


def ballots(
    classifier: Classifier,
    images: Sequence[ImageInput],
    sigmas: Sequence[float | None],
    n: int,
    *,
    seed: int,
    batch_size: int = BATCH_SIZE,
) -> Stream[tuple[Ballot, ...]]:
    """Yields steps, then one ballot per image, each at its own sigma; None: the network itself.

    The noise has a path of its own, `shift`: neither an attack nor a confirmation draws there.
    """
    noisy = [i for i, sigma in enumerate(sigmas) if sigma is not None]
    found = {i: _own(classifier, images[i]) for i, sigma in enumerate(sigmas) if sigma is None}
    if noisy:
        levels = np.array([[sigmas[i]] for i in noisy], dtype=np.float64)
        votes = yield from relay(
            draw_votes(
                classifier, [images[i] for i in noisy], levels, n,
                seed=seed, caller="shift", stage="predict", soft=True, batch_size=batch_size,
            )
        )  # fmt: skip
        assert votes.soft is not None
        for i, counts, scores in zip(noisy, votes.counts[:, 0], votes.soft[:, 0], strict=True):
            whole = tuple(int(count) for count in counts)
            found[i] = Ballot(whole, tuple((scores / n).tolist()), sigmas[i], n)
    yield Finished(tuple(found[i] for i in range(len(images))))


@torch.inference_mode()
def _own(classifier: Classifier, image: ImageInput) -> Ballot:
    """The network's own answer, in a batch of the size in which it votes."""
    rows = classifier.block if classifier.device.type == "cpu" else 1
    batch = torch.tensor(image.pixels)[None].to(classifier.device).repeat(rows, 1, 1, 1)
    logits: Tensor = classifier(batch.contiguous(memory_format=torch.channels_last), 0.0)[0]
    counts, valid = [0] * (classifier.num_classes + 1), bool(logits.isfinite().all())
    counts[int(logits.argmax()) if valid else -1] = 1
    scores = logits.double().softmax(dim=0) if valid else torch.zeros_like(logits)
    return Ballot(tuple(counts), tuple(scores.tolist()), None, 1)
