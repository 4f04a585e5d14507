"""The worker's description, kept on disk: forms are there before the worker has started."""

import os
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from rs_core.assets import asset_path
from rs_core.errors import DamagedError, DataError
from rs_core.store.documents import read_document, write_document
from rs_core.store.home import private_folder, reported, rs_home


@cache
def sources_digest() -> str:
    """16 hex digits of the engine's sources and the list of its weights and samples."""
    root = Path(__file__).resolve().parents[1]
    files = sorted(root.rglob("*.py"))
    for folder in ("samples", "weights"):
        try:
            files += sorted(asset_path(folder).glob("*.json"))
        except DataError:  # a checkout before its first weights
            continue
    digest = blake2b(digest_size=8)
    for file in files:
        raw = file.read_bytes()
        digest.update(f"{file.name}:{len(raw)}:".encode() + raw)
    return digest.hexdigest()


def read_description(home: Path | None = None) -> dict[str, Any] | None:
    """The description that a worker of exactly these sources left behind, or None."""
    try:
        found = read_document(_path(home), must_be_sealed=True).content
    except (OSError, DamagedError):
        return None
    return found if isinstance(found, dict) else None


def write_description(description: dict[str, Any], home: Path | None = None) -> None:
    """Keep a description; those of other sources are thrown away.

    Raises:
        StoreError: the disk refuses.
    """
    path = _path(home)
    private_folder(path.parent)
    with reported():
        write_document(path, description)
        for old in path.parent.glob("describe-*.json"):
            if old != path:
                old.unlink(missing_ok=True)


def _path(home: Path | None) -> Path:
    # What is on offer depends on this folder too.
    data = blake2b(os.environ.get("RS_DATA", "").encode("utf-8", "replace"), digest_size=4)
    name = f"describe-{sources_digest()}-{data.hexdigest()}.json"
    return (home or rs_home()) / "cache" / name
