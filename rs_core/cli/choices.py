"""The options that several commands share: which model, which data set."""

import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from rs_core.classifiers import Classifier, load_classifier
from rs_core.classifiers.devices import has_bf16
from rs_core.cli.train_options import FOLDER_SUFFIX
from rs_core.datasets import Dataset, load_archive, load_dataset
from rs_core.datasets.archives import SUFFIX
from rs_core.errors import ParameterError, RsError, WeightsNotFoundError
from rs_core.fields import check_params, param
from rs_core.models.weights import model_files
from rs_core.store import model_of_run

MODEL_HELP = (
    "shipped name, model file (.safetensors), id of a finished training's run in the app, or "
    "package.module:factory"
)


@dataclass(frozen=True, kw_only=True)
class MachineChoice:
    """On what networks run, and which noise they see."""

    device: str = param("auto", help="auto, cpu, cuda or cuda:N")
    precision: str = param(
        "auto",
        help="auto (bf16 where the hardware has it; a factory's module stays fp32), fp32 or bf16",
        choices=("auto", "fp32", "bf16"),
    )
    threads: int | None = param(None, help="CPU threads; all by default", low=1, high=1024)
    batch_size: int = param(1024, help="forward passes between two steps", low=1, high=1e6)
    seed: int | None = param(
        None, help="names the noise, the same one repeats the same draws; drawn by default", low=0
    )

    def __post_init__(self) -> None:
        check_params(self)

    @property
    def noise_seed(self) -> int:
        """The seed, which `with_seed` settled before the command runs."""
        assert self.seed is not None
        return self.seed

    def load_named(self, model: str) -> Classifier:
        """The classifier of that name or file; sets the process's thread count first."""
        if self.threads is not None:
            torch.set_num_threads(self.threads)
        source = model_source(model)
        found = load_classifier(source, device=self.device, precision=self.precision)
        if self.precision == "auto" and found.precision == "fp32" and has_bf16(found.device):
            print(
                "note: a factory's network stays in fp32, a file's would run in bf16 here: "
                "--precision fp32 or bf16 asks for either",
                file=sys.stderr,
            )
        return found


@dataclass(frozen=True, kw_only=True)
class ModelChoice(MachineChoice):
    """Which network runs, and on what."""

    model: str = param("mnist-conv4", help=MODEL_HELP)

    def load(self) -> Classifier:
        """The classifier; sets the process's thread count first."""
        return self.load_named(self.model)

    def files(self) -> tuple[Path, ...]:
        """The files that hold the network, as far as they are known before it is loaded."""
        return files_of(self.model)


def files_of(model: str) -> tuple[Path, ...]:
    """The files that hold a network, as far as they are known before it is loaded."""
    try:
        return model_files(model_source(model))
    except RsError:  # a factory, or a mistake that loading names
        return ()


def model_source(model: str) -> str:
    """What to load; a run's id becomes the path of its network, unless it names a file."""
    if model.endswith(FOLDER_SUFFIX) and Path(model).is_dir():
        raise ParameterError(
            f"{model} is the folder of a training: rs export {model} writes its model file."
        )
    try:
        model_files(model)
    except WeightsNotFoundError:
        return str(model_of_run(model) or model)
    except RsError:  # loading says it better
        return model
    return model


@dataclass(frozen=True, kw_only=True)
class DataChoice:
    """Which data set, and where it lies."""

    dataset: str | None = param(None, help="data set: see rs datasets; or your own, NAME.npz")
    data: Path | None = param(None, help="folder that holds the data set")
    download: bool = param(False, help="fetch the data set through torchvision if it is missing")
    jpeg: int | None = param(None, help="re-encode cifar10 as JPEG of this quality", low=1, high=95)

    def __post_init__(self) -> None:
        check_params(self)

    @property
    def archive(self) -> Path | None:
        """The npz file that holds the data set, where it is a person's own."""
        named = self.dataset or ""
        return Path(named) if named.endswith(SUFFIX) else None

    @property
    def set_name(self) -> str:
        """What the data set is called beside numbers, never a path; "" for none."""
        return self.archive.name if self.archive else self.dataset or ""

    def load_split(self, split: str | None, *, count: int | None = None) -> Dataset:
        """The chosen split; without one the test split, or all of an archive that has none.

        Args:
            count: only so many images, evenly spread; all by default.

        Raises:
            ParameterError: no data set was named, or an option that an archive has no use for.
            DataError: it is not where it was said to be.
        """
        if self.dataset is None:
            raise ParameterError("no data set: name one with --dataset (see rs datasets).")
        if self.archive is None:
            return load_dataset(
                self.dataset, split=split or "test", root=self.data, download=self.download,
                jpeg=self.jpeg, count=count,
            )  # fmt: skip
        idle = {"data": self.data, "jpeg": self.jpeg, "download": self.download or None}
        given = [f"--{name}" for name, value in idle.items() if value is not None]
        if given:
            raise ParameterError(
                f"{given[0]} does not apply to {self.set_name}, which holds its images: leave it "
                "out."
            )
        return load_archive(self.archive, split=split, count=count)


def say(text: str) -> None:
    """Print a remark for a person: on stderr, and only on a terminal."""
    if sys.stderr.isatty():
        print(text, file=sys.stderr)
