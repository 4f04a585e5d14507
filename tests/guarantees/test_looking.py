"""Who looks at several noise levels and shows the best: false as often as that may be, and mended.

The network reads another pixel at each sigma, and its true radius is the margin at each: looks
are independent, and every certificate of more than the margin is false.
"""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rs_core.classifiers import Classifier
from rs_core.events import drain
from rs_core.images import ImageInput, image_from_array
from rs_core.results import Certificate
from rs_core.smoothing import Certify
from tests.conftest import spec_of
from tests.guarantees.test_false_statements import GREY, MARGIN, most_false

LOOKS, STATEMENTS, ALPHA = 12, 300, 0.05
SIGMAS = tuple(0.2 + 0.01 * k for k in range(LOOKS))
SPEC = spec_of((1, 4, 4), 2)
DRAWS = {"n0": 16, "n": 64, "alpha": ALPHA}


class Many(nn.Module):
    """At sigma k it compares pixel k with a threshold that lies `MARGIN` below grey."""

    takes_sigma = True

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        levels = torch.tensor(SIGMAS, dtype=sigma.dtype)
        k = (sigma.reshape(-1, 1) - levels).abs().argmin(dim=1).expand(len(x))
        score = x.flatten(1).gather(1, k[:, None])[:, 0] - (GREY - MARGIN)
        return torch.stack([-score, score], dim=1)


def images() -> list[ImageInput]:
    """Grey where the network reads; they differ in the last pixels, which it does not."""
    pixels = np.full((STATEMENTS, 4, 4, 1), 128, dtype=np.uint8)
    rng = np.random.default_rng(0)
    pixels[:, 3, :, 0] = rng.integers(0, 256, size=(STATEMENTS, 4), dtype=np.uint8)
    return [image_from_array(p, SPEC, name=f"image {i}") for i, p in enumerate(pixels)]


def false(certificate: Certificate) -> bool:
    return certificate.radius > MARGIN or certificate.predicted == 0


def at(sigma: float, own: list[ImageInput], *, picked: bool) -> tuple[Certificate, ...]:
    certify = Certify(sigma=sigma, picked=picked, **DRAWS)
    return drain(certify.run(Classifier(Many(), SPEC), own, seed=5))


@pytest.fixture(scope="module")
def looks() -> list[tuple[Certificate, ...]]:
    """Of each sigma the certificates of all images."""
    own = images()
    return [at(sigma, own, picked=False) for sigma in SIGMAS]


def best(rows: list[tuple[Certificate, ...]]) -> list[Certificate]:
    """Of each image the certificate with the largest radius."""
    return [max(own, key=lambda c: c.radius) for own in zip(*rows, strict=True)]


def test_each_look_alone_holds(looks: list[tuple[Certificate, ...]]) -> None:
    for row in looks:
        assert sum(map(false, row)) <= most_false(STATEMENTS, ALPHA)


def test_the_best_of_many_looks_is_false_more_often_than_each(
    looks: list[tuple[Certificate, ...]],
) -> None:
    said = sum(map(false, best(looks)))
    print(f"best of {LOOKS} looks: {said} of {STATEMENTS} false at {ALPHA:g}")
    assert said > most_false(STATEMENTS, ALPHA)
    assert said <= most_false(STATEMENTS, 1 - (1 - ALPHA) ** LOOKS)  # the 46 % that Start names


def test_fresh_draws_at_the_sigma_that_looked_best_hold(
    looks: list[tuple[Certificate, ...]],
) -> None:
    own, chosen = images(), best(looks)
    fresh: list[Certificate] = []
    for sigma in SIGMAS:
        some = [i for i, c in zip(own, chosen, strict=True) if c.sigma == sigma]
        fresh += at(sigma, some, picked=True) if some else ()
    said = sum(map(false, fresh))
    print(f"on fresh draws: {said} of {len(fresh)} false at {ALPHA:g}")
    assert len(fresh) == STATEMENTS
    assert said <= most_false(STATEMENTS, ALPHA)
    assert said > 0  # the margin is near enough for the count to tell
    assert {c.guarantee for c in fresh} == {"C"}
    assert all("frozen" in c.statement for c in fresh if c.predicted is not None)


def test_no_two_picked_settings_share_draws() -> None:
    own = images()[:1]
    classifier = Classifier(Many(), SPEC)
    tasks = [
        Certify(sigma=sigma, picked=True, n0=16, n=n, alpha=alpha)
        for sigma in SIGMAS[:2]
        for n in (64, 65)
        for alpha in (0.05, 0.01)
    ]
    found = [drain(task.run(classifier, own, seed=5))[0] for task in tasks]
    found.append(at(SIGMAS[0], own, picked=False)[0])
    assert len({c.stream for c in found}) == len(found)
    again = drain(tasks[0].run(classifier, own, seed=5))[0]
    assert again == found[0]  # asked again, it is no other statement
