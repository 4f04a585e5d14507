"""`rs export`: the model file of a training, finished or not."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from torch import nn

from rs_core.cli.terminal import told
from rs_core.cli.train_options import FOLDER_SUFFIX
from rs_core.durable import write_durably
from rs_core.errors import CheckpointError
from rs_core.fields import check_params, param
from rs_core.models import load_model, save_model
from rs_core.models.weights import check_file_name
from rs_core.plots.text import tidy
from rs_core.results import ModelSpec, to_json
from rs_core.store import checkpoint_of_run, model_of_run
from rs_core.training.checkpoints.export import assigned_sigmas, trained_network
from rs_core.training.checkpoints.files import load_checkpoint
from rs_core.training.checkpoints.sigma_file import sigma_file, write_sigmas


@dataclass(frozen=True, kw_only=True)
class ExportCommand:
    """Write NAME-ID.safetensors and NAME-ID.json of a training, finished or not.

    The weights are the running average of the last step that was kept; the json says how far the
    training had come.
    """

    leading: ClassVar[str] = "training"

    training: str = field(
        metadata={
            "help": f"folder NAME{FOLDER_SUFFIX} that rs train made, or the id of a training's "
            "run in the app"
        }
    )
    name: str | None = param(None, help="name of the model; by default the training's")
    out: Path | None = param(
        None, help="folder for the files; by default the training's parent, or runs for the app's"
    )
    json: bool = param(False, help="print the model's facts as JSON")

    def __post_init__(self) -> None:
        check_params(self)
        if self.name is not None:
            check_file_name(self.name)

    def run(self) -> int:
        """Read, write, print; the exit code."""
        module, spec, state = self._found()
        spec = replace(spec, name=self.name or spec.name)
        check_file_name(spec.name)
        out = self.out or self._beside
        with told(out):
            written = save_model(module, spec, out)
            self._copy_sigmas(out / str(written.weights), written.provenance)
        done = written.provenance["epochs_done"]
        if self.json:
            print(json.dumps({"epochs_done": done, "model": to_json(written)}))
            return 0
        epochs = "epoch" if done == 1 else "epochs"
        print(
            f"wrote {out / written.weights} and its json, after {done} whole {epochs} ({state}); "
            "use it with --model"
        )
        return 0

    def _copy_sigmas(self, weights: Path, provenance: Mapping[str, Any]) -> None:
        """Write the sigmas of the training's images beside the network, where they have any."""
        saved = load_checkpoint(self._folder)
        sigmas = None if saved is None else assigned_sigmas(saved)
        if sigmas is not None:
            write_sigmas(sigma_file(weights), sigmas, provenance["data_sha256"])
        elif saved is None and self._network is not None and sigma_file(self._network).exists():
            write_durably(sigma_file(weights), sigma_file(self._network).read_bytes())

    @property
    def _beside(self) -> Path:
        """The folder of a training's files; the store's own are not for people."""
        of_run = self._network is not None or self._folder != Path(self.training)
        return Path("runs") if of_run else self._folder.resolve().parent

    @property
    def _folder(self) -> Path:
        """Where the checkpoint lies, if there is one."""
        return checkpoint_of_run(self.training) or Path(self.training)

    @property
    def _network(self) -> Path | None:
        """The network of a run that is finished."""
        return model_of_run(self.training) if self._folder == Path(self.training) else None

    def _found(self) -> tuple[nn.Module, ModelSpec, str]:
        """The network, its description, whether its training is finished."""
        saved = load_checkpoint(self._folder)
        if saved is not None and saved.passed_over:
            print(
                f"rs export: {tidy(saved.passed_over)} These are the weights of the one before, "
                f"after epoch {saved.epochs_done}.",
                file=sys.stderr,
            )
        if saved is not None:
            return *trained_network(saved), "finished" if saved.is_finished else "not finished"
        if self._network is not None:
            return *load_model(self._network), "finished"
        raise CheckpointError(
            f"there is no checkpoint in {self.training}: give the folder NAME{FOLDER_SUFFIX} that "
            "rs train made, or the id of a training's run in the app."
        )
