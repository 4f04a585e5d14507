"""A table of seconds on data that come along: no paper's, it shows what the others do."""

from rs_core.papers.table import Certified, Choice, Exceeds, Row, Table, Training
from rs_core.papers.tables.protocols import QUICK, Settings

_SIGMA = 0.25
_SHORT: Settings = QUICK | {"sigma": _SIGMA, "epochs": 10, "batch_size": 64, "precision": "fp32"}
_GRID: Settings = {"sigma_min": 0.15, "sigma_max": 0.4, "interval": 0.05, "n": 100}


def _trained(recipe: str, **own: float) -> Training:
    return Training(Choice(recipe, _SHORT | own), "mlp", "digits")


_ONE, _AGREEING = _trained("gaussian"), _trained("consistency", noises=2, agreement=10.0)
_FIXED = Choice("fixed", {"sigma": _SIGMA})

TRIAL = (
    Table(
        name="trial",
        paper="RS Lab",
        title="Two trainings and a sigma per image on the bundled digits of 8x8 pixels",
        size="small",
        certified=Certified("digits", count=200, n=1_000),
        rows=(
            Row("gaussian", _ONE, _FIXED, Choice("global_sigma")),
            Row("consistency", _AGREEING, _FIXED, Choice("global_sigma")),
            Row("gaussian, sigma per image", _ONE, Choice("grid", _GRID), Choice("frozen")),
        ),
        claims=(
            Exceeds("consistency exceeds gaussian", "consistency", "gaussian"),
            Exceeds("a sigma per image pays", "gaussian, sigma per image", "gaussian"),
        ),
        notes=("no paper has this table: it shows in seconds what repeating one is like",),
    ),
)
