"""The published rows: what is read is what was printed, and no more odd than its note says."""

from itertools import pairwise

import pytest

from rs_core.errors import UnknownNameError
from rs_core.papers.published import (
    empirical_rows,
    logs_of,
    published,
    published_logs,
    published_rows,
)
from rs_core.results.paper import Published

ODD = "pfat/t3/mnist/smoothadv/1.00"  # printed .51 at 1.50 and .53 at 1.75
EVERY = (*published_rows(), *published_logs())
ROUNDING = 5e-4  # of an ACR with three digits


@pytest.mark.parametrize("row", EVERY, ids=lambda row: row.key)
def test_certified_accuracies_never_rise_and_the_acr_reaches_their_sum(row: Published) -> None:
    radii, accuracies = zip(*row.certified, strict=True)
    assert list(radii) == sorted(set(radii))
    assert all(0 <= accuracy <= 1 for accuracy in accuracies)
    falls = all(before >= after for before, after in pairwise(accuracies))
    assert falls != (row.key == ODD)
    if row.acr is not None:
        steps = pairwise(row.certified)
        least = sum(share * (radius - before) for (before, _), (radius, share) in steps)
        assert row.acr >= least - ROUNDING


def test_keys_name_one_row_each() -> None:
    assert len({row.key for row in EVERY}) == len(EVERY) == 72 + 196
    assert all(published(row.key) == row for row in EVERY)
    with pytest.raises(UnknownNameError, match="unknown published row"):
        published("pfat/t9")


def test_the_odd_row_is_flagged_and_envelopes_are_oracles() -> None:
    assert "impossible" in published(ODD).note
    assert published("ddrs/t1/cifar-10/cohen-fs-fs/envelope").oracle
    assert not published("pfat/t2/cifar-10/pfat/0.12-1.00").oracle


def test_a_row_without_an_acr_is_legal() -> None:
    assert published("pfat/t1/mnist/pfat/envelope").acr is None


def test_rows_say_what_the_papers_state_and_no_more() -> None:
    ddrs = published("ddrs/t3/cifar-10/macer-fs-fs/envelope")
    assert (ddrs.n0, ddrs.n, ddrs.alpha, ddrs.images) == (100, 100_000, 0.001, "not stated")
    insta = published("insta-rs/t1/cifar-10/cohen/0.50")
    assert (insta.n, insta.alpha, insta.network) == (None, None, "ResNet-110")
    assert insta.images.startswith("500 test images")
    assert {row.norm for row in published_rows() if row.key.startswith("ddrs/t4")} == {"l1"}


def test_rows_that_were_added_are_the_papers() -> None:
    assert dict(published("ddrs/t1/imagenet/cohen-ds-fs-ds/envelope").certified)[3.5] == 0.102
    assert dict(published("ddrs/t1/cifar-10/cohen-ds-fs-ds/envelope").certified)[2.5] == 0.005
    illegible = published("ddrs/t2/imagenet/smoothadv-ds-fs-ds/envelope")
    assert 3.5 not in dict(illegible.certified)
    assert "illegible" in illegible.note
    assert published("ddrs/t4/cifar-10/yang-ds/envelope").acr == 0.946


def test_five_seeds_of_a_log_are_found_by_their_kind() -> None:
    keys = logs_of("mnist/cohen/noise_0.25")
    assert len(keys) == 5
    rows = [published(key) for key in keys]
    assert {row.images for row in rows} == {"every 20th test image"}
    assert sum(row.acr or 0 for row in rows) / 5 == pytest.approx(0.8984, abs=5e-5)
    with pytest.raises(UnknownNameError):
        logs_of("mnist/cohen/noise_2.00")


def test_empirical_rows_have_means_and_deviations() -> None:
    rows = empirical_rows()
    assert len(rows) == 16
    assert rows[0].clean == (82.84, 0.22)
    assert rows[0].epgd is None
