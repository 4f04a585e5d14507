import dataclasses

import numpy as np
import pytest

from rs_core.datasets import Dataset
from rs_core.errors import CheckpointError, ParameterError
from rs_core.results import ModelSpec
from rs_core.training.checkpoints.fingerprint import (
    check_identity,
    data_digest,
    fitted_spec,
    pixel_statistics,
)


def test_statistics_are_numpys() -> None:
    images = np.random.default_rng(0).integers(0, 256, (50, 7, 9, 3), dtype=np.uint8)
    images[..., 1] //= 3
    mean, std = pixel_statistics(images)
    assert mean == pytest.approx((images / 255).mean((0, 1, 2)), abs=5.1e-5)
    assert std == pytest.approx((images / 255).std((0, 1, 2)), abs=5.1e-5)


def test_a_constant_channel_is_not_divided_by_zero() -> None:
    images = np.full((2, 4, 4, 1), 51, dtype=np.uint8)
    assert pixel_statistics(images) == ((0.2,), (1.0,))


def test_statistics_are_measured_only_where_none_are_given(toy: Dataset, tiny: ModelSpec) -> None:
    measured = fitted_spec(tiny, toy)
    assert (measured.mean, measured.std) == pixel_statistics(toy.images)
    given = dataclasses.replace(tiny, mean=(0.5,), std=(0.5,))
    assert fitted_spec(given, toy) == given


def test_other_image_sizes_and_classes_are_refused(toy: Dataset, tiny: ModelSpec) -> None:
    with pytest.raises(ParameterError, match="1x8x8 images but the network takes 3x32x32"):
        fitted_spec(dataclasses.replace(tiny, input_shape=(3, 32, 32)), toy)
    with pytest.raises(ParameterError, match="2 classes but the network 3"):
        fitted_spec(dataclasses.replace(tiny, class_names=("a", "b", "c")), toy)


@pytest.mark.parametrize(
    ("mean", "std"), [((0.5,), ()), ((), (0.5,)), ((0.5, 0.5), (0.2, 0.2)), ((0.5,), (0.0,))]
)
def test_unfit_statistics_are_refused(
    toy: Dataset, tiny: ModelSpec, mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    with pytest.raises(ParameterError, match="do not fit 1 channels"):
        fitted_spec(dataclasses.replace(tiny, mean=mean, std=std), toy)


def test_no_images_are_refused(toy: Dataset, tiny: ModelSpec) -> None:
    with pytest.raises(ParameterError, match="no images"):
        fitted_spec(tiny, toy.subset([]))


def test_the_digest_sees_pixels_labels_and_order(toy: Dataset) -> None:
    own = data_digest(toy)
    order = list(range(len(toy)))
    assert data_digest(toy.subset(order)) == own
    assert data_digest(toy.subset(order[::-1])) != own
    assert data_digest(dataclasses.replace(toy, labels=1 - toy.labels)) != own
    changed = toy.images.copy()
    changed[3, 2, 1, 0] ^= 1
    assert data_digest(dataclasses.replace(toy, images=changed)) != own


def test_identity_names_what_differs() -> None:
    check_identity({"a": 1, "b": [2]}, {"a": 1, "b": [2]})
    with pytest.raises(CheckpointError, match=r"b \[2\] against 3, c None against 4"):
        check_identity({"a": 1, "b": [2]}, {"a": 1, "b": 3, "c": 4})


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.zeros(240, np.int64), r"shows one class only \(top\)"),
        (np.arange(240) % 3, "labels from 0 to 2, its 2 classes allow 0 to 1"),
        (np.arange(240) % 2 - 1, "labels from -1 to 0"),
        (np.arange(239) % 2, "239 labels for 240 images"),
        (np.arange(241) % 2, "241 labels for 240 images"),
    ],
)
def test_labels_that_cannot_be_learned_are_refused(
    toy: Dataset, tiny: ModelSpec, labels: np.ndarray, words: str
) -> None:
    with pytest.raises(ParameterError, match=words):
        fitted_spec(tiny, dataclasses.replace(toy, labels=labels))
