"""Accuracy, certified accuracy, ACR and attacked accuracy, counted by hand."""

from dataclasses import replace

import numpy as np
import pytest

from rs_core.evaluation.summary import attacked_summary, certified_summary, predicted_summary
from rs_core.results import Badge, Certificate, Prediction
from rs_core.results.attack import ALREADY
from rs_core.results.attack_trial import Ballot
from tests.results.test_attack_trial import made_trial


def certificate(predicted: int | None, radius: float) -> Certificate:
    return Certificate(
        predicted=predicted, radius=radius, norm="l2", p_lower=0.9, p_upper_runner_up=None,
        sigma=0.5, n_top=95, n0=10, n=100, alpha=1e-3, bound="clopper-pearson", guarantee="A",
        statement="", counts=(95, 5, 0), draws=110, noise="gaussian", stream="certify 0",
        precision="fp32", device="cpu", weights_id="w", image_digest="d", preprocessing=(), seed=0,
    )  # fmt: skip


def test_certified_accuracy_and_acr_count_abstentions_and_wrong_classes_as_nothing() -> None:
    found = [certificate(1, 0.25), certificate(1, 0.8), certificate(0, 3.0), certificate(None, 0)]
    summary = certified_summary([1, 1, 1, 1], found)
    assert summary is not None
    assert [(one.radius, one.correct) for one in summary.certified] == [
        (0.0, 2), (0.25, 2), (0.5, 1), (0.75, 1),
    ]  # fmt: skip
    assert summary.acr == pytest.approx((0.25 + 0.8) / 4)
    assert (summary.images, summary.abstained) == (4, 1)
    assert summary.certified[0].accuracy == 0.5
    assert summary.certified[0].standard_error == pytest.approx(0.2236, abs=1e-4)
    assert "at 0 0.500 (0.224), at 0.25 0.500" in summary.words
    assert "average certified radius 0.262" in summary.words, "never rounded up"
    assert "1 abstained, which counts as wrong" in summary.words


def test_the_summary_says_what_backs_it_and_which_norm() -> None:
    def said(*badges: Badge, norm: str = "l2") -> str:
        found = [replace(certificate(1, 0.3), guarantee=badge, norm=norm) for badge in badges]
        summary = certified_summary([1] * len(found), found)
        assert summary is not None
        return summary.words

    assert said("A", "A").startswith("certified accuracy")
    assert said("C", "C").startswith("C, each held at its own sigma: certified accuracy")
    assert "average certified radius 0.300" in said("C", "C")
    assert said("B").startswith("B, conditional on a frozen state: certified accuracy")
    lambdas = said("C", norm="l1")
    assert lambdas.startswith("C, each held at its own lambda: certified accuracy")
    assert "average certified l1 radius 0.300" in lambdas
    assert said("C", "A").startswith("A, against anyone and C, each held at its own sigma: cert")


def test_without_every_label_there_is_no_accuracy() -> None:
    assert certified_summary([1, None], [certificate(1, 1), certificate(1, 1)]) is None
    assert certified_summary([], []) is None
    assert attacked_summary(made_trial()) is None, "its label is not known"


def test_an_accuracy_of_predictions_counts_abstentions_as_wrong() -> None:
    said = Prediction(
        predicted=None, p_value=0.2, top_counts=(55, 45), counts=(45, 55, 0), sigma=0.5, n=100,
        alpha=1e-3, noise="gaussian", precision="fp32", device="cpu", weights_id="w",
        image_digest="d", preprocessing=(), seed=0,
    )  # fmt: skip
    summary = predicted_summary([1, 1], [said, replace(said, predicted=1)])
    assert summary is not None
    assert (summary.correct, summary.accuracy, summary.abstained) == (1, 0.5, 1)
    assert summary.majority_accuracy == 1


def test_accuracy_under_attack_counts_all_images() -> None:
    """Held, broken, misclassified as it is, abstaining after it: one of four is right."""
    one = made_trial(labels=(1,))
    right, wrong, silent = (
        Ballot(counts, (0.5, 0.5), 0.25, 100) for counts in ((2, 98, 0), (98, 2, 0), (50, 50, 0))
    )
    broken = one.results[0]
    held = replace(broken, success=False, confirmed=False, stored_confirmed=False)
    trial = replace(
        one, names=("a", "b", "c", "d"), labels=(1, 1, 1, 1), indices=(0, 1, 2, 3),
        results=(held, broken, replace(broken, notes=(ALREADY,)), held),
        before=(right, right, wrong, right), after=(right, wrong, wrong, silent),
    )  # fmt: skip
    summary = attacked_summary(trial)
    assert summary is not None
    assert (summary.clean, summary.clean_accuracy, summary.clean_abstained) == (3, 0.75, 0)
    assert (summary.attacked, summary.attacked_accuracy) == (1, 0.25)
    assert summary.attacked_abstained == 1
    assert (
        "D Empirical: accuracy of PREDICT with 100 copies under this attack 0.250 (0.200), 1 of 4 "
        "images; as they are 0.750"
    ) in summary.words
    assert (summary.undecided, summary.upper_bound) == (1, 0.5)
    assert "an upper bound of the robust accuracy" not in summary.words
    assert summary.words.endswith(
        "1 attacked). The smoothed network itself may be right on 1 of those: the upper bound of "
        "its robust accuracy is (1 + 1) / 4 = 0.5."
    )
    assert "one misclassified as it is counts as wrong" in summary.words
    assert "PREDICT abstains (0 as they are, 1 attacked)" in summary.words
    revived = replace(trial, after=(right, right, right, right))
    assert attacked_summary(revived) is not None
    assert np.isclose(attacked_summary(revived).attacked_accuracy, 0.5)  # type: ignore[union-attr]
    assert "2 of 4 images, an upper bound of the robust accuracy" in (
        attacked_summary(revived).words  # type: ignore[union-attr]
    )


def test_an_abstention_is_no_proof_that_the_smoothed_network_is_wrong() -> None:
    """It is right everywhere, by votes too close for PREDICT: 0 is no bound, 1 is."""
    close = (Ballot((45, 55, 0), (0.5, 0.5), 0.25, 100),)
    failed = {"labels": (1,), "success": False, "confirmed": False, "confirmations": ()}
    silent = attacked_summary(made_trial(before=close, after=close, **failed))
    assert silent is not None
    assert (silent.attacked, silent.undecided, silent.upper_bound) == (0, 1, 1.0)
    assert silent.words.endswith("robust accuracy is (0 + 1) / 1 = 1.")
    unsure = attacked_summary(made_trial(before=close, labels=(1,)))
    assert unsure is not None
    assert (unsure.undecided, unsure.upper_bound) == (0, 0.0), "confirmed: another class wins"
    other = (Ballot((98, 2, 0), (0.5, 0.5), 0.25, 100),)
    lost = attacked_summary(made_trial(before=close, after=other, **failed))
    assert lost is not None
    assert (lost.undecided, lost.upper_bound) == (0, 0.0), "sure of another class"


def test_the_network_itself_answers_or_is_wrong() -> None:
    nan = (Ballot((0, 0, 1), (0.0, 0.0), None, 1),)
    bare = attacked_summary(
        made_trial(before=nan, after=nan, labels=(1,), confirmed=False, settings={"sigma": None})
    )
    assert bare is not None
    assert (bare.n, bare.undecided, bare.upper_bound) == (None, 0, 0.0)
    assert "D Empirical: accuracy under this attack 0.000" in bare.words
    assert "0 of 1 images, an upper bound of the robust accuracy" in bare.words
