import numpy as np
import pytest

from rs_core.datasets import load_dataset
from rs_core.datasets.plane import CLASSES, DISC, plane_points, true_classes


@pytest.mark.parametrize(("split", "each"), [("train", 600), ("test", 100)])
def test_a_split_is_balanced_and_lies_in_the_disc(split: str, each: int) -> None:
    images, labels = plane_points(split)
    assert images.shape == (3 * each, 1, 2, 1)
    assert images.dtype == np.uint8
    assert np.bincount(labels).tolist() == [each] * 3
    points = images.reshape(-1, 2) / 255
    assert (np.hypot(*(points - 0.5).T) <= DISC).all()
    assert (true_classes(points) == labels).all()


def test_the_splits_share_no_point_and_repeat_none() -> None:
    train, test = (load_dataset("plane", split=split).digests() for split in ("train", "test"))
    assert len({*train, *test}) == 2100


def test_the_first_points_never_change() -> None:
    images, labels = plane_points("test")
    assert images[:3].reshape(3, 2).tolist() == [[111, 114], [187, 135], [57, 64]]
    assert labels[:3].tolist() == [1, 2, 0]


@pytest.mark.parametrize(
    ("point", "name"),
    [
        ((0.25, 0.5), "dot"),
        ((0.75, 0.5), "dot"),
        ((0.25, 0.65), "yin"),
        ((0.5, 0.9), "yin"),
        ((0.75, 0.65), "yang"),
        ((0.5, 0.1), "yang"),
    ],
)
def test_classes_of_known_places(point: tuple[float, float], name: str) -> None:
    assert CLASSES[int(true_classes(np.array(point)))] == name


def test_yin_and_yang_are_each_other_turned_round() -> None:
    grid = np.stack(np.meshgrid(*[np.linspace(0.0123, 0.9877, 80)] * 2), axis=-1)
    inside = np.hypot(*(np.moveaxis(grid, -1, 0) - 0.5)) < DISC
    turned = true_classes(1 - grid)
    expected = np.array([1, 0, 2])[true_classes(grid)]
    assert (turned == expected)[inside].mean() > 0.99


@pytest.mark.parametrize("count", [6, 9, 12, 20, 30, 50])
def test_an_evenly_spread_part_holds_every_class(count: int) -> None:
    _, labels = plane_points("test")
    assert set(labels[np.arange(count) * 300 // count]) == {0, 1, 2}
