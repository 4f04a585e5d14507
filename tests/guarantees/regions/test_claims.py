from dataclasses import replace

import numpy as np
import pytest

from rs_core.classifiers import Classifier
from rs_core.events import drain
from rs_core.guarantees.regions.claims import claim_of, notes_of
from rs_core.guarantees.regions.radii import Layout
from rs_core.images import ImageInput
from rs_core.results import Certificate
from rs_core.smoothing.certify import Certify
from tests.conftest import Coin, spec_of


@pytest.fixture
def pair(grey: ImageInput) -> tuple[list[ImageInput], list[Certificate]]:
    """Two images and their certificates; the second will lie in the first's region."""
    coin = Classifier(Coin(0.99, 0.3), spec_of((1, 8, 8), 2))
    certificate = drain(Certify(sigma=0.3, n=500).run(coin, [grey], seed=0))[0]
    assert certificate.radius > 0.2
    return [replace(grey, name="host"), replace(grey, name="guest")], [certificate] * 2


JOINED = Layout("online", np.array([0.5, 0.2]), np.array([0, 0]))


def test_a_guest_claims_the_smaller_of_its_radius_and_its_room(
    pair: tuple[list[ImageInput], list[Certificate]],
) -> None:
    points, own = pair
    far = claim_of(1, JOINED, points, own, {1: replace(own[1], radius=0.9)})
    near = claim_of(1, JOINED, points, own, {1: replace(own[1], radius=0.1)})
    assert (far.radius, near.radius) == (0.2, 0.1)
    assert far.owner == "host"
    assert far.draws == 2 * own[1].draws
    edge = replace(JOINED, radii=np.array([0.5, 0.0]))
    assert "at the edge of the region of host" in claim_of(1, edge, points, own, {1: own[1]}).why


def test_a_guest_that_contradicts_its_region_claims_nothing(
    pair: tuple[list[ImageInput], list[Certificate]],
) -> None:
    points, own = pair
    claim = claim_of(1, JOINED, points, own, {1: replace(own[1], predicted=0)})
    assert (claim.label, claim.radius) == (None, 0.0)
    assert "contradict" in claim.why
    silent = claim_of(1, JOINED, points, own, {1: replace(own[1], predicted=None, radius=0.0)})
    assert (silent.label, silent.radius, silent.why) == (None, 0.0, "")


def test_a_region_of_its_own_says_why_it_has_no_room(
    pair: tuple[list[ImageInput], list[Certificate]],
) -> None:
    points, own = pair
    alone = Layout("strict", np.array([0.2, 0.0]), np.arange(2))
    assert claim_of(0, alone, points, own, {}).why == ""
    assert "leave it no room" in claim_of(1, alone, points, own, {}).why
    abstained = [own[0], replace(own[1], predicted=None, radius=0.0)]
    assert claim_of(1, alone, points, abstained, {}).why == ""
    assert notes_of(0, [claim_of(0, alone, points, own, {})]) == ()
    assert len(notes_of(2, [claim_of(1, alone, points, abstained, {})])) == 2
