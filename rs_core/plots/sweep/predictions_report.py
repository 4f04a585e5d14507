"""The report of smoothed predictions."""

from collections.abc import Sequence

from rs_core.plots.report import Statement, Table, html_report
from rs_core.plots.text import class_text
from rs_core.results import Prediction
from rs_core.statistics import ceil_digits

_NOTES = (
    "A prediction is no certificate: it names the smoothed class, not a radius around the image.",
    "sigma is in pixels of [0,1] at the network's input size.",
    "Abstaining is not an error: the votes do not tell the first class from the second.",
)


def predictions_report(
    predictions: Sequence[Prediction],
    *,
    names: Sequence[str],
    class_names: Sequence[str] = (),
    title: str = "Smoothed predictions",
) -> str:
    """A self-contained HTML document: the smoothed class of each image and its votes.

    Args:
        predictions: at least one.
        names: one per prediction.
        class_names: one per class; empty for numbers alone.
        title: plain text.
    """
    silent = sum(found.predicted is None for found in predictions)
    alpha = predictions[0].alpha
    text = (
        f"{len(predictions)} images, {silent} abstained; each class below is wrong as the smoothed "
        f"class with probability \u2264 {ceil_digits(alpha, 3)} (Cohen et al. 2019, PREDICT)."
    )
    header = ("image", "smoothed class", "sigma", "votes", "runner-up", "n", "p-value")
    rows = [
        (
            name,
            "abstains" if found.predicted is None else class_text(found.predicted, class_names),
            f"{found.sigma:g}",
            f"{found.top_counts[0]:,}",
            f"{found.top_counts[1]:,}",
            f"{found.n:,}",
            ceil_digits(found.p_value, 3),
        )
        for name, found in zip(names, predictions, strict=True)
    ]
    return html_report(title, [Statement(None, text)], [], [Table("Votes", header, rows)], _NOTES)
