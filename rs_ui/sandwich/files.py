"""A finished strip of sandwiches as files, built when somebody asks for them."""

import io
import json
from dataclasses import asdict

import numpy as np

from rs_core.logs.origin import Origin
from rs_core.logs.sandwich import write_sandwiches
from rs_core.plots import sandwich_report
from rs_core.plots.text import network_text
from rs_core.results import ModelSpec, to_json
from rs_core.results.crossings import crossing_report
from rs_core.results.sandwich import SandwichStrip
from rs_ui.runs.downloads import file_buttons
from rs_ui.runs.status import Status


def download_sandwich(status: Status, strip: SandwichStrip, spec: ModelSpec) -> None:
    """Buttons for the TSV, the JSON, a report and the adversarial images."""
    file_buttons(
        "rs-sandwich",
        "download_sandwich_{}",
        ("TSV", "tsv", lambda: tsv_text(strip)),
        ("JSON", "json", lambda: json_text(strip)),
        ("Report", "html", lambda: report_text(status, strip, spec)),
        ("Images", "npz", lambda: npz_bytes(strip)),
    )


def json_text(strip: SandwichStrip) -> str:
    """As `rs sandwich --json` prints it: the strip, and what a bug report needs if ends cross."""
    more = {"crossing_report": crossing_report(strip)} if strip.crossings else {}
    origin = Origin.of_page(strip.dataset)
    return json.dumps({**to_json(strip), **asdict(origin), **more}, ensure_ascii=False)


def tsv_text(strip: SandwichStrip) -> str:
    """A row per image, both ends."""
    out = io.StringIO()
    write_sandwiches(out, strip, Origin.of_page(strip.dataset))
    return out.getvalue()


def report_text(status: Status, strip: SandwichStrip, spec: ModelSpec) -> str:
    """A self-contained HTML report."""
    about = status.about
    return sandwich_report(
        strip,
        class_names=spec.class_names,
        notes=[f"Network: {network_text(spec)}."],
        settings={name: about[name] for name in ("model", "seed", "device", "config")},
    )


def npz_bytes(strip: SandwichStrip) -> bytes:
    """The adversarial images, float32 (N, C, H, W), with what is known of each; no pickle in it.

    `frozen` and `pipeline` hold the images, `..._index` their places in the strip and
    `..._confirmed` whether fresh noise confirmed them.
    """
    held: dict[str, np.ndarray] = {"names": np.array([s.name for s in strip.sandwiches], dtype=str)}
    for row, attacks in (
        ("frozen", [s.attack for s in strip.sandwiches]),
        ("pipeline", [s.pipeline for s in strip.sandwiches]),
    ):
        found = [
            (i, a) for i, a in enumerate(attacks) if a is not None and (a.success or a.confirmed)
        ]
        if found:
            held[row] = np.stack([a.adversarial for _, a in found])
            held[f"{row}_index"] = np.array([i for i, _ in found])
            held[f"{row}_confirmed"] = np.array([bool(a.confirmed) for _, a in found])
            held[f"{row}_l2"] = np.array([a.l2 for _, a in found])
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **held)
    return out.getvalue()
