"""What the fake worker says of selectors, data sets and comparisons."""

from typing import Any

from rs_core.results import RadiusCurve, Selection, to_json
from rs_core.results.comparison import Comparison, Method, method_scores

BADGES = {"global_sigma": "A", "frozen": "C", "grid_minimum": "A", "cascade": "A", "sukenik": "A"}
SETS = [
    {"name": "mnist5k", "title": "MNIST 5k", "size": 5000, "input_shape": [1, 28, 28], "note": "n"},
    {"name": "digits", "title": "Digits", "size": 1797, "input_shape": [1, 8, 8], "note": ""},
]
_NUMBERS: dict[str, dict[str, float]] = {
    "fixed": {"sigma": 0.25},
    "grid": {"sigma_min": 0.1, "sigma_max": 1.0, "interval": 0.1, "n": 1000},
    "greedy_grid": {"n": 1, "evaluations": 200},
    "gradient": {"steps": 100, "n": 1},
    "multistart": {"levels": 16, "m": 500},
    "knn": {"neighbours": 20},
}


def selectors(field: Any) -> dict[str, list[dict[str, Any]]]:
    """Forms: numbers alone, and the choice of knn's reference images."""
    forms = {
        name: [
            field(k, "int" if isinstance(v, int) else "float", v, low=0, high=1e6)
            for k, v in numbers.items()
        ]
        for name, numbers in _NUMBERS.items()
    }
    forms["knn"].append(field("dataset", "choice", "mnist5k", choices=["mnist5k", "digits"]))
    return forms


def guarantees() -> dict[str, dict[str, Any]]:
    return {name: {"badge": badge, "fields": []} for name, badge in BADGES.items()}


def comparison(about: dict[str, Any], certify: Any) -> Comparison:
    """Every method picks 0.25 or, a search, 0.5; the votes are the fake worker's formula."""
    config, ids = about["config"], about["image_ids"]
    methods = []
    for asked in config["methods"]:
        badge = BADGES[asked["guarantee"]]
        searched = asked["selector"] != "fixed"
        sigma = 0.5 if searched else asked["settings"]["sigma"]
        tried = ((0.25, 0.3), (0.5, 0.4)) if searched else ()
        picked = Selection(asked["selector"], sigma, tried, 200 if searched else 0)
        certificate = certify(sigma, config["alpha"], badge)
        methods.append(
            Method(
                asked["selector"], asked["settings"], asked["guarantee"], badge, "alpha = 0.001",
                (picked,) * len(ids), (certificate,) * len(ids), 1.0,
            )
        )  # fmt: skip
    rows = tuple(certify(s, config["alpha"], "A") for s in config["sigmas"])
    curves = (RadiusCurve(rows, config["alpha"], False),) * len(ids) if rows else ()
    return Comparison(
        about["dataset"], tuple(about["indices"]), tuple(f"image {i}" for i in ids),
        tuple(ids), tuple(about["labels"]), tuple(methods), curves,
    )  # fmt: skip


def step(whole: Comparison, count: int) -> dict[str, Any]:
    """A step of a run whose first methods are finished."""
    scores = [score._asdict() for score in method_scores(whole)[:count]]
    return {
        "done": 10, "total": 1000, "phase": "grid picks", "partial": {"methods": to_json(scores)},
    }  # fmt: skip
