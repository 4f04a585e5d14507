"""Which columns each tab-separated table has; readers find them by name, never by position."""

COHEN = ("idx", "label", "predict", "radius", "correct", "time")
# How a number was drawn, and of what: together with `weights` anybody can repeat a row from these.
DRAWN = ("bound", "level", "noise", "seed", "device")
ORIGIN = ("dataset", "split", "name", "image", "version", "command")
_SET = ("dataset", "split", "version", "command")  # of rows about many images at once

COLUMNS = (
    *COHEN,
    *("sigma", "alpha", "n0", "n", "counts", "guarantee", "weights", "precision"),
    *DRAWN,
    *ORIGIN,
)
COMPARISON_COLUMNS = (*COLUMNS, "certified_by", "settings", "selector")
PREDICTION_COLUMNS = (
    *("idx", "label", "predict", "correct", "time"),
    *("sigma", "alpha", "n", "p_value", "counts", "weights", "precision"),
    *("noise", "seed", "device"),
    *ORIGIN,
)
SANDWICH_COLUMNS = (
    *("idx", "name", "label", "predict", "lower", "sigma", "upper", "stored_upper", "confirmed"),
    *("hollow", "gap", "consistent", "pipeline_upper", "alpha", "alpha_attack", "joint_alpha"),
    *("n0", "n", "counts", "guarantee", "weights", "precision"),
    *DRAWN,
    *("dataset", "split", "image", "version", "command"),
)
ATTACK_COLUMNS = (
    "idx", "name", "label", "leave", "reach", "before", "after", "l2", "linf", "stored_l2",
    "stored_linf", "success", "confirmed", "stored_confirmed", "attack", "sigma", "n", "alpha",
    "confirmations", "passes", "seed", "notes", "weights", "precision", "settings", "selector",
    "selector_settings", "dataset", "split", "image", "version", "command",
)  # fmt: skip
# The last columns of a study's rows, and of a transfer matrix's.
STUDY_ORIGIN = ("seed", *_SET)
TRANSFER_COLUMNS = (
    *("source", "attack", "target", "rate", "clean_rate", "images", "alpha"),
    *("abstained", "clean_abstained"),
    *("source_weights", "target_weights", "seed", *_SET),
)
PAPER_RADII = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 3.5, 4.0)
PAPER_COLUMNS = (
    *("row", "source", "training_seed", "acr", *(f"r={radius:g}" for radius in PAPER_RADII)),
    *("mean_radius", "mean_sigma", "draws", "evaluated", "meeting", "guarantee_badge"),
    *("abstained", "images", "indices", "n0", "n", "alpha", "network", "trained", "weights"),
    *("precision", "selector", "settings", "guarantee", "seed", "dataset", "note"),
)
VERDICT_COLUMNS = (
    *("claim", "verdict", "compared", "difference", "margin", "images", "seeds", "badges"),
    "limits",
)
