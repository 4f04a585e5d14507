"""lower <= upper on every picture that comes along, with the network that knows its class."""

import pytest

from rs_core.assets import sample_path, samples
from rs_core.classifiers import load_classifier
from rs_core.events import drain
from rs_core.experiments.sandwich import MakeSandwiches
from rs_core.images import load_image


@pytest.mark.parametrize(
    ("model", "family"), [("mnist-conv4", "mnist"), ("cifar10-conv4-s025", "cifar10")]
)
def test_the_certified_radius_never_exceeds_the_confirmed_attack(model: str, family: str) -> None:
    classifier = load_classifier(model, device="cpu")
    images = [
        load_image(sample_path(name), classifier.spec, label=facts.labels[family], name=name)
        for name, facts in samples().items()
        if family in facts.labels
    ]
    made = MakeSandwiches(
        sigma=0.25, n0=20, n=128, alpha=1e-3, steps=5, draws=2, rounds=2, judged=16,
        confirm_n=128, confirmations=6, stretch=0.05,
    )  # fmt: skip
    strip = drain(made.run(classifier, images, seed=0))
    assert [one.name for one in strip.sandwiches] == [image.name for image in images]
    assert strip.crossings == ()
    assert any(one.lower > 0 and one.upper is not None for one in strip.sandwiches)
    for one in strip.sandwiches:
        assert one.upper is None or one.lower <= one.upper
