"""A finished attack as files, built when somebody asks for them."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import streamlit as st

from rs_core.logs.adversarial_files import arrays_file, png_file
from rs_core.logs.attack import write_trial
from rs_core.logs.origin import Origin
from rs_core.results.attack_trial import AttackTrial
from rs_ui.runs.session import Subject
from rs_ui.runs.status import Status


def download_attack(status: Status, trial: AttackTrial, subject: Subject) -> None:
    """Buttons for the 8-bit image, the float arrays, the table and the JSON."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", subject.name).strip("-")[:40] or "image"
    result = trial.results[0]
    files: list[tuple[str, str, str, Callable[[], str | bytes]]] = [
        ("PNG", "png", "image/png", lambda: png_file(result.stored)),
        (
            "npz",
            "npz",
            "application/octet-stream",
            lambda: arrays_file(trial, [subject.pixels]),
        ),
        ("TSV", "tsv", "text/tab-separated-values", lambda: tsv_text(trial)),
        ("JSON", "json", "application/json", lambda: json_text(status.result, trial)),
    ]
    with st.container(horizontal=True):
        for label, ending, mime, build in files:
            st.download_button(
                label,
                data=build,
                file_name=f"rs-attack-{stem}.{ending}",
                mime=mime,
                key=f"download_attack_{ending}",
                on_click="ignore",
                icon=":material/download:",
            )


def json_text(result: dict[str, Any], trial: AttackTrial) -> str:
    """As `rs attack --json` prints it."""
    return json.dumps({**result, **asdict(Origin.of_page(trial.dataset))}, ensure_ascii=False)


def tsv_text(trial: AttackTrial) -> str:
    """The row of the image, as `rs attack --tsv` writes it."""
    out = io.StringIO()
    write_trial(out, trial, Origin.of_page(trial.dataset))
    return out.getvalue()
