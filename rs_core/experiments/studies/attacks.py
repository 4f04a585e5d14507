"""Attacked images: made once for an attack, a radius and a noise level, judged by everybody."""

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from rs_core.attacks import Epgd, Pgd
from rs_core.attacks.targets import moved_image
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError, UnknownNameError
from rs_core.experiments.studies.progress import BACKWARD, StudyProgress, StudyStep, T
from rs_core.fields import shown
from rs_core.images import ImageInput
from rs_core.results.study import NONE, AttackFacts, StudySet
from rs_core.smoothing.ballots import VOTES, Rule, draw_logits

_PICKS_BESIDE_STEPS = 5  # before it starts, and for each point that is judged
RANDOM_NOTE = (
    "the network injects noise of its own: every copy that votes has its own draw, but attacks "
    "take what the process draws, so that repeated studies differ by chance"
)


def check_labelled(
    classifier: Classifier, images: Sequence[ImageInput], indices: Sequence[int]
) -> None:
    """Refuse images that no accuracy can be told of.

    Raises:
        ParameterError: no image, one without a label or of another shape, or as many indices as
            there are not images.
    """
    if not images or len(indices) not in (0, len(images)):
        raise ParameterError(
            f"{len(indices)} indices for {len(images)} images: give at least one image, and an "
            "index for each or none."
        )
    shape = classifier.spec.input_shape
    for image in images:
        if image.pixels.shape != shape:
            raise ParameterError(
                f"{image.name} has shape {image.pixels.shape} and {classifier.spec.name} takes "
                f"{shape}: load it with load_image(source, spec)."
            )
        if image.label is None:
            raise ParameterError(
                f"{image.name} has no label, so no accuracy can be told: give labelled images."
            )


def check_grid(name: str, values: tuple[float, ...]) -> tuple[float, ...]:
    """The values in ascending order.

    Raises:
        ParameterError: one stands there twice.
    """
    if len(set(values)) != len(values):
        raise ParameterError(f"{name}={shown(values)} holds a value twice: leave one out.")
    return tuple(sorted(values))


def study_set(
    classifier: Classifier,
    images: Sequence[ImageInput],
    dataset: str,
    indices: Sequence[int],
    seed: int,
) -> StudySet:
    """Which network and images a study is of."""
    return StudySet(
        classifier.title,
        classifier.weights_id,
        dataset,
        tuple(indices) or tuple(range(len(images))),
        seed,
        (RANDOM_NOTE,) if classifier.random else (),
        classifier.precision,
    )


def pgd_of(facts: AttackFacts, eps: float) -> Pgd:
    """PGD on the network itself; every image is moved, misclassified ones too."""
    return Pgd(
        norm="linf" if facts.norm == "linf" else "l2", eps=eps, steps=facts.steps,
        step_size=facts.reach * eps / facts.steps, spare=False,
    )  # fmt: skip


def epgd_of(facts: AttackFacts, eps: float, sigma: float) -> Epgd:
    """EPGD on the smoothed network, the mean of the copies' gradients; every image is moved."""
    return Epgd(
        norm="linf" if facts.norm == "linf" else "l2", eps=eps, steps=facts.steps,
        step_size=facts.reach * eps / facts.steps, sigma=sigma, draws=facts.draws, spare=False,
    )  # fmt: skip


def no_attack() -> AttackFacts:
    """Images as they are."""
    return AttackFacts(NONE, "", 0.0, 0, 0, 0.0)


def varied(facts: AttackFacts) -> AttackFacts:
    """The same attack, its radius left open."""
    return replace(facts, eps=math.nan)


def attack_cost(attack: Pgd, images: int) -> int:
    """Forward passes of an attack on so many images, its choices of sigma among them."""
    again = 0
    if attack.selector is not None and attack.reselect:
        picks = -(-attack.steps // attack.reselect) + _PICKS_BESIDE_STEPS
        again = picks * attack.selector.most_draws
    return (BACKWARD * attack.passes + again) * images


def attacked(
    progress: StudyProgress[T],
    attack: Pgd,
    classifier: Classifier,
    images: Sequence[ImageInput],
    phase: str,
    *,
    seed: int,
    batch_size: int,
) -> Generator[StudyStep, None, list[ImageInput]]:
    """The images where the attack left them, found or not; yields steps."""
    results = yield from progress.part(
        attack.run(classifier, images, seed=seed, batch_size=batch_size),
        phase, attack_cost(attack, len(images)),
    )  # fmt: skip
    return [
        moved_image(classifier, image, torch.from_numpy(result.adversarial))
        for image, result in zip(images, results, strict=True)
    ]


_CALLER = "study"
_MOST_VALUES = 400_000  # logits that are counted at once: a fraction of a second


def check_votes(votes: Sequence[str]) -> tuple[str, ...]:
    """The names as a tuple.

    Raises:
        ParameterError, UnknownNameError: none, one twice, or one that is no rule.
    """
    if isinstance(votes, str) or not votes or len(set(votes)) != len(votes):
        raise ParameterError(f"votes={shown(votes)}: name each rule once, one at least.")
    for name in votes:
        if name not in VOTES:
            raise UnknownNameError("vote", str(name), VOTES)
    return tuple(votes)


def judge_cost(sigmas: Sequence[float], images: int, most: int, random: bool) -> int:
    """Forward passes of one judgement of so many images; `random` networks draw their own noise."""
    return images * sum(_copies(sigma, most, random) for sigma in sigmas)


def judged(
    progress: StudyProgress[T],
    classifier: Classifier,
    images: Sequence[ImageInput],
    sigmas: Sequence[float],
    samples: Sequence[int],
    rules: Mapping[str, Rule],
    phase: str,
    *,
    seed: int,
    batch_size: int,
) -> Generator[StudyStep, None, np.ndarray]:
    """Correct images (S, rules, M); yields steps.

    The first M of the most copies vote, so that one pass serves all M. Without noise a network
    that draws none of its own says the same every time, and is asked once.
    """
    right = np.zeros((len(sigmas), len(rules), len(samples)), dtype=np.int64)
    most = max(samples)
    asked = [_copies(sigma, most, classifier.random) for sigma in sigmas]
    for copies in sorted(set(asked)):
        own = [s for s, each in enumerate(asked) if each == copies]
        per_image = len(own) * copies * classifier.num_classes
        size = max(_MOST_VALUES // per_image, 1)
        for first in range(0, len(images), size):
            group = images[first : first + size]
            levels = np.tile([sigmas[s] for s in own], (len(group), 1))
            stream = draw_logits(
                classifier, group, levels, copies,
                seed=seed, caller=_CALLER, batch_size=batch_size,
            )  # fmt: skip
            logits = yield from progress.part(stream, phase, levels.size * copies)
            labels = np.array([image.label for image in group])
            for place, s in enumerate(own):
                right[s] += _right(logits[:, place], labels, samples, rules)
    return right


def _copies(sigma: float, most: int, random: bool) -> int:
    return most if sigma > 0 or random else 1


def _right(
    logits: np.ndarray, labels: np.ndarray, samples: Sequence[int], rules: Mapping[str, Rule]
) -> np.ndarray:
    return np.array([
        [int((rule(logits[:, :count]) == labels).sum()) for count in samples]
        for rule in rules.values()
    ])  # fmt: skip
