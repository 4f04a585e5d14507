"""What a comparison draws: names of methods, badge groups, and each image's fate in words."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from rs_core.abstention import why_abstains
from rs_core.plots.style import BADGES, certificate_badge
from rs_core.plots.text import class_text, plain, radius_text
from rs_core.results import Badge, Certificate
from rs_core.results.comparison import Comparison, Method, MethodScore, oracle_radii

ORACLE = "oracle, not a certificate"
Fate = Literal["right", "certified", "wrong", "abstains"]
FATES: dict[Fate, str] = {
    "right": "certified, right class",
    "certified": "certified, true class unknown",
    "wrong": "certified, wrong class",
    "abstains": "abstains: nothing certified",
}
_USUAL = {"fixed": "global_sigma"}
_GAP = 0.7


class Dot(NamedTuple):
    """One image under one method."""

    image: int
    x: float
    y: float
    fate: Fate
    hover: str


class Group(NamedTuple):
    """Methods of one badge: their places on the axis and one row of dots per method."""

    badge: Badge | None  # None for the oracle
    names: tuple[str, ...]
    places: tuple[float, ...]
    dots: tuple[tuple[Dot, ...], ...]
    medians: tuple[float, ...]


def method_names(methods: Sequence[Method | MethodScore]) -> tuple[str, ...]:
    """A name per method for people, all different: the guarantee where it is not the usual one."""
    names: list[str] = []
    for method in methods:
        name = method.selector.replace("_", " ")
        if method.guarantee != _USUAL.get(method.selector, "frozen"):
            name += f", {method.guarantee.replace('_', ' ')}"
        same = sum(n.partition(" #")[0] == name for n in names)
        names.append(f"{name} #{same + 1}" if same else name)
    return tuple(names)


def by_badge(methods: Sequence[Method | MethodScore]) -> list[tuple[Badge, list[int]]]:
    """The methods' indices under each badge, strongest badge first, in the order asked for."""
    groups = [(b, [i for i, m in enumerate(methods) if m.badge == b]) for b in BADGES]
    return [(badge, indices) for badge, indices in groups if indices]


def fate_of(certificate: Certificate, label: int | None) -> Fate:
    """Whether a certificate names the true class, another one, or none."""
    if certificate.predicted is None:
        return "abstains"
    if label is None:
        return "certified"
    return "right" if certificate.predicted == label else "wrong"


def image_text(comparison: Comparison, image: int, names: Sequence[str]) -> str:
    """The image's name, its index where it has one, and its true class, on two lines."""
    label = comparison.labels[image]
    where = f" (index {comparison.indices[image]})" if comparison.dataset else ""
    truth = "true class unknown" if label is None else f"true {plain(class_text(label, names))}"
    return f"<b>{plain(comparison.names[image])}</b>{where}<br>{truth}"


def slope_groups(comparison: Comparison, names: Sequence[str]) -> tuple[Group, ...]:
    """Every dot of the slope chart: badge groups with a gap between them, the oracle last."""
    titles, place, groups = method_names(comparison.methods), 0.0, []
    for badge, indices in by_badge(comparison.methods):
        places = tuple(place + k for k in range(len(indices)))
        rows = tuple(
            _row(comparison, comparison.methods[i], titles[i], x, names)
            for i, x in zip(indices, places, strict=True)
        )
        shown = tuple(titles[i] for i in indices)
        groups.append(Group(badge, shown, places, rows, tuple(_middle(row) for row in rows)))
        place = places[-1] + 1 + _GAP
    if comparison.curves:
        groups.append(_oracle(comparison, place, names))
    return tuple(groups)


def _row(
    comparison: Comparison, method: Method, title: str, x: float, names: Sequence[str]
) -> tuple[Dot, ...]:
    dots = []
    for i, certificate in enumerate(method.certificates):
        fate = fate_of(certificate, comparison.labels[i])
        hover = (
            f"{image_text(comparison, i, names)}<br>{plain(title)}, σ {certificate.sigma:.4g}<br>"
            f"{_outcome(certificate, names)}<br>{certificate_badge(certificate).text}"
        )
        spread = _spread(i, len(method.certificates))
        dots.append(Dot(i, x + spread, certificate.radius, fate, hover))
    return tuple(dots)


def _outcome(certificate: Certificate, names: Sequence[str]) -> str:
    if certificate.predicted is None:
        return f"abstains: {why_abstains(certificate)}"
    said = plain(class_text(certificate.predicted, names))
    return f"{said}, radius {radius_text(certificate.radius)} (rounded down)"


def _oracle(comparison: Comparison, place: float, names: Sequence[str]) -> Group:
    radii = oracle_radii(comparison)
    dots = tuple(
        Dot(
            i,
            place + _spread(i, len(radii)),
            radius,
            "right" if radius > 0 else "abstains",
            f"{image_text(comparison, i, names)}<br>largest radius of its curve "
            f"{radius_text(radius)}<br>{ORACLE}",
        )
        for i, radius in enumerate(radii)
    )
    return Group(None, (ORACLE,), (place,), (dots,), (_middle(dots),))


def _spread(index: int, count: int) -> float:
    """Dots of one method stand beside each other; an image keeps its offset in all of them."""
    return 0.0 if count < 2 else 0.24 * (index / (count - 1) - 0.5)


def _middle(dots: Sequence[Dot]) -> float:
    """The median radius; a wrong class and an abstention count as 0."""
    held = sorted(d.y if d.fate in ("right", "certified") else 0.0 for d in dots)
    half = len(held) // 2
    return held[half] if len(held) % 2 else (held[half - 1] + held[half]) / 2
