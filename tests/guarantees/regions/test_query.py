"""Queries to a frozen allocation, on the line of test_regions: class 1 at t > 0."""

from dataclasses import replace

import numpy as np
import pytest

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Step, drain
from rs_core.guarantees.regions.allocation import Allocation
from rs_core.guarantees.regions.guarantee import Regions
from rs_core.guarantees.regions.query import AskRegions, Reply
from rs_core.images import image_from_array
from rs_core.statistics import l2_radius, lower_confidence_bound
from tests.conftest import Coin, spec_of
from tests.guarantees.regions.test_guarantee import HALF_SPACE, SPEC, N, at, run

ASK = AskRegions(n=N)


def allocated(fallback: float | None = 0.25) -> Allocation:
    return run(Regions(n=N, fallback_sigma=fallback), [0.6, -0.4], [0.3, 0.3])[1].allocation


def asked(allocation: Allocation, *ts: float, classifier: Classifier = HALF_SPACE) -> list[Reply]:
    return list(drain(ASK.run(classifier, [at(t) for t in ts], allocation, seed=5)))


def test_inside_a_region_nothing_is_drawn() -> None:
    allocation = allocated()
    *steps, _ = ASK.run(HALF_SPACE, [at(0.7), at(-0.4)], allocation, seed=5)
    assert steps == []
    near, centre = asked(allocation, 0.7, -0.4)
    assert (near.answer.region, near.answer.label) == (0, 1)
    assert near.answer.radius == pytest.approx(allocation.radii[0] - 0.1, abs=1e-5)
    assert near.certificate is None
    assert "class 1 · inside region 0 at σ=0.3, by that region's certificate" in near.statement
    assert "P(it is false) ≤ 0.001, for all queries together" in near.statement
    assert f"frozen (hash {allocation.hash})" in near.statement
    assert (centre.answer.region, centre.answer.label) == (1, 0)


def test_outside_it_is_certified_up_to_the_nearest_region() -> None:
    allocation = allocated()
    far, close, inside = asked(allocation, 3.0, 1.3, 0.6)
    assert far.certificate is not None
    assert close.certificate is not None
    assert inside.certificate is None
    whole = l2_radius(0.25, lower_confidence_bound(far.certificate.n_top, N, 1e-3))
    assert far.answer == (None, 1, pytest.approx(whole))
    room = 0.7 - allocation.radii[0]
    assert close.answer == (None, 1, pytest.approx(room, abs=1e-5))
    assert room < whole
    for reply in (far, close):
        assert reply.certificate is not None
        assert reply.certificate.radius == reply.answer.radius
        assert reply.certificate.guarantee == "B"
        assert reply.certificate.statement == reply.statement
        assert reply.certificate.sigma == 0.25
        assert "outside every region, at the fallback σ frozen with them" in reply.statement
        assert allocation.hash in reply.statement


def test_class_names_are_those_that_were_frozen() -> None:
    allocation = allocated()
    stream = ASK.run(HALF_SPACE, [at(0.7)], allocation, seed=5, class_names=("no", "yes"))
    assert "class 1 (yes)" in drain(stream)[0].statement
    with pytest.raises(ParameterError, match="3 class names were frozen"):
        drain(ASK.run(HALF_SPACE, [at(0.7)], allocation, seed=5, class_names=("a", "b", "c")))


def test_a_query_off_the_grid_is_snapped_and_the_arithmetic_named() -> None:
    allocation = allocated()
    grey = np.full((8, 8, 1), 147, np.uint8)
    on = image_from_array(grey, SPEC, name="on")
    off = image_from_array(grey / np.float32(255) + np.float32(1e-6), SPEC, name="off")
    still, moved = drain(ASK.run(HALF_SPACE, [on, off], allocation, seed=5))
    assert still.answer.region == moved.answer.region == 0
    assert still.answer == moved.answer
    assert "exact sums" in still.statement
    assert "of the query: pixels moved" in moved.statement
    assert "pixels moved" not in still.statement


def test_label_aware_regions_share_one_risk_and_old_files_name_none() -> None:
    allocation = run(Regions(n=N, mode="label_aware"), [0.6, -0.4], [0.3, 0.3])[1].allocation
    (shared,) = asked(allocation, 0.6)
    assert "P(any region's certificate is false) ≤ 0.001, for all queries" in shared.statement
    old = replace(allocation, backings=(), alpha=None, risk=None, hash="")
    (silent,) = asked(old, 0.6)
    assert "its risk is not in this file" in silent.statement


def test_steps_count_the_draws_outside() -> None:
    *steps, _ = ASK.run(HALF_SPACE, [at(3.0), at(0.6), at(4.0)], allocated(), seed=5)
    assert all(isinstance(step, Step) for step in steps)
    assert steps[-1].done == steps[-1].total == 2 * (N + 100)


def test_without_a_fallback_it_abstains() -> None:
    (reply,) = asked(allocated(None), 3.0)
    assert reply.answer == (None, None, 0.0)
    assert reply.certificate is None
    assert "no fallback sigma was frozen" in reply.statement


def test_a_query_at_the_edge_and_one_without_a_majority_abstain() -> None:
    allocation = allocated()
    point = np.asarray(allocation.points[0], dtype=np.float64)
    way = np.full(64, 1 / 8)
    edge = (point + way * allocation.radii[0] * (1 + 1e-5)).reshape(8, 8, 1).astype(np.float32)
    image = image_from_array(edge, SPEC, name="edge")
    (reply,) = drain(ASK.run(HALF_SPACE, [image], allocation, seed=5))
    assert reply.answer.region is None
    assert 0 <= reply.answer.radius < 1e-4
    coin = Classifier(Coin(0.5, 0.25), spec_of((1, 8, 8), 2))
    pixels = np.full((8, 8, 1), 0.9, np.float32)
    pixels[0, 0] = 0.5  # the one that the coin reads
    far = image_from_array(pixels, SPEC, name="far")
    its = replace(allocation, weights_id=coin.weights_id, hash="")
    (lost,) = drain(ASK.run(coin, [far], its, seed=5))
    assert lost.answer == (None, None, 0.0)
    assert lost.certificate is not None
    assert lost.certificate.predicted is None
    assert lost.statement.startswith("Abstained")


def test_another_network_is_refused() -> None:
    """A region's certificate says nothing of a network that it was not made with."""
    coin = Classifier(Coin(0.5, 0.25), spec_of((1, 8, 8), 2))
    with pytest.raises(ParameterError, match="frozen for weights"):
        drain(ASK.run(coin, [at(0.6)], allocated(), seed=5))


def test_its_draws_are_its_own() -> None:
    allocation = allocated()
    (mine,) = asked(allocation, 3.0)
    assert mine.certificate is not None
    assert mine.certificate.stream == "regions fallback 0"
    with pytest.raises(ParameterError, match="can never certify"):
        drain(AskRegions(n=5).run(HALF_SPACE, [at(3.0)], allocation, seed=0))
    other = image_from_array(np.zeros((4, 4, 1), np.uint8), spec_of((1, 4, 4), 2))
    with pytest.raises(ParameterError, match="give 64 finite"):
        drain(ASK.run(HALF_SPACE, [other], allocation, seed=0))
