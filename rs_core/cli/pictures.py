"""Which images a command works on: one, a folder of them, or part of a data set."""

from dataclasses import dataclass, replace
from pathlib import Path

from rs_core.assets import sample_names, sample_path, samples
from rs_core.cli.choices import DataChoice
from rs_core.cli.folders import folder_images
from rs_core.cli.terminal import complain
from rs_core.datasets import DATASETS, Dataset
from rs_core.datasets.archives import SUFFIX
from rs_core.errors import ImageError, ParameterError, UnknownNameError
from rs_core.fields import param
from rs_core.images import ImageInput, check_amount, load_image
from rs_core.plots.text import tidy
from rs_core.results import ModelSpec

_MOST = 500
_INVERT = {"auto": None, "yes": True, "no": False}
_SHOWN_CLASSES = 3
_LONGEST_NAME = 80


@dataclass(frozen=True)
class Picked:
    """An image and its index: official in a data set, position in a folder."""

    index: int
    image: ImageInput


@dataclass(frozen=True)
class Selection:
    """The images of one command.

    Fields:
        items: at least one.
        single: one image was asked for, rather than a folder or a data set.
        notes: sentences about all of them that belong beside the numbers.
        unscored: why no accuracy can be told; empty where it can.
        unread: of each file of a folder that could not be read, the sentence that says why.
    """

    items: tuple[Picked, ...]
    single: bool
    notes: tuple[str, ...] = ()
    unscored: str = ""
    unread: tuple[str, ...] = ()

    def ended(self, command: str) -> int:
        """The command's exit code: 1 where a file could not be read, each named on stderr."""
        for sentence in self.unread:
            complain(command, f"left out: {sentence}")
        return 1 if self.unread else 0

    def check_whole(self, why: str) -> None:
        """Refuse to go on without the files that could not be read.

        Raises:
            ImageError: there are such files.
        """
        if self.unread:
            raise ImageError(f"{why}: {'; '.join(self.unread)}")

    @property
    def names(self) -> list[str]:
        """What to call each image."""
        return [item.image.name for item in self.items]

    def after(self, rows: int) -> "Selection":
        """The images behind the first ones, maybe none."""
        return replace(self, items=self.items[rows:])


