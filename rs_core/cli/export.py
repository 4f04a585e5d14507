"""`rs export`: the model file of a training, finished or not, from its checkpoint."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from rs_core.cli.outputs import told
from rs_core.cli.training_words import FOLDER_SUFFIX
from rs_core.errors import CheckpointError
from rs_core.fields import check_params, param
from rs_core.models import save_model
from rs_core.models.weights import hold_file_name
from rs_core.results import to_json
from rs_core.training.checkpoints import load_checkpoint
from rs_core.training.exporting import trained_network


@dataclass(frozen=True, kw_only=True)
class ExportCommand:
    """Write NAME-ID.safetensors and NAME-ID.json of a training from the folder of its checkpoint.

    The weights are the running average of the last step that was kept; the json says how far the
    training had come.
    """

    leading: ClassVar[str] = "training"

    training: Path = field(metadata={"help": f"folder NAME{FOLDER_SUFFIX} that rs train made"})
    name: str | None = param(None, help="name of the model; by default the training's")
    out: Path | None = param(None, help="folder for the files; by default the training's parent")
    json: bool = param(False, help="print the model's facts as JSON")

    def __post_init__(self) -> None:
        check_params(self)
        if self.name is not None:
            hold_file_name(self.name)

    def run(self) -> int:
        """Read, write, print; the exit code."""
        saved = load_checkpoint(self.training)
        if saved is None:
            raise CheckpointError(
                f"there is no checkpoint in {self.training}: give the folder NAME{FOLDER_SUFFIX} "
                "that rs train made."
            )
        module, spec = trained_network(saved)
        name = self.name or self.training.resolve().name.removesuffix(FOLDER_SUFFIX)
        hold_file_name(name)
        out = self.out or self.training.resolve().parent
        with told(out):
            written = save_model(module, replace(spec, name=name), out)
        if self.json:
            print(json.dumps({"epochs_done": saved.epochs_done, "model": to_json(written)}))
            return 0
        state = "finished" if saved.is_finished else "not finished"
        print(
            f"wrote {out / written.weights} and its json, after {saved.epochs_done} whole epochs "
            f"({state}); use it with --model"
        )
        return 0
