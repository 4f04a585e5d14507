"""How many images each voting rule names correctly, all rules and M from the same copies."""

from collections.abc import Generator, Mapping, Sequence

import numpy as np

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError, UnknownNameError
from rs_core.fields import shown
from rs_core.images import ImageInput
from rs_core.smoothing.ballots import VOTES, Rule, draw_logits
from rs_core.studies.course import Course, S, StudyStep

_CALLER = "study"
_MOST_VALUES = 400_000  # logits that are counted at once: a fraction of a second


def hold_votes(votes: Sequence[str]) -> tuple[str, ...]:
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


def judge_cost(classifier: Classifier, sigmas: Sequence[float], images: int, most: int) -> int:
    """Forward passes of one judgement of so many images."""
    return images * sum(_copies(classifier, sigma, most) for sigma in sigmas)


def judged(
    course: Course[S],
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
    for copies in sorted({_copies(classifier, sigma, most) for sigma in sigmas}):
        own = [s for s, sigma in enumerate(sigmas) if _copies(classifier, sigma, most) == copies]
        per_image = len(own) * copies * classifier.num_classes
        size = max(_MOST_VALUES // per_image, 1)
        for first in range(0, len(images), size):
            group = images[first : first + size]
            levels = np.tile([sigmas[s] for s in own], (len(group), 1))
            stream = draw_logits(
                classifier, group, levels, copies,
                seed=seed, caller=_CALLER, batch_size=batch_size,
            )  # fmt: skip
            logits = yield from course.part(stream, phase, levels.size * copies)
            labels = np.array([image.label for image in group])
            for place, s in enumerate(own):
                right[s] += _right(logits[:, place], labels, samples, rules)
    return right


def _copies(classifier: Classifier, sigma: float, most: int) -> int:
    return most if sigma > 0 or classifier.random else 1


def _right(
    logits: np.ndarray, labels: np.ndarray, samples: Sequence[int], rules: Mapping[str, Rule]
) -> np.ndarray:
    return np.array([
        [int((rule(logits[:, :count]) == labels).sum()) for count in samples]
        for rule in rules.values()
    ])  # fmt: skip
