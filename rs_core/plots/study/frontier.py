"""Clean against robust accuracy: a plot per attack strength, a line per method and budget."""

from collections.abc import Sequence

import plotly.graph_objects as go

from rs_core.plots.study.facets import Facet, Series, Spot, facets_figure
from rs_core.plots.study.text import NO_GUARANTEE, accuracy_text
from rs_core.results.study import TOP_CLASS, FrontierPoint, FrontierStudy, share


def frontier_figure(study: FrontierStudy) -> go.Figure:
    """Robust accuracy over clean accuracy, both with standard errors (Hase et al., Figs. 6 to 9).

    A line joins the fixed noise levels of one budget; a selector is a point of its own. Any points
    that are finished are drawn.
    """
    facets = _facets(study)
    return facets_figure(
        facets,
        title="Clean against robust accuracy",
        subtitle=NO_GUARANTEE,
        alt=_alt(facets, study.about.images),
        x="accuracy without attack",
        y="accuracy under attack",
        x_is_share=True,
    )


def method_words(point: FrontierPoint) -> str:
    """The method for people: the noise level of a fixed one, else the selector."""
    name = point.method.replace("_", " ")
    return f"{name}, {point.settings}" if point.settings else name


def _facets(study: FrontierStudy) -> tuple[Facet, ...]:
    keys = list(dict.fromkeys(_key(point) for point in study.points))
    keys.sort(key=lambda key: key[1])
    facets = []
    for facts in study.attacks:
        own = [point for point in study.points if point.strength == facts.name]
        series = tuple(
            Series(
                f"{key[0]}, γ {key[1]:g}", place,
                tuple(_spot(p, study) for p in own if _key(p) == key),
            )
            for place, key in enumerate(keys)
        )  # fmt: skip
        if own:
            facets.append(Facet(facts.words(), tuple(s for s in series if s.spots)))
    return tuple(facets)


def _key(point: FrontierPoint) -> tuple[str, float]:
    """Fixed noise levels are one line, each setting of a selector is one of its own."""
    return ("fixed σ" if point.method == "fixed" else method_words(point)), point.gamma


def _spot(point: FrontierPoint, study: FrontierStudy) -> Spot:
    images = study.about.images
    clean, robust = share(point.clean, images), share(point.robust, images)
    hover = (
        f"{method_words(point)}, mean σ {point.sigma:.4g}<br>{point.strength} attack, γ "
        f"{point.gamma:g}<br>clean {accuracy_text(point.clean, images)}<br>attacked "
        f"{accuracy_text(point.robust, images)}<br>PREDICT abstains on {point.clean_abstained} "
        f"and {point.robust_abstained} of {images}{_counted(study)}"
    )
    return Spot(clean[0], robust[0], clean[1], robust[1], hover)


def _counted(study: FrontierStudy) -> str:
    """How abstentions count; in a study of an older version by their top class."""
    return "" if study.rule == TOP_CLASS else ", counted as wrong"


def _alt(facets: Sequence[Facet], images: int) -> str:
    said = [f"Robust over clean accuracy of {images} images."]
    for facet in facets:
        spots = [
            f"{s.name}: {', '.join(f'{spot.x:.0%} and {spot.y:.0%}' for spot in s.spots)}"
            for s in facet.series[:6]
        ]
        said.append(f"{facet.title}: clean and attacked, {'; '.join(spots)}.")
    return " ".join(said)
