"""Certified accuracy and average certified radius below a set's certificates."""

from collections.abc import Iterator, Sequence

from rs_core.cli.pictures import Selection
from rs_core.evaluation.summary import certified_summary
from rs_core.results import Certificate
from rs_core.statistics import add_risks, ceil_digits


def print_scores(selection: Selection, certificates: Sequence[Certificate]) -> None:
    """Print what is quoted of a set of two or more, or why it cannot be told."""
    labels = [item.image.label for item in selection.items]
    if len(labels) < 2:
        return
    summary = certified_summary(labels, certificates)
    if summary is not None:
        print(summary.words)
    elif not selection.unscored:
        print(unlabelled(labels))


def unlabelled(labels: Sequence[int | None]) -> str:
    """That there is no accuracy, and how many labels there are."""
    known = sum(label is not None for label in labels)
    if not known:
        return "no labels, so no accuracy"
    return f"labels of {known} of {len(labels)} images only, so no accuracy"


def joint_lines(risks: Sequence[float], what: str = "rows") -> Iterator[str]:
    """At which level the statements of one command hold together; nothing for a single one.

    Args:
        risks: of each statement, those that abstain among them: which would, nobody knew.
        what: they are, in words.
    """
    if len(risks) < 2:
        return
    together = add_risks(*risks)
    shown = ceil_digits(together, 3)
    if float(shown) >= 1:
        yield (
            f"the risks of these {len(risks):,} {what} add up to about 1 or more: nothing is "
            "claimed of all of them together"
        )
        return
    yield (
        f"all {len(risks):,} {what} hold together except with probability \u2264 {shown}, the sum "
        "of their risks"
    )
