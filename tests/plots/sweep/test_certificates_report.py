import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from rs_core.errors import ParameterError
from rs_core.plots import certificates_report
from rs_core.results import Certificate

MakeCertificate = Callable[..., Certificate]


def claims(document: str) -> list[str]:
    return [
        re.sub("<[^>]*>", " ", block)
        for block in re.findall('<div class="statement".*?</div>', document, re.S)
    ]


def test_one_certificate_is_quoted_with_its_votes(make: MakeCertificate) -> None:
    document = certificates_report([make()], title="seven.png", class_names=["a", "b", "c"])
    (claim,) = claims(document)
    assert "A Certified" in claim
    assert make().statement in claim
    assert "Bar chart of vote shares" in document


def test_a_few_are_quoted_by_name(make: MakeCertificate) -> None:
    silent = make((400, 300, 300, 0))
    first, second = claims(certificates_report([make(), silent], names=["a.png", "b.png"]))
    assert "a.png: statement" in first
    assert "Nothing certified" in second
    assert "b.png" in second


def test_many_are_summed_up_per_badge(make: MakeCertificate) -> None:
    silent = make((400, 300, 300, 0))
    many = [make(), silent, make(guarantee="C"), make(), make(guarantee="C")]
    many = [replace(one, image_digest=str(k)) for k, one in enumerate(many)]
    document = certificates_report(many)
    first, second = claims(document)
    assert "A Certified" in first
    assert "2 of 3 images certified, 1 abstain" in first
    assert "at most 0.003 false ones are expected" in first
    assert "C Fixed sigma" in second
    assert "2 of 2 images certified" in second
    assert "not an accuracy" in document
    assert document.count("<tr>") == 6


def test_rows_of_several_sigmas_are_no_images(make: MakeCertificate) -> None:
    silent = make((400, 300, 300, 0))
    rows = [
        replace(silent if k == 5 else make(sigma=sigma), image_digest=str(k // 2))
        for k, sigma in enumerate((0.25, 0.5) * 3)
    ]
    (claim,) = claims(certificates_report(rows))
    assert "5 of 6 rows certified, 1 abstain" in claim
    assert "images certified" not in claim


def test_names_must_match_and_something_must_be_there(make: MakeCertificate) -> None:
    with pytest.raises(ParameterError, match="2 names for 1 certificates"):
        certificates_report([make()], names=["a", "b"])
    with pytest.raises(ParameterError, match="no certificates"):
        certificates_report([])


def test_hostile_names_stay_text(make: MakeCertificate) -> None:
    document = certificates_report(
        [make()] * 5, names=["<img src=x onerror=alert(1)>"] * 5, class_names=["a", "<b>", "c"]
    )
    assert "<img" not in document.split("plotly.js v")[0]
    assert "class 1 (&lt;b&gt;)" in document
