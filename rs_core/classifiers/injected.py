"""What a network with noise of its own must show before its copies may vote for a certificate."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rs_core.classifiers.probe import (
    Forward,
    check_own,
    probe,
    same_size_share,
    strange,
    tried_images,
    tried_rows,
)
from rs_core.errors import ModelFileError
from rs_core.models.injected_networks import NoiseInjecting
from rs_core.models.injected_noise import fixed_chance
from rs_core.results import ModelSpec

_SEED = 0
_KNOWN = ("rs_core.models.", "torch.nn.modules.")


def draws_per_copy(module: nn.Module) -> bool:
    """Whether a network is one of ours, as it was built, whose rows all draw noise of their own.

    Only of those is it known: a foreign layer or hook may share its draws where others do not, or
    keep a count, which no trial would show for certain.
    """
    if not isinstance(module, NoiseInjecting) or not module.draws_per_copy:
        return False
    parts = list(module.modules())
    own = all(type(part).__module__.startswith(_KNOWN) for part in parts)
    return own and not any(part._forward_hooks or part._forward_pre_hooks for part in parts)


@torch.no_grad()
def check_draws(
    forward: Forward,
    spec: ModelSpec,
    device: torch.device,
    passes: Sequence[int],
    precision: str,
) -> None:
    """Refuse a network whose copies would not be independent draws of one random function.

    With the noise held fixed a row's logits must not hang on the others', and equal rows must not
    all answer alike. Arguments as for `check_rows`.

    Raises:
        ModelFileError: as `check_rows` says, or the rows share their noise.
    """

    def held(pixels: Tensor) -> Tensor:
        with fixed_chance(_SEED, device):
            return forward(pixels)

    same = same_size_share(device, precision)
    images = tried_images(spec, max(tried_rows(spec), *passes)).to(device)
    for count in (tried_rows(spec), passes[0]):
        check_own(held, images, count, (strange,), same, spec)
        found = probe(held, images[:1].repeat(count, 1, 1, 1), spec)
        if torch.equal(found, found[:1].expand_as(found)):
            raise ModelFileError(
                f"{spec.name}: equal images of a batch get equal answers, so its copies would not "
                "have noise of their own: its noise has no strength, or is shared; train it on, or "
                "take the network without noise."
            )
