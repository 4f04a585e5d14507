"""The image files of a folder: which there are, in which order, and how many are too many."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from rs_core.errors import ImageError
from rs_core.images.decoding import looks_like_image
from rs_core.images.loading import clean_name

MAX_FILES = 500
MAX_FOLDER_BYTES = 256 * 2**20


@dataclass(frozen=True)
class FolderListing:
    """What lies in a folder, in natural order: img2 before img10.

    Fields:
        name: the folder's, for people.
        files: image files; their content decides, not their extension.
        folders: its sub-folders.
        others: files of other kinds. Hidden ones are in none of the three.
    """

    name: str
    files: tuple[Path, ...]
    folders: tuple[Path, ...]
    others: tuple[Path, ...]

    def refuse_empty(self) -> NoReturn:
        """Say that there is no image.

        Raises:
            ImageError: always.
        """
        raise ImageError(f"{self.name} holds no PNG, JPEG, GIF, WebP, BMP or TIFF file.")


def folder_listing(folder: str | os.PathLike[str]) -> FolderListing:
    """What lies in a folder.

    Raises:
        ImageError: it cannot be read as a folder.
    """
    shown = clean_name(os.fspath(folder))
    try:
        entries = sorted(Path(folder).iterdir(), key=_natural)
        seen = [entry for entry in entries if entry.name[0] != "."]
        files = [entry for entry in seen if entry.is_file()]
        images = [file for file in files if looks_like_image(_head(file))]
        folders = tuple(entry for entry in seen if entry.is_dir())
    except (OSError, ValueError) as error:
        raise ImageError(f"{shown} cannot be read as a folder of images ({error}).") from None
    known = set(images)
    others = tuple(file for file in files if file not in known)
    return FolderListing(shown, tuple(images), folders, others)


def check_amount(files: Sequence[Path], shown: str) -> None:
    """Refuse more files than one call should take.

    Raises:
        ImageError: more than `MAX_FILES` of them, or more than `MAX_FOLDER_BYTES` in all.
    """
    if len(files) > MAX_FILES:
        raise ImageError(
            f"{shown} holds {len(files)} images, the limit is {MAX_FILES}: split the folder."
        )
    total = sum(file.stat().st_size for file in files)
    if total > MAX_FOLDER_BYTES:
        raise ImageError(
            f"{shown} holds {total / 2**20:.0f} MB of images, the limit is "
            f"{MAX_FOLDER_BYTES // 2**20} MB: shrink them or split the folder."
        )


def image_files(folder: str | os.PathLike[str]) -> list[Path]:
    """The image files of a folder in natural order; their content decides, not their extension.

    Hidden files, subfolders and files of other kinds are left out.

    Raises:
        ImageError: no folder, no image in it, more than `MAX_FILES` of them, or more than
            `MAX_FOLDER_BYTES` in all.
    """
    listing = folder_listing(folder)
    if not listing.files:
        listing.refuse_empty()
    check_amount(listing.files, listing.name)
    return list(listing.files)


def _natural(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    """Sorts numbers in names by their value, and alike names by their text."""
    parts = re.split(r"([0-9]+)", path.name)
    keys = [(1, int(p), "") if k % 2 else (0, 0, p) for k, p in enumerate(parts)]
    return keys, path.name


def _head(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(12)
