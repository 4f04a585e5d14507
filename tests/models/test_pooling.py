"""The mean over space: torch's own numbers, with a gradient that lies as the features do."""

import pytest
import torch

from rs_core.models.pooling import spatial_mean


@pytest.mark.parametrize("shape", [(3, 16, 7, 5), (1, 4, 1, 1), (2, 1, 6, 6)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_numbers_and_gradient_are_the_means_to_the_last_bit(
    shape: tuple[int, ...], dtype: torch.dtype, layout: torch.memory_format
) -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(shape, generator=generator).to(dtype).contiguous(memory_format=layout)
    features.requires_grad_(True)
    found, expected = spatial_mean(features), features.mean(dim=(2, 3))
    assert torch.equal(found, expected)
    pull = torch.randn(expected.shape, generator=generator).to(dtype)
    (gradient,) = torch.autograd.grad(found, features, pull)
    (theirs,) = torch.autograd.grad(expected, features, pull)
    assert torch.equal(gradient, theirs)
    assert gradient.is_contiguous(memory_format=layout)
