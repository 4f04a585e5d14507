import dataclasses
import re
from collections.abc import Callable

import numpy as np
import pytest

from rs_core.errors import ParameterError
from rs_core.plots import noisy_copies_figure, sweep_report
from rs_core.results import Certificate, RadiusCurve

MakeCertificate = Callable[..., Certificate]


def claims(document: str) -> str:
    found = re.search("What is claimed</h2>(.*?)</section>", document, re.S)
    assert found is not None
    return re.sub("<[^>]*>", " ", found.group(1))


def test_the_best_is_quoted_first_and_fixed(curve: RadiusCurve) -> None:
    text = claims(sweep_report(curve))
    assert text.index("C Fixed sigma") < text.index(curve.best.statement)
    assert text.index(curve.best.statement) < text.index("A Certified")
    assert "Simultaneous: all 4 radii of the curve hold together" in text
    assert "at least 0.999 (each pays alpha/4)" in text
    assert "1 of 4 noise levels abstain" in text


def test_pointwise_says_what_it_does_not_claim(curve: RadiusCurve) -> None:
    text = claims(sweep_report(dataclasses.replace(curve, simultaneous=False, best=None)))
    assert "Pointwise" in text
    assert "picked afterwards, does not" in text
    assert "together" not in text


def test_the_curve_is_badged_by_its_weakest_point(curve: RadiusCurve) -> None:
    points = (dataclasses.replace(curve.certificates[0], guarantee="B"), *curve.certificates[1:])
    text = claims(sweep_report(dataclasses.replace(curve, certificates=points, best=None)))
    assert "B Conditional" in text
    assert "A Certified" not in text


def test_a_curve_of_abstentions_claims_nothing(make: MakeCertificate) -> None:
    text = claims(sweep_report(RadiusCurve((make((400, 300, 300, 0)),), 1e-3, True)))
    assert "Nothing certified" in text
    assert "All 1 noise levels of the curve abstain." in text
    assert "Certified" not in text.replace("Nothing certified", "")


def test_figures_table_notes_and_settings_are_there(curve: RadiusCurve) -> None:
    pixels = np.zeros((1, 4, 4))
    strip = noisy_copies_figure(pixels, [0.1], pixels[None])
    document = sweep_report(
        curve,
        title="seven.png",
        class_names=["a", "b", "c"],
        more_figures=[strip],
        notes=["Network: stub."],
        settings={"n": 1000},
    )
    assert document.count("<figure ") == 3
    assert document.count("<tr>") == 1 + 4 + 1
    assert "best, fresh draws" in document
    assert "Network: stub." in document
    assert "digest-1" in document
    assert "<title>seven.png</title>" in document


def test_an_empty_curve_is_refused() -> None:
    with pytest.raises(ParameterError, match="no certificates"):
        sweep_report(RadiusCurve((), 1e-3, True))
