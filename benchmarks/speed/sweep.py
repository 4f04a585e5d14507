"""A sweep of 12 sigmas against 12 certify calls of the same n, and the first curve on screen."""

from functools import partial

from benchmarks.networks import SHAPES, classifiers, four_conv, random_image, shipped
from benchmarks.timing import interleaved, verdict
from rs_core import api
from rs_core.allocator import keep_freed_memory
from rs_core.classifiers import Classifier
from rs_core.images import ImageInput
from rs_core.smoothing.sweep import DEFAULT_SIGMAS

N, ROUNDS = 2_000, 3


def certify_each(classifier: Classifier, image: ImageInput) -> None:
    for sigma in DEFAULT_SIGMAS:
        api.certify(classifier, image, sigma=sigma, n=N)


def main(device: str = "cpu") -> None:
    keep_freed_memory()  # as `rs` and the app's worker do
    for size, shape in SHAPES.items():
        module, spec = four_conv(shape)
        image = random_image(spec)
        classifier = list(classifiers(module, spec, device).values())[-1]
        one = partial(api.sweep, classifier, image, sigmas=DEFAULT_SIGMAS, n=N, recertify=False)
        many = partial(certify_each, classifier, image)
        seconds = interleaved({"sweep": one, "certify": many}, ROUNDS)
        label = f"sweep of 12 sigmas {size} {classifier.precision} / 12 certify calls"
        print(verdict(label, seconds["sweep"] / seconds["certify"], 0.9, at_most=True))
    module, spec = shipped("mnist-conv4")
    image = random_image(spec)
    classifier = list(classifiers(module, spec, device).values())[-1]
    first = interleaved({"curve": partial(api.sweep, classifier, image, n=100)}, ROUNDS)
    label = "first curve, 12 sigmas x 100, 1x28x28, warm, seconds"
    print(verdict(label, first["curve"], 1.0, at_most=True))


if __name__ == "__main__":
    main()
