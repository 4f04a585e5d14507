"""Every method on the same images: chosen, certified on fresh draws, and looked at afterwards."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Stream
from rs_core.experiments.pairs import Pair
from rs_core.experiments.progress import CompareProgress, CompareStep
from rs_core.guarantees import Memory, Regions
from rs_core.images import ImageInput
from rs_core.results import RadiusCurve
from rs_core.results.comparison import Comparison, Method, method_scores
from rs_core.selectors import Grid, MultistartUniform, Selector
from rs_core.smoothing import Sweep
from rs_core.smoothing.options import CertifyOptions
from rs_core.smoothing.sampling import BATCH_SIZE

MAX_METHODS = 12


@dataclass(frozen=True, kw_only=True)
class Compare(CertifyOptions):
    """Selectors side by side on one index set, each certified by its guarantee on fresh draws.

    Fields:
        methods: 1 to 12 pairs, no two alike.
        sigmas: grid of the pointwise radius curves, each point at alpha by itself; () for none.
            Their maximum is the oracle, which saw the certifying draws: no certificate.
        dataset, indices: where the images come from, for the result; positions by default.

    Every certificate is a statement of its own at level alpha: of M methods and S sigmas, M + S
    statements are made of each image.

    Raises:
        ParameterError: no method, too many, one twice, or sigmas that no sweep takes.
    """

    methods: tuple[Pair, ...]
    sigmas: tuple[float, ...] = ()
    dataset: str = ""
    indices: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(isinstance(pair, Pair) for pair in self.methods):
            raise ParameterError("every method is a Pair of a selector and a guarantee: give such.")
        if not 1 <= len(self.methods) <= MAX_METHODS:
            raise ParameterError(
                f"{len(self.methods)} methods cannot be compared: give 1 to {MAX_METHODS}."
            )
        methods = tuple(pair.under(self) for pair in self.methods)
        for place, pair in enumerate(methods):
            if pair in methods[:place]:
                raise ParameterError(
                    f"{pair} stands there twice with the same settings: leave one of them out."
                )
        object.__setattr__(self, "methods", methods)
        norms = {pair.guarantee.norm for pair in methods} | ({"l2"} if self.sigmas else set())
        if len(norms) > 1:
            raise ParameterError(
                "l1 and l2 radii are not comparable, and the curves are l2: give methods of one "
                "norm, and no sigmas with l1."
            )
        if self.sigmas:
            object.__setattr__(self, "sigmas", self._sweep().sigmas)

    @property
    def statements(self) -> int:
        """How many statements are made of each image, each at level alpha."""
        return len(self.methods) + len(self.sigmas)

    def check(self, classifier: Classifier, images: Sequence[ImageInput]) -> None:
        """Refuse, before anything is drawn, what one of the methods could not do.

        Raises:
            ParameterError: no image, one of another shape than the network's input, an n that can
                never certify, or images that a selector cannot take.
        """
        shape = classifier.spec.input_shape
        if not images or len(self.indices) not in (0, len(images)):
            raise ParameterError(
                f"{len(self.indices)} indices for {len(images)} images: give at least one image, "
                "and an index for each or none."
            )
        for image in images:
            if image.pixels.shape != shape:
                raise ParameterError(
                    f"{image.name} has shape {image.pixels.shape} and {classifier.spec.name} takes "
                    f"{shape}: load it with load_image(source, spec)."
                )
        different = len({image.digest for image in images})
        for pair in self.methods:
            pair.guarantee.check_n(pair.guarantee.level(different))
            pair.selector.check(classifier, images)

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[Comparison]:
        """Yields `CompareStep`s, then the comparison; the seed is that of every method.

        Methods whose guarantees are the same share their certifying noise, so equal sigmas get
        equal certificates (of regions: where all else is equal). No sigma is chosen on it;
        regions by degree pay for what they choose on it.
        """
        self.check(classifier, images)
        options = {"seed": seed, "batch_size": batch_size}
        sweep = self._sweep() if self.sigmas else None
        progress = CompareProgress(len(images) * self.most_draws)
        methods: list[Method] = []
        for number, pair in enumerate(self.methods, 1):
            place = f"({number} of {len(self.methods)})"
            method = yield from self._method(progress, pair, place, classifier, images, options)
            methods.append(method)
            progress.scores = method_scores(self._comparison(images, methods, ()))
        curves: tuple[RadiusCurve, ...] = ()
        if sweep is not None:
            curves = yield from progress.part(
                sweep.run(classifier, images, **options),
                "radius curves",
                len(images) * len(sweep.sigmas) * (self.n0 + self.n),
            )
        yield Finished(self._comparison(images, methods, curves))

    @property
    def most_draws(self) -> int:
        """The most forward passes that one image can cost."""
        curve = len(self.sigmas) * (self.n0 + self.n)
        each = (pair.selector.most_draws + pair.guarantee.most_draws for pair in self.methods)
        return curve + sum(each)

    def _method(
        self,
        progress: CompareProgress,
        pair: Pair,
        place: str,
        classifier: Classifier,
        images: Sequence[ImageInput],
        options: dict[str, int],
    ) -> Generator[CompareStep, None, Method]:
        selector, guarantee = pair.selector, pair.guarantee
        before, count = progress.seconds, len(images)
        selections = yield from progress.part(
            selector.run(classifier, images, **options),
            f"{selector.name} picks {place}",
            count * selector.most_draws,
        )
        certificates = yield from progress.part(
            guarantee.run(classifier, images, selections, **options),
            f"{guarantee.name} certifies the picks of {selector.name} {place}",
            count * guarantee.most_draws,
        )
        return Method(
            selector=selector.name,
            settings=pair.settings,
            guarantee=guarantee.name,
            badge=guarantee.badge,
            budget=guarantee.budget,
            selections=selections,
            certificates=certificates,
            seconds=progress.seconds - before,
        )

    def _sweep(self) -> Sweep:
        return Sweep(
            sigmas=self.sigmas, n0=self.n0, n=self.n, alpha=self.alpha, bound=self.bound,
            noise=self.noise, simultaneous=False, recertify=False,
        )  # fmt: skip

    def _comparison(
        self,
        images: Sequence[ImageInput],
        methods: Sequence[Method],
        curves: tuple[RadiusCurve, ...],
    ) -> Comparison:
        return Comparison(
            dataset=self.dataset,
            indices=self.indices or tuple(range(len(images))),
            names=tuple(image.name for image in images),
            digests=tuple(image.digest for image in images),
            labels=tuple(image.label for image in images),
            methods=tuple(methods),
            curves=curves,
            notes=notes_of(self.methods, images, curves),
        )


_NAMED = 3


def notes_of(
    methods: Sequence[Pair], images: Sequence[ImageInput], curves: Sequence[RadiusCurve]
) -> tuple[str, ...]:
    """Sentences without a full stop; none where there is nothing to say."""
    return (*_of_repeats(images), *_of_methods(methods), *_of_curves(images, curves))


def notes_of_selector(selector: Selector) -> Iterator[str]:
    """What its choices rest on beyond an image's own pixels; sentences without a full stop."""
    if isinstance(selector, Grid) and selector.label_aware:
        yield f"{selector.name} read the true labels, which nobody has when it counts"
    if isinstance(selector, MultistartUniform):
        yield f"{selector.name} picked one sigma from all these images together"


