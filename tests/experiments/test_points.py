import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import drain
from rs_core.experiments import FreezeRegions, MapPoints, arrange
from rs_core.experiments.points import pairwise_distances, plane_map
from rs_core.guarantees import Frozen, FrozenLambda, Memory, Regions
from rs_core.guarantees.regions.file import read_allocation
from rs_core.images import ImageInput, image_from_array
from rs_core.results import from_json, to_json
from rs_core.results.arrangement import FrozenRegions, Points
from rs_core.selectors import SELECTORS
from tests.conftest import Linear, spec_of

SPEC = spec_of((1, 8, 8), 2)
HALF_SPACE = Classifier(Linear(torch.full((64,), 1 / 8), -4.0), SPEC)
FIXED = SELECTORS["fixed"](sigma=0.05)
CERTIFIER = Frozen(n=200)


def at(t: float) -> ImageInput:
    """The image at distance |t| from the boundary, l2 distance |t - s| from `at(s)`."""
    return image_from_array(np.full((8, 8, 1), 0.5 + t / 8, np.float32), SPEC, name=f"t={t:g}")


def mapped(images: list[ImageInput]) -> Points:
    return drain(MapPoints(selector=FIXED, certifier=CERTIFIER).run(HALF_SPACE, images, seed=1))


def test_points_carry_their_own_certificates_and_distances() -> None:
    points = mapped([at(-0.5), at(0.5), at(1.5)])
    assert [c.predicted for c in points.certificates] == [0, 1, 1]
    assert {c.guarantee for c in points.certificates} == {"C"}
    np.testing.assert_allclose(points.distances, [[0, 1, 2], [1, 0, 1], [2, 1, 0]], atol=1e-6)
    np.testing.assert_allclose(pairwise_distances(points.coordinates), points.distances, atol=1e-6)
    assert not points.true_plane
    assert points.policy == str(FIXED)
    again = from_json(Points, to_json(points))
    assert again.names == points.names
    assert (again.distances == points.distances).all()


def test_images_of_two_values_are_their_own_map() -> None:
    spec = spec_of((1, 1, 2), 2)
    classifier = Classifier(Linear(torch.tensor([1.0, 0.0]), -0.5), spec)
    images = [image_from_array(np.array([[x, 0.25]], np.float32), spec) for x in (0.125, 0.875)]
    points = drain(MapPoints(selector=FIXED, certifier=CERTIFIER).run(classifier, images, seed=0))
    assert points.true_plane
    assert points.coordinates.tolist() == [[0.125, 0.25], [0.875, 0.25]]


def test_no_images_are_refused() -> None:
    with pytest.raises(ParameterError, match="no images"):
        mapped([])
    freeze = FreezeRegions(selector=FIXED, regions=Regions(n=200))
    with pytest.raises(ParameterError, match="no images"):
        drain(freeze.run(HALF_SPACE, [], seed=0))


@pytest.mark.parametrize("mode", ["online", "strict", "label_aware"])
def test_frozen_regions_have_the_radii_of_the_preview(mode: str, tmp_path: Path) -> None:
    """Far from the boundary every vote agrees, so that fresh draws certify the same radii."""
    images = [at(t) for t in (-0.3, 0.3, 0.42, 0.7)]
    regions = Regions(n=200, mode=mode, alpha=4e-3 if mode == "label_aware" else 1e-3)
    frozen = drain(FreezeRegions(selector=FIXED, regions=regions).run(HALF_SPACE, images, seed=1))
    points = mapped(images)
    found = arrange(points, np.stack([image.pixels for image in images]), mode)
    path = tmp_path / "regions.json"
    path.write_text(json.dumps(to_json(frozen)["file"]))
    record = read_allocation(path)
    record.hold(HALF_SPACE)
    allocation = record.allocation
    allocation.check()
    assert record.names == tuple(image.name for image in images)
    assert [c.radius for c in frozen.certificates] == [b.radius for b in found.balls]
    assert {c.guarantee for c in frozen.certificates} == {"B"}
    assert all(allocation.hash in c.statement for c in frozen.certificates)
    assert from_json(FrozenRegions, to_json(frozen)).file == frozen.file
    assert frozen.budget == regions.budget


def test_a_memory_gives_the_radii_of_the_preview() -> None:
    images = [at(t) for t in (-0.3, 0.3, 0.42, -0.3, 0.7)]
    points = mapped(images)
    found = arrange(points, np.stack([image.pixels for image in images]), "memory")
    stream = Memory(n=200).run(HALF_SPACE, images, points.selections, seed=1)
    issued = drain(stream)
    assert [c.predicted for c in points.certificates] == [c.predicted for c in issued]
    assert [c.radius for c in issued] == [b.radius for b in found.balls]


@given(arrays(np.float64, st.tuples(st.integers(1, 8), st.just(2)), elements=st.floats(0, 1)))
def test_points_of_a_plane_keep_their_distances(points: np.ndarray) -> None:
    distances = pairwise_distances(points)
    np.testing.assert_allclose(pairwise_distances(plane_map(distances)), distances, atol=1e-6)


@given(arrays(np.float64, st.tuples(st.integers(1, 8), st.just(5)), elements=st.floats(0, 1)))
def test_a_map_never_stretches(points: np.ndarray) -> None:
    distances = pairwise_distances(points)
    assert (pairwise_distances(plane_map(distances)) <= distances + 1e-6).all()


def test_l1_radii_are_no_balls_of_the_map() -> None:
    with pytest.raises(ParameterError, match="frozen_lambda certifies l1 radii"):
        MapPoints(selector=FIXED, certifier=FrozenLambda(n=200))
    images = [at(-0.5), at(0.5)]
    points = mapped(images)
    broken = replace(points, certificates=tuple(replace(c, norm="l1") for c in points.certificates))
    with pytest.raises(ParameterError, match="certify l2 radii"):
        arrange(broken, np.stack([image.pixels for image in images]), "memory")
