"""The options that several commands share: which image, which model, where results go."""

import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from rs_core.assets import sample_names, sample_path, samples
from rs_core.classifiers import Classifier, load_classifier
from rs_core.datasets import DATASETS, Dataset, load_dataset
from rs_core.errors import ParameterError
from rs_core.fields import check_params, param
from rs_core.images import ImageInput, image_files, load_image
from rs_core.results import ModelSpec


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """Which network runs, and on what."""

    model: str = param(
        "mnist-conv4", help="shipped name, model file (.safetensors) or package.module:factory"
    )
    device: str = param("auto", help="auto, cpu, cuda or cuda:N")
    precision: str = param("auto", help="auto, fp32 or bf16", choices=("auto", "fp32", "bf16"))
    threads: int | None = param(None, help="CPU threads; all by default", low=1, high=1024)
    batch_size: int = param(1024, help="forward passes between two steps", low=1, high=1e6)
    seed: int = param(0, help="names the noise; the same seed repeats the same draws", low=0)

    def __post_init__(self) -> None:
        check_params(self)

    def load(self) -> Classifier:
        """The classifier; sets the process's thread count first."""
        if self.threads is not None:
            torch.set_num_threads(self.threads)
        return load_classifier(self.model, device=self.device, precision=self.precision)


@dataclass(frozen=True)
class Picked:
    """An image and its index: official in a data set, position in a folder."""

    index: int
    image: ImageInput


@dataclass(frozen=True, kw_only=True)
class DataChoice:
    """Which data set, and where it lies."""

    dataset: str | None = param(None, help="data set: see rs datasets")
    data: Path | None = param(None, help="folder that holds the data set")
    download: bool = param(False, help="fetch the data set through torchvision if it is missing")
    jpeg: int | None = param(None, help="re-encode cifar10 as JPEG of this quality", low=1, high=95)

    def __post_init__(self) -> None:
        check_params(self)

    def load_split(self, split: str) -> Dataset:
        """The chosen split.

        Raises:
            ParameterError: no data set was named.
            DataError: it is not where it was said to be.
        """
        if self.dataset is None:
            raise ParameterError("no data set: name one with --dataset (see rs datasets).")
        return load_dataset(
            self.dataset, split=split, root=self.data, download=self.download, jpeg=self.jpeg
        )


@dataclass(frozen=True, kw_only=True)
class ImageChoice(DataChoice):
    """Which image, folder of images, or part of a data set."""

    image: str | None = param(
        None, help="image file, folder of images, or sample name; a fitting sample by default"
    )
    label: int | None = param(
        None, help="true class, for the column `correct`; none if unknown", low=0
    )
    split: str = param("test", help="train or test", choices=("train", "test"))
    every: int = param(1, help="take every k-th image of the data set", low=1)
    limit: int = param(500, help="take at most so many images of the data set", low=1)

    @property
    def is_single(self) -> bool:
        """Whether one image was asked for, rather than a folder or a data set."""
        return self.dataset is None and not (self.image and Path(self.image).is_dir())

    def load(self, spec: ModelSpec) -> list[Picked]:
        """The images, sized for the network; at least one."""
        if self.dataset is not None:
            return self._from_dataset(spec)
        if self.image is None:
            return [Picked(0, _sample(_fitting(spec), spec, self.label))]
        if self.image in sample_names():
            return [Picked(0, _sample(self.image, spec, self.label))]
        path = Path(self.image)
        files = image_files(path) if path.is_dir() else [path]
        images = [load_image(file, spec, label=self.label) for file in files]
        return [Picked(i, image) for i, image in enumerate(images)]

    def _from_dataset(self, spec: ModelSpec) -> list[Picked]:
        if self.image is not None:
            raise ParameterError("give either --image or --dataset, not both.")
        data = self.load_split(self.split)
        chosen = range(0, len(data), self.every)[: self.limit]
        return [Picked(int(data.indices[row]), data.image(row, spec)) for row in chosen]


@dataclass(frozen=True, kw_only=True)
class Output:
    """Where results go besides the terminal."""

    json: bool = param(False, help="print the result as JSON, under its Python field names")
    tsv: Path | None = param(None, help="write Cohen's columns, then ours, to this file")
    html: Path | None = param(None, help="write a self-contained report with the figure")

    def check(self) -> None:
        """Refuse a file that could not be written, before anything is computed.

        Raises:
            ParameterError: the folder does not exist, or the path is a folder.
        """
        for path in (self.tsv, self.html):
            if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
                raise ParameterError(f"cannot write {path}: name a file in a folder that exists.")


def _fitting(spec: ModelSpec) -> str:
    """The first sample whose true class the network knows, or else the first of all."""
    return next(iter((*sample_names(_family(spec)), *sample_names())))


def _sample(name: str, spec: ModelSpec, label: int | None) -> ImageInput:
    known = samples()[name].labels.get(_family(spec))
    return load_image(sample_path(name), spec, label=known if label is None else label, name=name)


def _family(spec: ModelSpec) -> str:
    """The data set whose classes are the network's, "" for none."""
    same = (name for name, facts in DATASETS.items() if facts.class_names == spec.class_names)
    return "mnist" if spec.class_names == DATASETS["mnist"].class_names else next(same, "")


def say(text: str) -> None:
    """Print a remark for a person: on stderr, and only on a terminal."""
    if sys.stderr.isatty():
        print(text, file=sys.stderr)
