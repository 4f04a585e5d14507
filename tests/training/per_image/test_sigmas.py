"""The sigmas on their way: each assignment begins where the last one left off."""

import contextlib
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from rs_core.training.data import Batch
from rs_core.training.per_image.base import Assigns, PerImage
from rs_core.training.per_image.sigmas import ImageSigmas
from rs_core.training.view import NormalizedNetwork
from tests.training.per_image.conftest import Small, seeded


@dataclass(frozen=True)
class Tenth(PerImage):
    """A tenth more whenever it is asked, in odd epochs for all images, else for a batch's."""

    def sigma_range(self, sigma: float) -> tuple[float, float]:
        return sigma, 2 * sigma

    def assigns(self, epoch: int, epochs: int) -> Assigns:
        return "all" if epoch % 2 else "batch"

    def assigned(
        self,
        network: NormalizedNetwork,
        batch: Batch,
        sigmas: Tensor,
        sigma: float,
        generator: torch.Generator,
    ) -> Tensor:
        assert not network.module.training
        assert not any(p.requires_grad for p in network.module.parameters())
        return sigmas + 0.1


def sigmas() -> ImageSigmas:
    return ImageSigmas(Tenth(), 1.0, 4, 24, torch.device("cpu"))


def test_a_batchs_images_go_on_from_where_they_were(small: Small) -> None:
    own, part = sigmas(), small.batch.part(4, 8)
    small.network.module.train()
    for epoch in (0, 0, 2):
        own.before(small.network, replace(part, epoch=epoch), seeded(0), contextlib.nullcontext)
    expected = torch.ones(24)
    expected[4:8] = 1.3
    assert torch.allclose(own.tensors["sigma"], expected)
    assert own.tensors["assigned"].tolist() == [0] * 4 + [3] * 4 + [0] * 16
    assert torch.equal(own.of(part, seeded(0)), own.tensors["sigma"][4:8])
    assert small.network.module.training


def test_all_images_are_assigned_once_before_an_epoch(small: Small) -> None:
    own, store = sigmas(), small.batch.store
    own.before(small.network, replace(small.batch, epoch=1), seeded(0), contextlib.nullcontext)
    assert torch.equal(own.tensors["sigma"], torch.ones(24))
    assert list(own.left(0)) == []
    for rows in own.left(1):
        own.assign_rows(small.network, store, rows, 1, seeded(0), contextlib.nullcontext)
    assert torch.allclose(own.tensors["sigma"], torch.tensor(1.1))
    assert list(own.left(1)) == []
    assert [len(rows) for rows in own.left(3)] == [24]


def test_the_spread_counts_every_image_once() -> None:
    own = sigmas()
    own.tensors["sigma"] = torch.tensor([1.0, 1.0, 1.5, 2.0, 1.2])
    found = own.spread()
    assert found is not None
    assert (found.low, found.high, sum(found.counts), found.levels) == (1.0, 2.0, 5, 4)
    assert (found.counts[0], found.counts[-1]) == (2, 1)
    assert found.smallest[:2] == ((0, 1.0), (1, 1.0))
    assert found.largest[:2] == ((3, 2.0), (2, 1.5))
    assert found.mean == pytest.approx(1.34)


def test_there_is_no_spread_while_sigmas_are_drawn() -> None:
    own = sigmas()
    own.tensors["sigma"][3] = 0
    assert own.spread() is None
