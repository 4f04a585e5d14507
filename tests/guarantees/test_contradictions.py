"""T10, a hunt for contradictions: certify at alpha = 1e-6, then search the ball for another class.

In the plane the search covers the ball; on digits it climbs the gradient of the smoothed loss.
A hunt that looks further out than the certificate reaches must find something.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from rs_core import load_classifier
from rs_core.assets import sample_path
from rs_core.classifiers import Classifier
from rs_core.datasets import load_dataset
from rs_core.events import drain
from rs_core.guarantees import Dual, Frozen, GlobalSigma, GridMinimum, Guarantee, Sukenik
from rs_core.images import ImageInput, load_image
from rs_core.results import Certificate, Selection
from rs_core.selectors import Fixed, FromNetwork, Knn, Selector
from rs_core.smoothing import Predict
from tests.conftest import elsewhere

ALPHA = 1e-6
SIGMAS = (0.03, 0.06, 0.1)
TURNS = np.linspace(0, 2 * np.pi, 16, endpoint=False)
INSIDE = (0.3, 0.7, 0.999)
OUTSIDE = (2.0, 4.0)

Pick = Callable[[Classifier, Sequence[ImageInput]], list[float]]


def around(image: ImageInput, radius: float, shares: Sequence[float]) -> list[ImageInput]:
    steps = [radius * share * np.array([np.cos(t), np.sin(t)]) for share in shares for t in TURNS]
    return [elsewhere(image, image.pixels + step.reshape(image.pixels.shape)) for step in steps]


def flips(
    classifier: Classifier, queries: Sequence[ImageInput], sigmas: Sequence[float], label: int
) -> int:
    """Queries at which the classifier names another class, each at error 1e-6."""
    found = 0
    for sigma in sorted(set(sigmas)):
        own = [query for query, s in zip(queries, sigmas, strict=True) if s == sigma]
        answers = drain(Predict(sigma=sigma, n=1000, alpha=ALPHA).run(classifier, own, seed=99))
        found += sum(answer.predicted not in (None, label) for answer in answers)
    return found


def lone(selector: Selector) -> Pick:
    """The sigmas that a selector picks at the queries themselves."""

    def pick(classifier: Classifier, queries: Sequence[ImageInput]) -> list[float]:
        return [s.sigma for s in drain(selector.run(classifier, queries, seed=7))]

    return pick


def worst(sigma: float) -> Pick:
    return lambda _, queries: [sigma] * len(queries)


class Slope(torch.nn.Module):
    """A selector network whose answer falls steeply from left to right."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return 0.16 - 0.15 * pixels.flatten(1)[:, 0]


def median_pick(dual: Dual) -> Pick:
    """The deployed dual system: the snapped median of h under fresh noise."""

    def pick(classifier: Classifier, queries: Sequence[ImageInput]) -> list[float]:
        rng = np.random.default_rng(5)
        found = []
        for query in queries:
            noisy = query.pixels + dual.sigma_m * rng.standard_normal(
                (dual.n_h, *query.pixels.shape)
            )
            values = dual.network(torch.from_numpy(noisy.astype(np.float32)))
            found.append(dual.deployed(dual.bound_of(values.numpy())))
        return found

    return pick


KNN = Knn(dataset="plane", sigma_b=0.06, rate=1.0, offset=0.05, limit=500)
DUAL = Dual(
    network=Slope().eval(), sigmas=SIGMAS, sigma_m=0.05, distance=0.04, n=2000, alpha=ALPHA,
    alpha_h=1e-6, beta=1e-6,
)  # fmt: skip
CASES: dict[str, tuple[Selector, Guarantee, Sequence[Pick]]] = {
    "global_sigma": (Fixed(sigma=0.06), GlobalSigma(n=2000, alpha=ALPHA), [worst(0.06)]),
    "grid_minimum": (
        Fixed(sigma=0.03), GridMinimum(sigmas=SIGMAS, n=2000, alpha=ALPHA), [*map(worst, SIGMAS)],
    ),
    "sukenik": (KNN, Sukenik(n=2000, alpha=ALPHA), [lone(KNN)]),
    "dual": (Fixed(sigma=0.06), DUAL, [median_pick(DUAL)]),
}  # fmt: skip


