"""A table of seconds: an mlp on 8x8 digits, two ways of choosing sigma, two chunks of images."""

from dataclasses import replace

from rs_core.papers.table import Certified, Choice, Exceeds, Oracle, Row, Table, Training

TRAINING = Training(
    Choice("gaussian", {"sigma": 0.25, "epochs": 2, "precision": "fp32"}), "mlp", "digits", 400
)
GRID = {"sigma_min": 0.1, "sigma_max": 0.3, "interval": 0.1, "n": 20}
FIXED = Row(
    "fixed", TRAINING, Choice("fixed", {"sigma": 0.25}), Choice("global_sigma"),
    published=("pfat/t3/mnist/smoothadv/0.25",),
)  # fmt: skip
PICKED = Row(
    "picked", TRAINING, Choice("grid", GRID), Choice("frozen"),
    published=("pfat/t1/mnist/pfat/envelope",),
)  # fmt: skip
TINY = Table(
    name="tiny", paper="nobody", title="A tiny table", size="small",
    certified=Certified("digits", count=60, n=100),
    rows=(FIXED, PICKED),
    claims=(
        Exceeds("picking pays", "picked", "fixed"),
        Exceeds("picking costs", "picked", "fixed", metric="evaluated"),
    ),
    oracles=(Oracle("best of one", ("fixed",)),),
    seeds=2,
    notes=("tiny",),
)  # fmt: skip


def with_rows(*rows: Row) -> Table:
    """The tiny table with other rows, and no claims."""
    return replace(TINY, rows=rows, claims=(), oracles=())
