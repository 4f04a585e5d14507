"""The images of a folder, with the labels that sub-folders or a table of names give them."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rs_core.errors import DataError, ParameterError
from rs_core.images import FolderListing, folder_listing
from rs_core.plots.text import tidy
from rs_core.results import ModelSpec

_CAP = 16 * 2**20  # bytes of a table of names and labels
_HEADER = ({"name", "file", "filename", "image"}, {"label", "class"}, {"idx", "index"})
_SHOWN = 3


@dataclass(frozen=True)
class FolderImage:
    """One image file: its index (position in the folder, or the table's), path and true class."""

    index: int
    path: Path
    label: int | None


@dataclass(frozen=True)
class FolderImages:
    """What a folder holds.

    Fields:
        images: in natural order, img2 before img10.
        notes: what was left out, and what the labels rest on.
    """

    images: tuple[FolderImage, ...]
    notes: tuple[str, ...]


def folder_images(
    folder: Path, spec: ModelSpec, *, label: int | None, labels: Path | None
) -> FolderImages:
    """The image files of a folder; of one without any, those of its sub-folders.

    Sub-folders are classes, by name or number. A table of names and labels goes before them.

    Raises:
        ImageError: no such folder, or no image in it.
        ParameterError: a sub-folder or a label that is no class of the network, or `label` beside
            sub-folders.
        DataError: the table cannot be read.
    """
    listing = folder_listing(folder)
    parts = [(None, listing)] if listing.files or not listing.folders else _parts(listing)
    notes = list(_left_out(folder, listing, parts))
    files = [(name, file) for name, part in parts for file in part.files]
    if not files:
        listing.refuse_empty()
    if labels is not None:
        table = LabelTable.read(labels, spec)
        images = [table.image(k, file, folder) for k, (_, file) in enumerate(files)]
        notes += table.notes(folder, images)
        return FolderImages(_each_once(images, labels), tuple(notes))
    classes = {name: label if name is None else class_of(name, spec) for name, _ in parts}
    unknown = [name for name, found in classes.items() if name is not None and found is None]
    if unknown:
        raise ParameterError(
            f"sub-folder {tidy(unknown[0])} of {tidy(folder.name)} is no class of "
            f"{tidy(spec.name)} ({_some(spec.class_names)}): name sub-folders by class or by its "
            "number, or give --labels with a table of names and labels."
        )
    if label is not None and parts[0][0] is not None:
        raise ParameterError("--label does not apply to sub-folders, which are classes themselves.")
    if parts[0][0] is not None:
        notes.append(f"labels are those of {len(parts)} sub-folders, one per class")
    return FolderImages(
        tuple(FolderImage(k, file, classes[name]) for k, (name, file) in enumerate(files)),
        tuple(notes),
    )


def class_of(text: str, spec: ModelSpec) -> int | None:
    """The class that a name or a number means; None for none.

    Raises:
        ParameterError: it is the name of one class and the number of another.
    """
    wanted = _plain(text)
    named = [k for k, name in enumerate(spec.class_names) if _plain(name) == wanted]
    numbered = int(wanted) if wanted.isdecimal() and len(wanted) < 10 else -1
    if 0 <= numbered < len(spec.class_names) and numbered not in named:
        named.append(numbered)
    if len(named) > 1:
        raise ParameterError(
            f"{tidy(text)!r} may be class {named[0]} or {named[1]} of {tidy(spec.name)}: use names "
            "that are no other class's number."
        )
    return named[0] if named else None


@dataclass(frozen=True)
class LabelTable:
    """Names of files with their labels, and with their indices where it has a third column."""

    path: Path
    rows: dict[str, tuple[int, int | None]]

    @classmethod
    def read(cls, path: Path, spec: ModelSpec) -> "LabelTable":
        """The table of a CSV or TSV file: name, label and, if there, index; a header is optional.

        Raises:
            DataError: it cannot be read, a line is malformed, or a name occurs twice.
            ParameterError: a label is no class of the network.
        """
        lines = _lines(path)
        columns = [0, 1, 2]
        first = [cell.strip().casefold() for cell in lines[0]] if lines else []
        if any(first[:1] == [name] or name in first for name in _HEADER[0]):
            found = [next((k for k, c in enumerate(first) if c in names), -1) for names in _HEADER]
            if -1 in found[:2]:
                raise DataError(f"{path.name}: the header needs the columns name and label.")
            columns, lines = found, lines[1:]
        rows: dict[str, tuple[int, int | None]] = {}
        for number, cells in enumerate(lines, start=1):
            name, label, index = _row(cells, columns, path, number)
            known = class_of(label, spec)
            if known is None:
                raise ParameterError(
                    f"{path.name}, row {number}: {tidy(label)!r} is no class of "
                    f"{tidy(spec.name)} ({_some(spec.class_names)})."
                )
            if name in rows:
                raise DataError(f"{path.name} has {tidy(name)} twice: give each file one label.")
            rows[name] = (known, index)
        return cls(path, rows)

    def image(self, position: int, file: Path, folder: Path) -> FolderImage:
        """The file with its label and index; its position where the table has none."""
        for name in (file.relative_to(folder).as_posix(), file.name):
            if name in self.rows:
                label, index = self.rows[name]
                return FolderImage(position if index is None else index, file, label)
        return FolderImage(position, file, None)

    def notes(self, folder: Path, images: Sequence[FolderImage]) -> Iterator[str]:
        """Which names and which files have no partner."""
        missing = sum(image.label is None for image in images)
        if missing:
            yield f"{self.path.name} has no label for {missing} of {len(images)} images"
        there = {
            name
            for image in images
            for name in (image.path.relative_to(folder).as_posix(), image.path.name)
        }
        absent = [name for name in self.rows if name not in there]
        if absent:
            yield (
                f"{len(absent)} names of {self.path.name} are not in {tidy(folder.name)}: "
                f"{_some(absent)}"
            )


def _lines(path: Path) -> list[list[str]]:
    try:
        if path.stat().st_size > _CAP:
            raise DataError(f"{path.name} is larger than {_CAP // 2**20} MB: no table of labels.")
        text = path.read_text(encoding="utf-8-sig")
        separator = next((mark for mark in "\t;," if mark in text.partition("\n")[0]), ",")
        lines = [row for row in csv.reader(text.splitlines(), delimiter=separator) if row]
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(
            f"{tidy(str(path))} cannot be read ({error}): give a CSV file of names and labels."
        ) from None
    if not lines:
        raise DataError(f"{path.name} is empty: give a CSV file of names and labels.")
    return lines


def _row(
    cells: list[str], columns: Sequence[int], path: Path, number: int
) -> tuple[str, str, int | None]:
    """(name, label, index) of a line."""
    if len(cells) <= max(columns[:2]):
        raise DataError(f"{path.name}, row {number}: give a name and a label.")
    name, label = (cells[k].strip() for k in columns[:2])
    text = cells[columns[2]].strip() if 0 <= columns[2] < len(cells) else ""
    if text and not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise DataError(f"{path.name}, row {number}: {tidy(text)!r} is no index from 0 up.")
    return name.removeprefix("./"), label, int(text) if text else None


def _each_once(images: Sequence[FolderImage], labels: Path) -> tuple[FolderImage, ...]:
    """The images, if no two have one index: a log counts by it."""
    seen: dict[int, str] = {}
    for image in images:
        if image.index in seen:
            raise DataError(
                f"{labels.name} gives the index {image.index} to {tidy(seen[image.index])} and "
                f"{tidy(image.path.name)}: give each image of the folder its own."
            )
        seen[image.index] = image.path.name
    return tuple(images)


def _parts(listing: FolderListing) -> list[tuple[str | None, FolderListing]]:
    """The sub-folders that hold images."""
    parts = [(folder.name, folder_listing(folder)) for folder in listing.folders]
    return [(name, part) for name, part in parts if part.files] or [(None, listing)]


def _left_out(
    folder: Path, listing: FolderListing, parts: Sequence[tuple[str | None, FolderListing]]
) -> Iterator[str]:
    """Which files and sub-folders hold no image, and were left out."""
    others = [*listing.others, *(other for name, part in parts if name for other in part.others)]
    if others:
        names = [other.name for other in others]
        files = "1 file is" if len(names) == 1 else f"{len(names)} files are"
        yield f"{files} no image and left out: {_some(names)}"
    used = {name for name, _ in parts}
    idle = [sub.name for sub in listing.folders if sub.name not in used]
    if idle:
        yield f"sub-folders of {tidy(folder.name)} that are left out: {_some(idle)}"


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("_", " ").split())


def _some(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > _SHOWN else ""
    return ", ".join(tidy(name) for name in names[:_SHOWN]) + more
