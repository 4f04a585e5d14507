"""Accuracy against noise strength: a plot per attack, a line per voting rule and M."""

from collections.abc import Sequence

import plotly.graph_objects as go

from rs_core.plots.study.facets import Facet, Series, Spot, facets_figure
from rs_core.plots.study.text import ACCURACY, NO_GUARANTEE, VOTE_WORDS, accuracy_text
from rs_core.plots.style import SIGMA_AXIS
from rs_core.results.study import NoisePoint, NoiseStudy, share


def noise_curve_figure(
    study: NoiseStudy,
    *,
    votes: Sequence[str] | None = None,
    samples: Sequence[int] | None = None,
) -> go.Figure:
    """Accuracy against sigma, attack by attack, with standard errors (SIAM, Figs. 1 to 3).

    Args:
        study: any points that are finished.
        votes: rules to draw; all by default.
        samples: numbers of copies to draw; all by default.
    """
    facets = _facets(study, votes, samples)
    return facets_figure(
        facets,
        title="Accuracy against noise strength",
        subtitle=NO_GUARANTEE,
        alt=_alt(facets, study.about.images),
        x=SIGMA_AXIS,
        y=ACCURACY,
    )


def _facets(
    study: NoiseStudy, votes: Sequence[str] | None, samples: Sequence[int] | None
) -> tuple[Facet, ...]:
    shown = [
        point
        for point in study.points
        if (votes is None or point.vote in votes) and (samples is None or point.samples in samples)
    ]
    keys = list(dict.fromkeys((point.vote, point.samples) for point in shown))
    facets = []
    for facts in study.attacks:
        own = [point for point in shown if point.attack == facts.name]
        series = tuple(
            Series(_name(*key), place, tuple(_spot(p, study) for p in own if _key(p) == key))
            for place, key in enumerate(keys)
        )
        if own:
            facets.append(Facet(facts.words(), tuple(s for s in series if s.spots)))
    return tuple(facets)


def _key(point: NoisePoint) -> tuple[str, int]:
    return point.vote, point.samples


def _name(vote: str, samples: int) -> str:
    return f"{VOTE_WORDS.get(vote, vote)}, M = {samples}"


def _spot(point: NoisePoint, study: NoiseStudy) -> Spot:
    images = study.about.images
    accuracy, error = share(point.correct, images)
    hover = (
        f"{_name(*_key(point))}<br>σ {point.sigma:.4g}<br>{accuracy_text(point.correct, images)}"
        f"<br>{point.correct} of {images} images"
    )
    return Spot(point.sigma, accuracy, 0.0, error, hover)


def _alt(facets: Sequence[Facet], images: int) -> str:
    said = [f"Accuracy against noise level of {images} images."]
    for facet in facets:
        ends = [
            f"{s.name} from {s.spots[0].y:.0%} at {s.spots[0].x:g} to {s.spots[-1].y:.0%} at "
            f"{s.spots[-1].x:g}"
            for s in facet.series[:6]
        ]
        said.append(f"{facet.title}: {'; '.join(ends)}.")
    return " ".join(said)
