"""Papers' tables for the fake worker: two that are offered, and one that grows row by row."""

from dataclasses import replace
from typing import Any

from rs_core.results import to_json
from rs_core.results.paper import Published, RepeatedRow, RepeatedTable, Scores, Verdict
from rs_ui.client.worker import WorkerError

_SMALL = {"images": 200, "n": 1_000, "seeds": 1, "too_much": False, "notes": ["a note"]}
TABLES = [
    {
        "name": "pfat-table6", "paper": "PFAT", "title": "Regions", "rows": ["a", "b"],
        "claims": ["a exceeds b"], "missing": ["MNIST"], "fewest_images": 30,
        "sizes": {"small": _SMALL, "paper": _SMALL | {"too_much": True}},
    },
    {
        "name": "trial", "paper": "RS Lab", "title": "A trial", "rows": ["one", "two"],
        "claims": ["two exceeds one"], "missing": [], "fewest_images": 30,
        "sizes": {"small": _SMALL, "paper": _SMALL | {"too_much": True}},
    },
]  # fmt: skip
REFUSAL = "trial in its paper size can take 200,000,000 forward passes: the limit is 100,000,000."


def _scores(acr: float, badge: str) -> Scores:
    return Scores(0, "abcd1234", "fp32", badge, 200, 3, acr, acr, (1.0, 0.5), 0.3, 60.0, 3.0)


def _row(label: str, acr: float, badge: str) -> RepeatedRow:
    told = Published(
        "k", "PFAT", "T6", "MNIST", "<b>PFAT</b>", "0.50", ((0.0, 0.99),), 0.5, "l2",
        "10,000 test images", None, 100_000, None, "LeNet", False, "an odd one",
    )  # fmt: skip
    return RepeatedRow(
        label, "gaussian, 2 epochs", {}, "mlp", "fixed", {}, "global_sigma", 100, 1_000, 0.001,
        (_scores(acr, badge),), (told,),
    )  # fmt: skip


WHOLE = RepeatedTable(
    "trial", "RS Lab", "A trial", "small", "digits test", tuple(range(0, 400, 2)), 200, 7,
    (_row("one", 0.1, "A"), _row("two", 0.2, "C")), (),
    (Verdict("two exceeds one", "ACR of two minus that of one", ("C", "A"), 0.1, 0.01, 200, 1,
             "held", "one seed"),),
    ("<i>a note</i>",), True,
)  # fmt: skip
PART = replace(WHOLE, rows=WHOLE.rows[:1], verdicts=())


def price(config: dict[str, Any]) -> dict[str, Any]:
    """What the worker answers; the paper's size is refused."""
    if config["size"] == "paper":
        raise WorkerError(REFUSAL, "ParameterError")
    return {"words": f"2 trainings, at most {config['limit'] or 200} x 3,300 passes: about 9 s"}


def followed(job: str, run: dict[str, Any]) -> dict[str, Any]:
    """A run under way has one of its two rows."""
    finished = run["state"] == "finished"
    step = {
        "done": 10, "total": 1000, "phase": "two: fixed chooses sigma", "rows_done": 1, "rows": 2,
        "partial": to_json(PART), "kept": True,
    }  # fmt: skip
    return {
        "job": job, "state": run["state"], "done": 10, "total": 1000,
        "step": None if finished else run.get("step", step),
        "result": to_json(WHOLE) if finished else None, "error": run.get("error"),
        "seconds": 0.5, "about": run["about"], "questions": 0, "risk": 0.0, "at_least": False,
        "looks": 0,
    }  # fmt: skip
