"""Ways of making one class of the logits of M noisy copies: hard, soft, logits, rank, top2.

Nemcovsky et al. (SIAM), eqs. (8) to (12). Each takes logits (B, M, K) and answers labels (B,)
int64, where K stands for INVALID; nothing here abstains and nothing certifies.

Ties: equal totals go to the class with the smallest index, and equal logits of one copy are
ranked in the order of their indices. That is the tie rule of the network itself, of the counts
of `draw_votes`, and of PREDICT's top class.

INVALID: a copy with NaN or infinite logits votes for no class. In hard voting INVALID is one more
class, behind all others, as in `draw_votes`; under the other rules it wins where more than half of
the copies are invalid, and these are left out otherwise.

When the rules agree, of valid copies and with c < 1 in top2: for M = 1, for copies that are all
alike (sigma = 0), and wherever all copies put the same class first, all five do. For K = 2 hard,
rank and top2 are one rule, whatever M. top2 with c = 0 is hard voting. Soft and logits can differ
from each other and from the rest from M = 2 on. All this is up to the softmax's rounding: logits
that differ by less than about 1e-16 have equal scores, and the smallest index wins.
"""

from collections.abc import Callable, Sequence

import numpy as np

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, Stream
from rs_core.images import ImageInput
from rs_core.smoothing.sampling import BATCH_SIZE, block_answers

Rule = Callable[[np.ndarray], np.ndarray]
MOST_SAMPLES = 512  # M = 2**0 ... 2**9
SECOND = 0.5  # c of top2 where none is given: the paper names none


def hard(logits: np.ndarray) -> np.ndarray:
    """The class that most copies put first: prediction smoothing, eq. (8)."""
    return _most(logits, lambda valid: _by_place(valid, (1.0,)), plurality=True)


def soft(logits: np.ndarray) -> np.ndarray:
    """The class with the largest mean softmax score: eq. (9)."""
    return _most(logits, _softmax)


def mean_logits(logits: np.ndarray) -> np.ndarray:
    """The class with the largest mean logit, as the authors' code has eq. (9)."""
    return _most(logits, lambda valid: valid)


def rank(logits: np.ndarray) -> np.ndarray:
    """Each copy gives 2^(1-k) to its k-th class: eq. (11)."""
    weights = tuple(2.0**-place for place in range(logits.shape[-1]))
    return _most(logits, lambda valid: _by_place(valid, weights))


def top_two(c: float = SECOND) -> Rule:
    """The rule V_c: each copy gives 1 to its first class and c to its second, eq. (12).

    Raises:
        ParameterError: c is outside [0, 1].
    """
    if not 0 <= c <= 1:
        raise ParameterError(f"c={c!r} is out of range: a second place counts 0 to 1.")
    return lambda logits: _most(logits, lambda valid: _by_place(valid, (1.0, c)))


VOTES: dict[str, Rule] = {
    "hard": hard,
    "soft": soft,
    "logits": mean_logits,
    "rank": rank,
    "top2": top_two(),
}


def rules_of(names: Sequence[str], c: float = SECOND) -> dict[str, Rule]:
    """The rules of these names; top2 with c."""
    return {name: top_two(c) if name == "top2" else VOTES[name] for name in names}


def draw_logits(
    classifier: Classifier,
    images: Sequence[ImageInput],
    sigmas: np.ndarray,
    n: int,
    *,
    seed: int,
    caller: str,
    batch_size: int = BATCH_SIZE,
) -> Stream[np.ndarray]:
    """Logits (B, S, n, K) float32 of n noisy copies of each image at each of its sigmas.

    They come from the loop that draws votes, on draws of stage "predict": the argmaxes are the
    votes of `draw_votes` under the same name, and the first M of n copies are what M copies would
    have been. A sigma may be 0, and the network may inject noise of its own: this certifies
    nothing.

    Args:
        classifier, images, sigmas, n, seed, caller, batch_size: as in `draw_votes`.

    Yields:
        Steps counted in copies, then `Finished`.

    Raises:
        ParameterError: shapes disagree, or a sigma is negative or not finite.
    """
    sigmas = np.asarray(sigmas, dtype=np.float64)
    found = [list[np.ndarray]() for _ in images]
    done, total = 0, int(sigmas.size) * n
    groups = block_answers(
        classifier, images, sigmas, n, lambda logits: logits,
        seed=seed, caller=caller, stage="predict", batch_size=batch_size,
    )  # fmt: skip
    for group in groups:
        for block, logits in group:
            found[block.image].append(logits)
            done += block.take * sigmas.shape[1]
        yield Step(done=done, total=total)
    yield Finished(np.stack([np.concatenate(parts, axis=1) for parts in found]))


def _most(
    logits: np.ndarray, scores: Callable[[np.ndarray], np.ndarray], *, plurality: bool = False
) -> np.ndarray:
    """The class with the largest total of the valid copies' scores, or INVALID.

    INVALID needs more than half of the copies, or with `plurality` more than the largest total.
    """
    valid = np.isfinite(logits).all(axis=-1)
    filled = np.where(valid[..., None], logits, 0.0).astype(np.float64)
    totals = np.where(valid[..., None], scores(filled), 0.0).sum(axis=1)
    invalid = (~valid).sum(axis=1)
    most = totals.argmax(axis=-1)
    needed = totals.max(axis=-1) if plurality else logits.shape[1] / 2
    return np.asarray(np.where(invalid > needed, logits.shape[-1], most))


def _softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def _by_place(logits: np.ndarray, weights: Sequence[float]) -> np.ndarray:
    """Scores (B, M, K): each copy gives weights[k] to the class in its place k."""
    places = np.argsort(-logits, axis=-1, kind="stable")[..., : len(weights)]
    scores = np.zeros(logits.shape)
    given = np.asarray(weights[: logits.shape[-1]])
    np.put_along_axis(scores, places, np.broadcast_to(given, places.shape), axis=-1)
    return scores
