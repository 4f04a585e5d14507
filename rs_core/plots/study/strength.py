"""Accuracy against attack radius, of the plain and of the smoothed network."""

import plotly.graph_objects as go

from rs_core.plots.study.facets import Facet, Series, Spot, facets_figure
from rs_core.plots.study.text import ACCURACY, NO_GUARANTEE, VOTE_WORDS, accuracy_text
from rs_core.results.study import StrengthPoint, StrengthStudy, share


def strength_figure(study: StrengthStudy) -> go.Figure:
    """Accuracy against eps with standard errors (SIAM, Fig. 4); any points that are finished."""
    facet = _facet(study)
    norm = study.attacks[0].norm
    return facets_figure(
        [facet] if facet.series else [],
        title="Accuracy against attack radius",
        subtitle=NO_GUARANTEE,
        alt=_alt(facet, study.about.images),
        x=f"attack radius ε ({norm}, pixels in [0,1])",
        y=ACCURACY,
    )


def _facet(study: StrengthStudy) -> Facet:
    keys = list(dict.fromkeys((point.network, point.attack) for point in study.points))
    series = tuple(
        Series(
            _name(*key), place,
            tuple(_spot(p, study) for p in study.points if (p.network, p.attack) == key),
        )
        for place, key in enumerate(keys)
    )  # fmt: skip
    votes = (
        f"smoothed: σ {study.sigma:g}, M = {study.samples}, "
        f"{VOTE_WORDS.get(study.vote, study.vote)} votes"
    )
    return Facet(votes, series)


def _name(network: str, attack: str) -> str:
    words = {"pgd": "PGD on the plain network", "epgd": "EPGD on the smoothed one"}
    return f"{network} network, {words[attack]}"


def _spot(point: StrengthPoint, study: StrengthStudy) -> Spot:
    images = study.about.images
    accuracy, error = share(point.correct, images)
    hover = (
        f"{_name(point.network, point.attack)}<br>ε {point.eps:.4g}<br>"
        f"{accuracy_text(point.correct, images)}<br>{point.correct} of {images} images"
    )
    return Spot(point.eps, accuracy, 0.0, error, hover)


def _alt(facet: Facet, images: int) -> str:
    ends = [
        f"{s.name} from {s.spots[0].y:.0%} at {s.spots[0].x:.3g} to {s.spots[-1].y:.0%} at "
        f"{s.spots[-1].x:.3g}"
        for s in facet.series
    ]
    return f"Accuracy against attack radius of {images} images. {'; '.join(ends)}."
