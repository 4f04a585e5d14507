"""Why nothing is certified: one function of what was drawn, for every sentence that says it."""

from collections.abc import Sequence

from rs_core.results import Certificate
from rs_core.statistics import ceil_digits, smallest_n

UNDECIDED = "these copies do not tell"
SILENT = "NaN or infinite logits were the commonest answer of the copies that choose the class"
_EXTRA = "its votes would do at this noise level alone, and this guarantee claims more than that"


def why_abstains(certificate: Certificate) -> str:
    """What the votes of an abstaining certificate were; it claims nothing of the network.

    Args:
        certificate: with `counted_at`, the weakest of several noise levels'.
    """
    c = certificate
    alone = c.p_lower > (0.5 if c.p_upper_runner_up is None else c.p_upper_runner_up)
    if c.counted_at is None:
        return _EXTRA if alone else votes_reason(c.counts, c.n_top, c.n, c.n0, c.level or c.alpha)
    if alone:
        return "each noise level certifies a class by itself, and they are not all of one class"
    said = votes_reason(c.counts, c.n_top, c.n, c.n0, c.level or c.alpha)
    return f"at noise level {c.counted_at:.10g}: {said}"


def votes_reason(counts: Sequence[int], n_top: int, n: int, n0: int, level: float) -> str:
    """The same of bare votes.

    Args:
        counts: K+1 votes, INVALID last; empty where none were drawn.
        n_top: votes for the class that the n0 copies named.
        level: of the bound.
    """
    if not counts:
        return "no votes of its own stand behind it"
    fewest, invalid = smallest_n(level), counts[-1]
    if n < fewest:
        at = f"at level {ceil_digits(level, 3)}"
        return f"{n:,} copies can never certify {at}: take at least {fewest:,}"
    if 2 * invalid > n:
        return f"{invalid:,} of {n:,} copies gave NaN or infinite logits: check the model"
    most = max(counts[:-1])
    if most > n_top:
        rival, named = counts.index(most), _only(counts, n_top)
        mine = "the answer" if named is None else f"class {named}"
        if named == len(counts) - 1:
            return SILENT
        return (
            f"class {rival} got more votes ({most:,} of {n:,}) than {mine} ({n_top:,}), which was "
            f"chosen on {n0:,} others"
        )
    lost = f"; {invalid:,} gave NaN or infinite logits: check the model" if invalid else ""
    if 2 * most <= n:
        return f"no class got more than half of these {n:,} votes{lost}"
    return f"these {n:,} copies do not tell: {n_top:,} of them voted for the class{lost}"


def _only(counts: Sequence[int], votes: int) -> int | None:
    """Which class got so many votes; None where several did."""
    found = [k for k, count in enumerate(counts) if count == votes]
    return found[0] if len(found) == 1 else None
