"""Words that figures and reports of studies share: accuracy with its error, images, attacks."""

from rs_core.plots.text import index_text
from rs_core.results.study import Study, share

ACCURACY = "accuracy"
NO_GUARANTEE = "accuracy under the attacks named; not a guarantee"
STUDY_NOTES = (
    "D Empirical: accuracy under the attack that is named, with the steps that are named. A "
    "stronger attack may find less; nothing here is a guarantee.",
    "The error is the standard error over the images, as if they had been drawn at random; it is "
    "not the spread of repeated attacks.",
    "sigma, eps and gamma are in pixels of [0,1] at the network's input size.",
)
VOTE_WORDS = {
    "hard": "hard",
    "soft": "soft",
    "logits": "mean logits",
    "rank": "rank 2^(1-k)",
    "top2": "top two V_c",
}


def accuracy_text(count: int, images: int) -> str:
    """ "0.934 (0.011)": accuracy and its standard error."""
    accuracy, error = share(count, images)
    return f"{accuracy:.3f} ({error:.3f})"


def study_images(study: Study) -> str:
    """Which images and network these numbers are of."""
    about = study.about
    precision = f", {about.precision}" if about.precision else ""
    return f"{index_text(about, short=True)}; network {about.network}{precision}"
