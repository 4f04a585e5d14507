"""A finished attack as files, built when somebody asks for them."""

import io
import json
from dataclasses import asdict
from typing import Any

from rs_core.logs.adversarial_files import arrays_file, png_file
from rs_core.logs.attack import write_trial
from rs_core.logs.origin import Origin
from rs_core.results.attack_trial import AttackTrial
from rs_ui.runs.downloads import file_buttons, stem_of
from rs_ui.runs.session import Subject
from rs_ui.runs.status import Status


def download_attack(status: Status, trial: AttackTrial, subject: Subject) -> None:
    """Buttons for the 8-bit image, the float arrays, the table and the JSON."""
    file_buttons(
        f"rs-attack-{stem_of(subject.name)}",
        "download_attack_{}",
        ("PNG", "png", lambda: png_file(trial.results[0].stored)),
        ("npz", "npz", lambda: arrays_file(trial, [subject.pixels])),
        ("TSV", "tsv", lambda: tsv_text(trial)),
        ("JSON", "json", lambda: json_text(status.result, trial)),
    )


def json_text(result: dict[str, Any], trial: AttackTrial) -> str:
    """As `rs attack --json` prints it."""
    return json.dumps({**result, **asdict(Origin.of_page(trial.dataset))}, ensure_ascii=False)


def tsv_text(trial: AttackTrial) -> str:
    """The row of the image, as `rs attack --tsv` writes it."""
    out = io.StringIO()
    write_trial(out, trial, Origin.of_page(trial.dataset))
    return out.getvalue()