@dataclass(frozen=True, kw_only=True)
class ImageChoice(DataChoice):
    """Which image, folder of images, or part of a data set."""

    image: str | None = param(
        None, help="image file, folder of images, or sample name; a fitting sample by default"
    )
    label: int | None = param(
        None, help="true class, for the column `correct`; none if unknown", low=0
    )
    labels: Path | None = param(
        None, help="CSV table of file names and true classes, for a folder; indices in a third"
    )
    invert: str = param(
        "auto",
        help="invert and centre a dark digit on bright paper; auto decides by the border",
        choices=tuple(_INVERT),
    )
    split: str | None = param(
        None, help="train or test; test by default", choices=("train", "test")
    )
    every: int | None = param(None, help="take every k-th image of a folder or data set", low=1)
    limit: int | None = param(
        None,
        help=f"take at most so many images of a folder or data set; {_MOST} by default",
        low=1,
    )

    @property
    def is_single(self) -> bool:
        """Whether one image was asked for, rather than a folder or a data set."""
        return self.dataset is None and not (self.image and Path(self.image).is_dir())

    def files(self) -> tuple[Path, ...]:
        """The image files, as far as they are known before they are read."""
        tables = () if self.labels is None else (self.labels,)
        if self.dataset is not None or not self.image:
            return (*tables, *filter(None, [self.archive]))
        if self.image in sample_names():
            return (sample_path(self.image),)
        path = Path(self.image)
        below = [*path.iterdir(), *path.glob("*/*")] if path.is_dir() else [path]
        return (*tables, *below)

    def load(self, spec: ModelSpec) -> Selection:
        """The images, sized for the network; at least one.

        Raises:
            ParameterError: an option that does not apply to what was chosen.
            ImageError, DataError: there are no such images.
        """
        self._check_options(spec)
        if self.dataset is not None:
            return self._from_dataset(spec)
        if not self.is_single:
            return self._from_folder(Path(self.image or ""), spec)
        if self.image is None or self.image in sample_names():
            image = self._sample(self.image or _fitting(spec), spec)
        else:
            image = load_image(
                image_path(self.image), spec, label=self.label, invert=_INVERT[self.invert]
            )
        return Selection((Picked(0, image),), single=True)

    def _check_options(self, spec: ModelSpec) -> None:
        """Refuse what would be ignored."""
        if self.image is not None and not self.image.strip():
            raise ParameterError(
                "--image is empty: name an image file, a folder or a sample, or leave it out."
            )
        if self.dataset is not None and self.image is not None:
            raise ParameterError("give either --image or --dataset, not both.")
        of_data = {"split": self.split, "data": self.data, "jpeg": self.jpeg}
        of_many = {"every": self.every, "limit": self.limit, "labels": self.labels}
        inverting = "yes" if self.invert == "yes" else None
        idle: dict[str, object] = {**of_data, "download": self.download or None}
        if self.dataset is not None:
            what = "a data set, which brings its labels and its pixels"
            idle = {"label": self.label, "labels": self.labels, "invert": inverting}
        elif self.is_single:
            what, idle = "one image", {**idle, **of_many}
        else:
            what = "a folder of images"
        if self.label is not None and self.labels is not None:
            raise ParameterError("give either --label or --labels, not both.")
        if str(self.image).endswith(SUFFIX):
            raise ParameterError(
                f"{tidy(Path(str(self.image)).name)} is an archive of images, not one: give it as "
                "--dataset."
            )
        given = [f"--{name}" for name, value in idle.items() if value is not None]
        if given:
            raise ParameterError(f"{given[0]} does not apply to {what}: leave it out.")
        if inverting and spec.input_shape[0] != 1:
            raise ParameterError(
                f"--invert yes does not apply to {tidy(spec.name)}, which sees colours: it is for "
                "networks of one grey channel."
            )

    def _from_folder(self, folder: Path, spec: ModelSpec) -> Selection:
        held = folder_images(folder, spec, label=self.label, labels=self.labels)
        chosen = held.images[:: self.every or 1][: self.limit or _MOST]
        check_amount([one.path for one in chosen], tidy(folder.name))
        images, unread = [], []
        for one in chosen:
            try:
                invert = _INVERT[self.invert]
                image = load_image(one.path, spec, label=one.label, invert=invert)
            except ImageError as error:
                unread.append(str(error))
                continue
            images.append(Picked(one.index, image))
        if not images:
            raise ImageError(f"none of {len(unread)} images of {tidy(folder.name)}: {unread[0]}")
        notes = (*held.notes, *self._part(len(chosen), len(held.images)))
        return Selection(tuple(images), single=False, notes=notes, unread=tuple(unread))

    def _from_dataset(self, spec: ModelSpec) -> Selection:
        data = self.load_split(self.split)
        rows = range(0, len(data), self.every or 1)[: self.limit or _MOST]
        unscored = "" if data.fits(spec) else _no_labels(data, spec)
        return Selection(
            tuple(Picked(int(data.indices[row]), data.image(row, spec)) for row in rows),
            single=False,
            notes=(*data.notes, *self._part(len(rows), len(data))),
            unscored=unscored,
        )

    def _part(self, taken: int, of: int) -> tuple[str, ...]:
        if taken == of:
            return ()
        which = "the first ones" if (self.every or 1) == 1 else f"every {self.every}-th"
        return (f"{taken:,} of {of:,} images, {which} (--every and --limit choose)",)

    def _sample(self, name: str, spec: ModelSpec) -> ImageInput:
        known = samples()[name].labels.get(_family(spec)) if self.label is None else self.label
        path, invert = sample_path(name), _INVERT[self.invert]
        return load_image(path, spec, label=known, name=name, invert=invert)


def image_path(text: str) -> Path:
    """The file that a name of a sample or a path means.

    Raises:
        UnknownNameError: it is no sample, and looks like no path of a file that is there.
    """
    if text in sample_names():
        return sample_path(text)
    path = Path(text)
    try:
        unknown = not path.suffix and path.name == text and not path.exists()
    except (OSError, ValueError):  # too long for the file system, or with a null byte
        unknown = True
    if unknown:
        raise UnknownNameError("image file or sample", text[:_LONGEST_NAME], sample_names())
    return path


def _no_labels(data: Dataset, spec: ModelSpec) -> str:
    theirs, ours = (
        ", ".join(tidy(name) for name in names[:_SHOWN_CLASSES])
        for names in (data.class_names, spec.class_names)
    )
    return (
        f"the classes of {data.name} ({theirs}, ...) are not those of {tidy(spec.name)} "
        f"({ours}, ...), so its labels are left out and there is no accuracy"
    )


def _fitting(spec: ModelSpec) -> str:
    """The first sample whose true class the network knows, or else the first of all."""
    return next(iter((*sample_names(_family(spec)), *sample_names())))


def _family(spec: ModelSpec) -> str:
    """The data set whose classes are the network's, "" for none."""
    same = (name for name, facts in DATASETS.items() if facts.class_names == spec.class_names)
    return "mnist" if spec.class_names == DATASETS["mnist"].class_names else next(same, "")
