"""The engine in one call each, for one image: for a script or a notebook.

Without `seed` one is drawn from the operating system; the result names it, and giving it repeats
the result. A certificate's sentence names a seed that was given: who knows it before the image is
chosen can choose one that has a false certificate.

For many images, or to watch the steps, run the same dataclasses yourself:
`drain(Certify(sigma=0.5).run(classifier, images, seed=drawn_seed()))`.
"""

from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, TypeVar

from rs_core.attacks import ATTACKS, Attack, Confirm
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError, UnknownNameError
from rs_core.events import drain
from rs_core.experiments.sandwich import MakeSandwiches
from rs_core.fields import shown
from rs_core.images import ImageInput
from rs_core.results import Certificate, Decision, Prediction, RadiusCurve, Selection
from rs_core.results.attack import AttackResult
from rs_core.results.sandwich import Sandwich
from rs_core.seed_origin import with_seed_origin
from rs_core.seeding import check_seed, drawn_seed
from rs_core.selectors import Selector
from rs_core.smoothing import Certify, CertifySequential, Predict, Sweep

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def certify(
    classifier: Classifier, image: ImageInput, *, seed: int | None = None, **options: Any
) -> Certificate:
    """The certificate of an image at one sigma: Cohen et al. (2019), CERTIFY.

    Args:
        classifier: the network.
        image: from `load_image`.
        seed: repeats the same draws; drawn where it is left out. Keep one per image: a re-rolled
            seed is a new chance to be wrong.
        options: the fields of `rs_core.smoothing.Certify`: sigma, n0, n, alpha, bound, noise.

    Raises:
        ParameterError: a field is out of range, n can never certify at this alpha, `seed` is no
            whole number from 0 to 2**64 - 1, or classifier or image are something else.
        UnknownNameError: there is no such field.
    """
    drawn = _checked(classifier, image, seed)
    found = drain(_made(Certify, options).run(classifier, [image], seed=drawn))[0]
    return with_seed_origin(found, given=seed is not None)


def certify_sequential(
    classifier: Classifier, image: ImageInput, *, seed: int | None = None, **options: Any
) -> Decision:
    """Whether the radius is at least `target_radius`, with as few draws as the answer needs.

    Options are the fields of `rs_core.smoothing.CertifySequential`; Voracek (2024).
    """
    drawn = _checked(classifier, image, seed)
    found = drain(_made(CertifySequential, options).run(classifier, [image], seed=drawn))[0]
    return with_seed_origin(found, given=seed is not None)


def sweep(
    classifier: Classifier, image: ImageInput, *, seed: int | None = None, **options: Any
) -> RadiusCurve:
    """The radius curve of an image over a grid of sigmas.

    Options are the fields of `rs_core.smoothing.Sweep`: sigmas, n0, n, alpha, simultaneous, ...
    """
    drawn = _checked(classifier, image, seed)
    found = drain(_made(Sweep, options).run(classifier, [image], seed=drawn))[0]
    return with_seed_origin(found, given=seed is not None)


def select(
    classifier: Classifier, image: ImageInput, *, selector: Selector, seed: int | None = None
) -> Selection:
    """The sigma that a selector proposes for an image; it certifies nothing.

    Args:
        selector: e.g. `SELECTORS["multistart"]()`.
    """
    drawn = _checked(classifier, image, seed)
    found = drain(selector.run(classifier, [image], seed=drawn))[0]
    return with_seed_origin(found, given=seed is not None, seed=drawn)


def attack(
    classifier: Classifier,
    image: ImageInput,
    *,
    attack: Attack | str,
    label: int | None = None,
    seed: int | None = None,
    confirm: Confirm | None = None,
    **options: Any,
) -> AttackResult:
    """The adversarial image that an attack found, and what is known of it.

    Args:
        attack: a name of `ATTACKS`, e.g. "epgd", or an attack that is made already.
        label: the class to leave; by default the image's own, then what the target predicts.
        confirm: asks fresh noise, e.g. `Confirm(n=1000)`; without it nothing is confirmed.
        options: fields of the attack that is named: eps, sigma, steps, ...

    Raises:
        ParameterError: a field is out of range, the image does not fit the network, or that gives
            no gradients.
        UnknownNameError: there is no such attack, or it has no such field.
    """
    drawn = _checked(classifier, image, seed)
    attack = _attack(attack, options)
    found = drain(attack.run(classifier, [image], labels=[label], seed=drawn))
    if confirm is not None:
        found = drain(confirm.run(classifier, [image], found, seed=drawn))
    return with_seed_origin(found[0], given=seed is not None)


def sandwich(
    classifier: Classifier, image: ImageInput, *, seed: int | None = None, **options: Any
) -> Sandwich:
    """Certified radius <= true radius <= smallest confirmed attack, of one smoothed classifier.

    Options are the fields of `rs_core.experiments.sandwich.MakeSandwiches`: sigma or selector, n,
    alpha, eps, steps, draws, confirm_n, alpha_attack, ...; both ends hold with probability
    1 - (alpha + alpha_attack).
    """
    drawn = _checked(classifier, image, seed)
    made = _made(MakeSandwiches, options)
    found = drain(made.run(classifier, [image], seed=drawn)).sandwiches[0]
    return with_seed_origin(found, given=seed is not None)


def predict(
    classifier: Classifier, image: ImageInput, *, seed: int | None = None, **options: Any
) -> Prediction:
    """The smoothed class of an image, None for abstain: Cohen et al. (2019), PREDICT.

    Options are the fields of `rs_core.smoothing.Predict`: sigma, n, alpha.
    """
    drawn = _checked(classifier, image, seed)
    found = drain(_made(Predict, options).run(classifier, [image], seed=drawn))[0]
    return with_seed_origin(found, given=seed is not None)


def _attack(attack: Attack | str, options: dict[str, Any]) -> Attack:
    if isinstance(attack, Attack):
        if options:
            raise ParameterError(
                f"{', '.join(options)}: the attack is made already; give its name and these, or "
                "the attack alone."
            )
        return attack
    name = attack if isinstance(attack, str) else shown(attack)
    if name not in ATTACKS:
        raise UnknownNameError("attack", name, ATTACKS)
    return _made(ATTACKS[name], options, name)


def _made(kind: type[T], options: dict[str, Any], name: str = "") -> T:
    """The task or attack with these fields; `name` is what people call it, if not as the type."""
    name = name or kind.__name__
    known = {field.name: field for field in fields(kind) if field.init}
    for option in options:
        if option not in known:
            raise UnknownNameError(f"setting of {name}", option, known)
    for option, field in known.items():
        needed = field.default is MISSING and field.default_factory is MISSING
        if needed and option not in options:
            raise ParameterError(f"{name} without {option}: give it, {field.metadata['help']}.")
    return kind(**options)


def _checked(classifier: Classifier, image: ImageInput, seed: int | None) -> int:
    """The seed, drawn where there is none, of arguments that are what they should be."""
    if not isinstance(classifier, Classifier):
        raise ParameterError(
            f"classifier={shown(classifier)} is no Classifier: make one with load_classifier(name) "
            "or Classifier(module, spec)."
        )
    if not isinstance(image, ImageInput):
        raise ParameterError(
            f"image={shown(image)} is not a loaded image: load it with "
            "load_image(source, classifier.spec)."
        )
    return drawn_seed() if seed is None else check_seed(seed)
