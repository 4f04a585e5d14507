import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_core.training.data import (
    Batch,
    PixelStore,
    augmented_batch,
    pixel_store,
    shuffled,
)

CPU = torch.device("cpu")


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def store_of(
    shape: tuple[int, ...], mean: tuple[float, ...] = (), std: tuple[float, ...] = ()
) -> PixelStore:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, shape, dtype=np.uint8)
    return pixel_store(images, np.arange(shape[0]), mean, std, CPU)


@given(count=st.integers(1, 300), seed=st.integers(0, 2**63 - 1))
@settings(max_examples=50, deadline=None)
def test_an_order_names_every_image_once(count: int, seed: int) -> None:
    assert sorted(shuffled(count, seeded(seed)).tolist()) == list(range(count))


@given(
    augment=st.sampled_from(["shift", "crop-flip"]), height=st.integers(1, 4),
    width=st.integers(1, 4), seed=st.integers(0, 10**6),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_a_move_longer_than_an_image_stays_within_it(
    augment: str, height: int, width: int, seed: int
) -> None:
    images = np.repeat(np.arange(6, dtype=np.uint8), height * width).reshape(6, height, width, 1)
    store = pixel_store(images, np.arange(6), (), (), CPU)
    rows = torch.tensor([0, 5, 3])
    moved = augmented_batch(store, rows, augment, seeded(seed)).pixels
    assert (moved.flatten(1) == rows[:, None]).all()


@given(augment=st.sampled_from(["shift", "crop-flip"]), seed=st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_every_moved_image_is_a_window_of_the_reflected_one(augment: str, seed: int) -> None:
    store = store_of((5, 9, 11, 3))
    batch = augmented_batch(store, torch.tensor([3, 0, 3]), augment, seeded(seed))
    reach = 2 if augment == "shift" else 4
    assert batch.labels.tolist() == [3, 0, 3]
    for row, moved in zip([3, 0, 3], batch.pixels.numpy(), strict=True):
        wide = np.pad(store.pixels[row].numpy(), ((reach,) * 2, (reach,) * 2, (0, 0)), "reflect")
        windows = np.lib.stride_tricks.sliding_window_view(wide, (9, 11, 3)).reshape(-1, 9, 11, 3)
        if augment == "crop-flip":
            windows = np.concatenate([windows, windows[:, :, ::-1]])
        assert (windows == moved).all(axis=(1, 2, 3)).any()


def test_moves_reach_every_offset_and_mirror_half() -> None:
    store = store_of((1, 16, 16, 1))
    rows = torch.zeros(4000, dtype=torch.int64)
    moved = augmented_batch(store, rows, "crop-flip", seeded(0)).pixels
    assert len(torch.unique(moved.flatten(1), dim=0)) == 9 * 9 * 2
    flat = augmented_batch(store, rows, "shift", seeded(0)).pixels
    assert len(torch.unique(flat.flatten(1), dim=0)) == 5 * 5


def test_none_moves_nothing() -> None:
    store = store_of((6, 8, 8, 3))
    batch = augmented_batch(store, torch.tensor([4, 1]), "none", seeded(0))
    assert torch.equal(batch.pixels, store.pixels[[4, 1]])


def whole(store: PixelStore) -> Batch:
    return augmented_batch(store, torch.arange(len(store)), "none", seeded(0))


def inputs_of(store: PixelStore, sigmas: torch.Tensor, seed: int, copies: int = 1) -> torch.Tensor:
    return whole(store).with_noise(sigmas, copies, seeded(seed)).noisy_inputs()


def test_inputs_without_noise_are_normalised_pixels() -> None:
    store = store_of((4, 8, 8, 3), mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3))
    inputs = inputs_of(store, torch.zeros(4), 0)
    assert torch.equal(inputs, whole(store).noisy_inputs())
    pixels = store.pixels.double().permute(0, 3, 1, 2) / 255
    shape = (1, 3, 1, 1)
    expected = (pixels - store.mean.double().view(shape)) / store.std.double().view(shape)
    assert inputs.dtype == torch.float32
    assert inputs.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(inputs.double(), expected, atol=1e-5)


def test_noise_is_in_pixel_units_per_image_and_unclamped() -> None:
    sigmas = torch.tensor([0.0, 0.25, 1.0])
    store = store_of((3, 64, 64, 3), mean=(0.5,) * 3, std=(0.2,) * 3)
    noise = inputs_of(store, sigmas, 1) - inputs_of(store, torch.zeros(3), 1)
    measured = noise.flatten(1).std(dim=1) * 0.2
    # 12,288 draws: the standard deviation is known to 0.64 %, six of those are allowed
    assert torch.allclose(measured, sigmas, rtol=0.04, atol=1e-6)
    pixels = inputs_of(store, sigmas, 1) * 0.2 + 0.5
    assert pixels[2].min() < -1
    assert pixels[2].max() > 2


def test_equal_generators_give_equal_inputs() -> None:
    store = store_of((4, 8, 8, 1))
    sigmas = torch.full((4,), 0.5)
    first, again, other = (inputs_of(store, sigmas, s) for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("mean", [(), (0.0,)])
def test_no_statistics_means_plain_pixels(mean: tuple[float, ...]) -> None:
    store = store_of((2, 8, 8, 1), mean=mean)
    inputs = inputs_of(store, torch.zeros(2), 0)
    assert torch.equal(inputs.permute(0, 2, 3, 1), store.pixels * torch.tensor(1 / 255))


def test_copies_lie_side_by_side_and_parts_keep_their_noise() -> None:
    store = store_of((4, 8, 8, 1), mean=(0.5,), std=(0.25,))
    batch = whole(store).with_noise(torch.full((4,), 0.5), 3, seeded(1))
    inputs = batch.noisy_inputs()
    assert inputs.shape == (12, 1, 8, 8)
    noisy = batch.clean()[:, None] + batch.noise_planes()
    assert torch.allclose(inputs, (noisy.flatten(0, 1) - 0.5) / 0.25, atol=1e-5)
    assert torch.equal(batch.noisy_inputs(1), inputs[::3])
    assert torch.equal(batch.part(1, 3).noisy_inputs(), inputs[3:9])
    assert batch.part(1, 3).rows.tolist() == [1, 2]
    assert len(batch.part(2, 9)) == 2
