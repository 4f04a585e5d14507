"""Where the files that come with the package lie, and the sample images among them."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from rs_core.errors import DataError, UnknownNameError


@dataclass(frozen=True)
class Sample:
    """One bundled picture.

    Fields:
        name: for command lines and select boxes.
        file: its name in assets/samples.
        title: for people.
        labels: family of class names ("mnist", "cifar10") -> the true class in it.
        licence: SPDX identifier or "Public domain"; origin and author are in SOURCES.md.
        author: whom to credit.
        index: position in MNIST's training images, None for photographs.
    """

    name: str
    file: str
    title: str
    labels: dict[str, int]
    licence: str
    author: str
    index: int | None = None


def asset_path(*parts: str) -> Path:
    """The path of a bundled file or folder, in a checkout or in an installed wheel.

    Args:
        parts: below assets/, e.g. "samples", "cat.jpg"; none for assets/ itself.

    Raises:
        DataError: it is not there, or the parts lead out of assets/.
    """
    root = _root()
    path = root.joinpath(*parts)
    if not path.resolve().is_relative_to(root.resolve()) or not path.exists():
        raise DataError(
            f"{'/'.join(parts)!r} is not among the files that come with RS Lab: check the name, "
            "or install the package again."
        )
    return path


def samples() -> dict[str, Sample]:
    """Every bundled sample image by name, in the order of samples.json.

    Raises:
        DataError: the package was installed without its assets.
    """
    listed = json.loads(asset_path("samples", "samples.json").read_text(encoding="utf-8"))
    return {entry["name"]: Sample(**entry) for entry in listed["samples"]}


def sample_names(family: str | None = None) -> tuple[str, ...]:
    """Names of the sample images, or of those that have a true class in that family."""
    return tuple(s.name for s in samples().values() if family is None or family in s.labels)


def sample_path(name: str) -> Path:
    """The file of a sample image.

    Raises:
        UnknownNameError: no sample has that name.
    """
    known = samples()
    if name not in known:
        raise UnknownNameError("sample image", name, known)
    return asset_path("samples", known[name].file)


def studies_path() -> Path:
    """The folder of the repeated tables that come along, a folder each.

    Raises:
        DataError: the package was installed without them.
    """
    return _root("docs/studies", "rs_lab_studies")


@cache
def _root(folder: str = "assets", package: str = "rs_lab_assets") -> Path:
    # A checkout comes first, so that an older installed wheel cannot shadow its files.
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / folder).is_dir():
        return checkout / folder
    spec = find_spec(package)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        if Path(location).is_dir():
            return Path(location)
    raise DataError("the files that come with RS Lab are missing: install the package again.")