@pytest.fixture(scope="module")
def plane() -> tuple[Classifier, list[ImageInput]]:
    classifier = load_classifier("plane-mlp", precision="fp32")
    data = load_dataset("plane")
    return classifier, [data.image(i, classifier.spec) for i in range(0, 150, 15)]


def hunt(
    classifier: Classifier, images: Sequence[ImageInput], name: str, shares: Sequence[float]
) -> tuple[int, int]:
    """(certified images, flips) over all ways in which sigma may be picked at the queries."""
    selector, guarantee, picks = CASES[name]
    picked = drain(selector.run(classifier, images, seed=0))
    certificates = drain(guarantee.run(classifier, images, picked, seed=0))
    held = [(i, c) for i, c in zip(images, certificates, strict=True) if c.predicted is not None]
    found = 0
    for image, certificate in held:
        queries = around(image, certificate.radius, shares)
        for pick in picks:
            sigmas = pick(classifier, queries)
            found += flips(classifier, queries, sigmas, certificate.predicted)
    return len(held), found


@pytest.mark.parametrize("name", CASES)
def test_no_point_of_a_certified_ball_has_another_class(
    name: str, plane: tuple[Classifier, list[ImageInput]]
) -> None:
    certified, found = hunt(*plane, name, INSIDE)
    assert certified >= 4
    assert found == 0


@pytest.mark.parametrize("name", CASES)
def test_the_hunt_finds_other_classes_further_out(
    name: str, plane: tuple[Classifier, list[ImageInput]]
) -> None:
    _, found = hunt(*plane, name, OUTSIDE)
    assert found > 0


def climb(
    classifier: Classifier, image: ImageInput, certificate: Certificate, eps: float, label: int
) -> ImageInput:
    """The image moved by eps up the gradient of the expected loss, on noise of its own."""
    torch.manual_seed(0)
    clean = torch.tensor(image.pixels)[None]
    delta = torch.zeros_like(clean)
    for _ in range(12):
        delta.requires_grad_(True)
        with torch.enable_grad():
            noise = certificate.sigma * torch.randn(32, *image.pixels.shape)
            logits = classifier(clean + delta + noise)
            loss = torch.nn.functional.cross_entropy(logits.float(), torch.full((32,), label))
            (slope,) = torch.autograd.grad(loss, delta)
        moved = delta.detach() + eps / 3 * slope / slope.norm().clamp_min(1e-12)
        delta = moved * (eps / moved.norm().clamp_min(eps))
    return elsewhere(image, (clean + delta.detach())[0].numpy())


@pytest.mark.parametrize("sigma", [0.25, 0.5])
def test_climbing_the_smoothed_loss_never_leaves_a_certificate(sigma: float) -> None:
    classifier = load_classifier("mnist-conv4", precision="fp32")
    images = [load_image(sample_path(n), classifier.spec) for n in ("digit-7", "digit-3")]
    picked = [Selection("multistart", sigma, (), 0)] * len(images)
    certificates = drain(Frozen(n=5000, alpha=ALPHA).run(classifier, images, picked, seed=0))
    far = []
    for image, certificate in zip(images, certificates, strict=True):
        label = certificate.predicted
        assert label is not None
        inside = climb(classifier, image, certificate, 0.999 * certificate.radius, label)
        assert flips(classifier, [inside], [sigma], label) == 0
        outside = climb(classifier, image, certificate, 6 * certificate.radius, label)
        far.append(flips(classifier, [outside], [sigma], label))
    assert sum(far) == len(images)


def test_a_network_that_picks_sigma_is_hunted_where_only_frozen_is_claimed() -> None:
    """Badge C: the certificate at the picked sigma holds there, whatever the selector does."""
    classifier = load_classifier("plane-mlp", precision="fp32")
    data = load_dataset("plane")
    images = [data.image(i, classifier.spec) for i in range(0, 60, 15)]
    selector = FromNetwork(network=Slope())
    picked = drain(selector.run(classifier, images, seed=0))
    for image, selection, certificate in zip(
        images,
        picked,
        drain(Frozen(n=2000, alpha=ALPHA).run(classifier, images, picked, seed=0)),
        strict=True,
    ):
        if certificate.predicted is not None:
            queries = around(image, certificate.radius, INSIDE)
            sigmas = [selection.sigma] * len(queries)
            assert flips(classifier, queries, sigmas, certificate.predicted) == 0