def _of_repeats(images: Sequence[ImageInput]) -> Iterator[str]:
    firsts: dict[str, ImageInput] = {}
    for image in images:
        firsts.setdefault(image.digest, image)
    if len(firsts) < len(images):
        yield f"{len(images) - len(firsts)} of {len(images)} images repeat the pixels of others"
    for image in images:
        first = firsts[image.digest]
        if image.label != first.label:
            yield (
                f"{first.name} and {image.name} have the same pixels and different labels, "
                f"{first.label} and {image.label}: no method that does not read labels can be "
                "right at both"
            )


def _of_methods(methods: Sequence[Pair]) -> Iterator[str]:
    for pair in methods:
        yield from notes_of_selector(pair.selector)
        if isinstance(pair.guarantee, Memory) and not pair.guarantee.path:
            yield f"the memory of {pair.selector.name} ended with this run: nothing answers from it"
        if isinstance(pair.guarantee, Regions):
            yield f"the regions of {pair.selector.name} were not kept: nothing answers from them"


def _of_curves(images: Sequence[ImageInput], curves: Sequence[RadiusCurve]) -> Iterator[str]:
    if not curves:
        return
    lost = [
        image.name
        for image, curve in zip(images, curves, strict=True)
        if all(certificate.predicted is None for certificate in curve.certificates)
    ]
    if lost:
        more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
        named = ", ".join(lost[:_NAMED]) + more
        yield f"{len(lost)} of {len(images)} images abstain at every sigma of the curves: {named}"
