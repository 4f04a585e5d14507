"""`rs train`: train a small network on noisy images, and write its model file."""

import dataclasses
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, make_dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from rs_core.classifiers.devices import resolve_device
from rs_core.cli.choices import DataChoice, model_source
from rs_core.cli.flat import built, flat_class, named
from rs_core.cli.pictures import image_path
from rs_core.cli.progress import follow
from rs_core.cli.seeds import seed_line
from rs_core.cli.signals import interruptible
from rs_core.cli.terminal import told
from rs_core.cli.train_ends import labelled, resumable
from rs_core.cli.train_lines import beforehand, with_lines
from rs_core.cli.train_options import FOLDER_SUFFIX, RECORD, record, written_out
from rs_core.datasets import Dataset, load_dataset
from rs_core.errors import CheckpointError, ParameterError, UnknownNameError
from rs_core.fields import check_params, param
from rs_core.images import load_image
from rs_core.models import check_architecture, read_spec
from rs_core.models.weights import check_file_name, save_model
from rs_core.plots.text import tidy
from rs_core.results import ModelSpec, from_json, to_json
from rs_core.training import PRESETS, RECIPES, Probes, Recipe
from rs_core.training.checkpoints.files import (
    Checkpoint,
    check_nothing_unfinished,
    forget_checkpoint,
    load_checkpoint,
)
from rs_core.training.checkpoints.first_weights import continued_spec
from rs_core.training.checkpoints.lock import held_alone
from rs_core.training.checkpoints.sigma_file import save_sigmas

_WITH_WIDTHS = ("conv4", "conv4-cpni", "conv4-sigma")


