"""Certified accuracy and average certified radius below a set's certificates."""

from collections.abc import Sequence

from rs_core.cli.pictures import Selection
from rs_core.evaluation.summary import certified_summary
from rs_core.results import Certificate


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
