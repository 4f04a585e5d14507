"""What the fake worker says of trainings: curves from a formula, no network."""

from typing import Any

from rs_core.results import ModelSpec, to_json
from rs_core.results.training import (
    Confusion,
    Course,
    Epoch,
    Probe,
    ProbePoint,
    SigmaSpread,
    TrainingOutcome,
)

DIGITS = tuple(str(k) for k in range(10))
TRAINED = "upload:5678"
NETWORKS = ["conv4", "mlp"]
SETS = [
    {"name": "mnist5k", "title": "MNIST 5k", "input_shape": [1, 28, 28], "class_names": DIGITS,
     "train": 4000, "held_out": 1000},
    {"name": "digits", "title": "Digits", "input_shape": [1, 8, 8], "class_names": DIGITS,
     "train": 1437, "held_out": 360},
]  # fmt: skip


def recipes(field: Any) -> dict[str, dict[str, Any]]:
    fields = [
        field("sigma", "float", 0.25, low=0, high=10, help="noise"),
        field("epochs", "int", 20, low=1, high=1000, help="passes over the training images"),
        field("batch_size", "int", 128, low=2, high=65536),
        field("drops", "floats", None, required=False, low=1),
    ]
    levels = field("levels", "int", 16, low=2, high=1000, help="largest variance")
    period = field("period", "int", None, required=False, low=1, high=100, help="epochs between")
    insta = {"about": "Variances that grow where they may.", "fields": [levels, period]}
    per_image = field("per_image", "one_of", None, required=False, help="a sigma of its own")
    fields.append(
        per_image | {"variants": {"insta": insta, "stored": {"about": "Kept.", "fields": []}}}
    )
    about = {"gaussian": "Noise of one fixed sigma.", "smoothadv": "Attacked points."}
    known = {
        name: {"about": text, "fields": fields, "needs_base": False} for name, text in about.items()
    }
    chosen = [field("sigmas", "floats", [0.25, 0.5, 1.0]), field("radius_n", "int", 100)]
    picker = {"about": "Learns who is surest.", "fields": fields + chosen, "needs_base": True}
    own = {"sigma": 0.0, "batch_size": 64}
    other = [{**f, "default": own.get(f["name"], f["default"])} for f in fields]
    macer = {"about": "Wider margins.", "fields": other, "needs_base": False}
    return known | {"macer": macer, "dual_rs": picker}


def course(config: dict[str, Any], done: int) -> Course:
    """The first epochs of a training; the second probe is taken for another class at first."""
    own = config["settings"].get("per_image")
    epochs = tuple(
        Epoch(
            k, 2.0 / k, 0.5, 1 - 0.5 / k, 1 - 0.6 / k, 0.1 / k, 1.5, 2000.0,
            *((_spread(k), 0.25) if own else ()),
        )
        for k in range(1, done + 1)
    )  # fmt: skip
    probes = tuple(
        Probe(image, f"image {image}", label, tuple(_point(e.epoch, row, label) for e in epochs))
        for row, (image, label) in enumerate(zip(config["probes"], config["labels"], strict=True))
    )  # fmt: skip
    settings = config["settings"]
    return Course(epochs, settings["epochs"], probes, settings["sigma"], 500, 1e-3)


def _spread(epoch: int) -> SigmaSpread:
    low, high = ((index, 0.25) for index in (5, 7)), ((index, 0.25 * epoch) for index in (9, 0))
    counts = (100 - epoch, 0, epoch, 0)
    return SigmaSpread(0.25, 1.0, counts, 0.25 + 0.01 * epoch, 2, tuple(low), tuple(high))


def _point(epoch: int, row: int, label: int | None) -> ProbePoint:
    said = (label or 0) if epoch > 1 or row != 1 else ((label or 0) + 1) % 10
    return ProbePoint(epoch, said, 0.1 * epoch / (row + 1), float("nan") if row else 0.4)


def step(config: dict[str, Any], done: int) -> dict[str, Any]:
    return {
        "done": 10 * done, "total": 1000, "phase": "training", "epoch": done + 1, "loss": 1.234,
        "images_per_second": 2000.0, "seconds_left": 90.0, "kept": False,
        "course": to_json(course(config, done)),
    }  # fmt: skip


def outcome(config: dict[str, Any]) -> TrainingOutcome:
    row = tuple(tuple(9 if i == j else int(j == 3) for j in range(10)) for i in range(10))
    shape = next(one["input_shape"] for one in SETS if one["name"] == config["dataset"])
    spec = ModelSpec("trained", config["architecture"], tuple(shape), DIGITS, weights="t.x")
    return TrainingOutcome(
        TRAINED, spec, course(config, config["settings"]["epochs"]), "1,000 images kept aside",
        (Confusion(0.0, row), Confusion(config["settings"]["sigma"], row)),
        "the budget of 1 minutes was spent" if config["minutes"] else "",
    )  # fmt: skip