@dataclass(frozen=True, kw_only=True)
class TrainCommand:
    """Train a network under Gaussian noise and write NAME-ID.safetensors and NAME-ID.json.

    A checkpoint is kept after every epoch and every minute; --resume NAME-checkpoint goes on from
    it with the settings of the training, bit for bit on a CPU.
    """

    settings: Any
    source: DataChoice = field(default_factory=DataChoice)
    recipe: str = param(
        "gaussian",
        help="what is minimised; each recipe has settings of its own (--recipe NAME --help)",
        choices=tuple(RECIPES),
    )
    preset: str | None = param(
        None, help=f"a paper's settings, before all others: {', '.join(PRESETS)}"
    )
    config: Path | None = param(
        None, help="JSON file of settings by name, before those of the command line"
    )
    architecture: str = param("conv4", help="network to train: see rs models")
    init: str | None = param(
        None,
        help="weights to begin with in place of random ones: shipped name, model file, or id of a "
        "finished training's run",
    )
    base: str | None = param(
        None,
        help="network whose radii teach, for the recipe dual_rs: shipped name, model file, or id "
        "of a finished training's run",
    )
    widths: tuple[int, ...] | None = param(
        None, help=f"channels of the four layers of {', '.join(_WITH_WIDTHS)}", low=1, high=4096
    )
    mean: tuple[float, ...] | None = param(
        None, help="subtracted from the pixels, per channel; measured on the data by default"
    )
    std: tuple[float, ...] | None = param(None, help="what they are then divided by", low=0)
    probes: tuple[str, ...] | None = field(
        default=None,
        metadata={"help": "up to eight images, files or samples, certified after every epoch"},
    )
    exclude: str | None = param(None, help="data set whose images are left out, by pixel hash")
    name: str = param("model", help="name of the trained model")
    out: Path = param(Path("runs"), help="folder for the model file and the checkpoint")
    resume: bool = param(
        False, help="go on from the checkpoint in --out, or from the folder named here"
    )
    seed: int | None = param(
        None,
        help="of the first weights, the order, the noise; 0 by default, drawn where --probes are "
        "certified",
        low=0,
    )
    device: str = param("auto", help="auto, cpu, cuda or cuda:N")
    threads: int | None = param(None, help="CPU threads; all by default", low=1, high=1024)
    json: bool = param(False, help="print the epochs and the model's facts as JSON")

    def __post_init__(self) -> None:
        check_params(self)
        check_file_name(self.name)
        _ = self.chosen  # what is out of its range is refused before anything else is done
        if self.chosen.needs_base != (self.base is not None):
            raise ParameterError(
                f"the recipe {self.recipe} learns from another network: name it, --base MODEL."
                if self.chosen.needs_base
                else f"--base does not apply to the recipe {self.recipe}: leave it out."
            )
        if self.widths is not None and self.architecture not in _WITH_WIDTHS:
            check_architecture(self.architecture)
            raise ParameterError(
                f"--widths does not apply to {self.architecture}: it is for "
                f"{', '.join(_WITH_WIDTHS)}, leave it out."
            )

    @classmethod
    def written_out(cls, arguments: Sequence[str]) -> list[str]:
        """The arguments with preset, config file and an old training's settings written out."""
        return written_out(cls, arguments)

    @classmethod
    def for_arguments(cls, arguments: Sequence[str]) -> type["TrainCommand"]:
        """This command with the settings of the recipe that the arguments name."""
        name = named(arguments, "--recipe") or "gaussian"
        if name not in RECIPES:
            raise UnknownNameError("recipe", name, RECIPES)
        flat = flat_class(RECIPES[name], arguments)
        return make_dataclass(
            cls.__name__, [("settings", flat, field(default_factory=flat))], bases=(cls,),
            frozen=True, kw_only=True, namespace={"__doc__": cls.__doc__},
        )  # fmt: skip

    @cached_property
    def chosen(self) -> Recipe:
        """The recipe with its settings.

        Raises:
            ParameterError: one is out of its range.
        """
        recipe: Recipe = built(RECIPES[self.recipe], self.settings)
        return recipe

    @property
    def certifies(self) -> bool:
        """Whether something is certified on a seed that is not settled yet."""
        return self.probes is not None and not self.resume

    def run(self) -> int:
        """Train, print, write; the exit code."""
        if self.threads is not None:
            torch.set_num_threads(self.threads)
        folder = self.out / f"{self.name}{FOLDER_SUFFIX}"
        saved = self._check_folder(folder)
        train, test = self._labelled(folder, saved)
        spec, init = self._begun(self._spec(train), saved)
        probes = self._probes(spec)
        stream = self.chosen.run(
            spec,
            train,
            seed=self.seed or 0,
            device=resolve_device(self.device),
            held_out=test,
            checkpoint=folder,
            resume=self.resume,
            probes=probes,
            init=init,
        )
        self._make_out(folder)
        noisy = self.chosen.sigma_range[1] > 0
        before = beforehand(self.chosen, train, test, probes, self.out)
        if probes is not None:
            before.append(seed_line())
        if saved is not None and saved.is_finished:
            before.append("this training was finished already: nothing is left to be learned")
        with resumable(folder):
            stream = interruptible(stream)
            told_of = stream if self.json else with_lines(stream, before, noisy=noisy)
            trained = follow(told_of, label=self.name)
        with told(self.out):
            written = save_model(trained.module, replace(trained.spec, name=self.name), self.out)
            assigned = save_sigmas(trained, self.out / str(written.weights))
        if self.json:
            print(json.dumps({"epochs": to_json(trained.history), "model": to_json(written)}))
        else:
            print(f"wrote {self.out / written.weights} and its json; use it with --model")
            if assigned is not None:
                print(f"wrote {assigned}, the sigma of every training image")
        return 0

    def _labelled(self, folder: Path, saved: Checkpoint | None) -> tuple[Dataset, Dataset | None]:
        """Both splits, labelled by the radii of --base where that is given."""
        train, test = self._splits()
        if self.base is None:
            return train, test
        self._make_out(folder)
        return labelled(
            self.chosen, self.base, train, test, seed=self.seed or 0, folder=folder,
            device=self.device, saved=saved, quiet=self.json,
        )  # fmt: skip

    def _check_folder(self, folder: Path) -> Checkpoint | None:
        """The checkpoint to go on from; refuse to overwrite a training, or to resume none."""
        if not self.resume:
            check_nothing_unfinished(folder)
            return None
        saved = load_checkpoint(folder)
        if saved is None:
            raise CheckpointError(
                f"there is no checkpoint in {folder}: correct --name or --out, or leave --resume "
                "out to start a training."
            )
        if saved.passed_over:
            print(
                f"rs train: {tidy(saved.passed_over)} Going on from the one before, after epoch "
                f"{saved.epochs_done}.",
                file=sys.stderr,
            )
        return saved

    def _begun(self, spec: ModelSpec, saved: Checkpoint | None) -> tuple[ModelSpec, str | None]:
        """(spec, first weights); what --init once gave a training, its checkpoint has."""
        init = None if self.init is None else model_source(self.init)
        if init is not None:
            return continued_spec(spec, read_spec(init)), init
        if saved is not None and "init" in saved.state["identity"]:
            spec = continued_spec(spec, from_json(ModelSpec, saved.state["spec"]))
        return spec, None

    def _make_out(self, folder: Path) -> None:
        """Make the folders; write down the settings, so that --resume needs no others."""
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ParameterError(
                f"--out {self.out} cannot be made a folder ({error.strerror}): name another one."
            ) from None
        with held_alone(folder), told(folder):
            if not self.resume and forget_checkpoint(folder):
                print(
                    f"rs train: {folder} of a finished training is replaced; the model file that "
                    "it wrote stays.",
                    file=sys.stderr,
                )
            if not (self.resume and (folder / RECORD).exists()):
                record(folder, self._options())

    def _options(self) -> dict[str, Any]:
        """Every setting by its option's name; paths in full."""
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        options = dataclasses.asdict(self.settings) | dataclasses.asdict(self.source) | own
        for name in ("settings", "source", "resume", "json", "preset", "config"):
            del options[name]
        for name in ("init", "base"):
            if options[name] is not None and Path(options[name]).exists():
                options[name] = str(Path(options[name]).resolve())
        if self.probes is not None:
            options["probes"] = [str(image_path(probe).resolve()) for probe in self.probes]
        paths = {k: str(v.resolve()) for k, v in options.items() if isinstance(v, Path)}
        return {k: v for k, v in (options | paths).items() if v is not None}

    def _probes(self, spec: ModelSpec) -> Probes | None:
        if self.probes is None:
            return None
        return Probes(images=tuple(load_image(image_path(p), spec) for p in self.probes))

    def _splits(self) -> tuple[Dataset, Dataset | None]:
        train = self.source.load_split("train")
        if self.exclude is not None:
            unseen = load_dataset(self.exclude, split="train", root=self.source.data)
            train = train.without(unseen.digests())
            if not len(train):
                raise ParameterError(f"--exclude {self.exclude} leaves no image to train on.")
        test = None if self.source.dataset == "mnist5k" else self.source.load_split("test")
        return train, test

    def _spec(self, train: Dataset) -> ModelSpec:
        height, width, channels = train.images.shape[1:]
        return ModelSpec(
            name=self.name,
            architecture=self.architecture,
            input_shape=(channels, height, width),
            class_names=train.class_names,
            options={} if self.widths is None else {"widths": list(self.widths)},
            mean=self.mean or (),
            std=self.std or (),
        )
