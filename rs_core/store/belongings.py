"""What an owner brought and asked: images, model files, questions, under that owner only."""

import os
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

from rs_core.durable import write_durably
from rs_core.errors import DamagedError, NotFoundError, StoreError
from rs_core.seeding import drawn_seed
from rs_core.store.documents import is_count, read_document, sealed, write_document
from rs_core.store.home import folder_bytes, private_folder, reported
from rs_core.store.limits.removal import Left, removed
from rs_core.store.questions import Asked, Questions

_ID = re.compile(r"[0-9a-f]{32}")
_WEIGHTS, _SPEC = "model.safetensors", "model.json"
_SIGMAS = "model.sigmas.npz"  # where `sigma_file` looks
SEED = "seed.json"
SEED_LIMIT = 2**53  # what every browser's numbers and every reader of JSON hold to the last digit
MOST_IMAGES, MOST_MODELS = 2000, 200  # of one owner: a folder is looked through at every upload


@dataclass(frozen=True)
class Item:
    """An image or a model: whose it is, its path, the time of its last use, its bytes."""

    owner: str
    path: Path
    used: float
    size: int


class Belongings:
    """The folders owners/<owner>/images and owners/<owner>/models below `home`.

    Owners are named as `owner_id` does.

    Args:
        home: folder of the run store.
        make_room: called with an owner and the bytes that are about to be kept for them; raises
            StoreError where they do not fit.
    """

    def __init__(
        self, home: Path, make_room: Callable[[str, int], None] = lambda owner, size: None
    ) -> None:
        self.root = home / "owners"
        self._make_room, self._questions = make_room, Questions()
        self._drawing = Lock()

    def keep_image(self, owner: str, image: str, facts: dict[str, Any]) -> None:
        """Keep what is known of an image under its id, 32 hex digits; the newest facts win.

        Of more than `MOST_IMAGES` the longest unused go.

        Raises:
            StoreError: the disk refuses, or what runs and uploads may take is full.
        """
        raw = sealed(facts)
        self._make_room(owner, len(raw))
        folder = private_folder(self._folder(owner) / "images")
        with reported():
            write_durably(folder / f"{image}.json", raw, private=True)
        self._hold_number(folder, MOST_IMAGES, spared=folder / f"{image}.json")

    def image(self, owner: str, image: str) -> dict[str, Any]:
        """What is known of an owner's image.

        Raises:
            NotFoundError: this owner has no such image.
            DamagedError: its file was changed or damaged.
        """
        path = self._folder(owner) / "images" / f"{image}.json"
        try:
            if not _ID.fullmatch(image):
                raise NotFoundError("image")
            facts = read_document(path).content
            os.utime(path)
        except FileNotFoundError:
            raise NotFoundError("image") from None
        except (OSError, DamagedError) as error:
            raise DamagedError(
                f"this image's file was changed or damaged on disk ({error}): choose the image "
                "again."
            ) from None
        if not isinstance(facts, dict):
            raise DamagedError(
                "this image's file was changed on disk and holds no image: choose it again."
            )
        return facts

    def keep_model(
        self, owner: str, weights: bytes, spec: bytes, sigmas: bytes = b""
    ) -> tuple[str, Path]:
        """(id, path of the weights) of model files, the same ones for the same bytes.

        Of more than `MOST_MODELS` the longest unused go. `sigmas` are those that its training gave
        its images, as a file beside it.

        Raises:
            StoreError: the disk refuses, or what runs and uploads may take is full.
        """
        model = sha256(sha256(weights).digest() + sha256(spec).digest()).hexdigest()[:32]
        self._make_room(owner, len(weights) + len(spec) + len(sigmas))
        folder = private_folder(self._folder(owner) / "models" / model)
        try:
            with reported():
                if sigmas:
                    write_durably(folder / _SIGMAS, sigmas, private=True)
                write_durably(folder / _WEIGHTS, weights, private=True)
                write_durably(folder / _SPEC, spec, private=True)
        except BaseException:  # half a model is none, and would take room for ever
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._hold_number(folder.parent, MOST_MODELS, spared=folder)
        return model, folder / _WEIGHTS

    def drop_model(self, owner: str, model: str) -> None:
        """Delete an owner's model, whatever is left of it.

        Raises:
            NotFoundError: this owner has no such model.
            StoreError: the files cannot be removed.
        """
        folder = self._folder(owner) / "models" / model
        if not _ID.fullmatch(model) or not folder.is_dir():
            raise NotFoundError("model")
        with reported():
            shutil.rmtree(folder)

    def model(self, owner: str, model: str) -> Path:
        """The weights file of an owner's model; its json lies beside it.

        Raises:
            NotFoundError: this owner has no such model.
        """
        path = self._folder(owner) / "models" / model / _WEIGHTS
        if not _ID.fullmatch(model) or not path.is_file():
            raise NotFoundError("model")
        os.utime(path.parent)
        return path

    def models(self, owner: str) -> list[str]:
        """The ids of an owner's models, the last used last."""
        found = [_item(path) for path in (self._folder(owner) / "models").glob("*")]
        items = sorted((item for item in found if item), key=lambda item: item.used)
        return [item.path.name for item in items if (item.path / _SPEC).is_file()]

    def seed(self, owner: str) -> int:
        """The seed of this owner's noise: drawn once, and anew after everything was deleted.

        Where the disk refuses to keep it, it lasts as long as whoever asked remembers it.
        """
        path = self._folder(owner) / SEED
        with self._drawing:
            try:
                found = read_document(path).content
                if is_count(found) and found < SEED_LIMIT:
                    return int(found)
            except (OSError, DamagedError):
                pass  # nobody can say what it was
            seed = drawn_seed(SEED_LIMIT)
            with suppress(StoreError), reported():
                write_document(private_folder(path.parent) / SEED, seed)
            return seed

    def note_question(
        self,
        owner: str,
        subjects: Sequence[str],
        key: str,
        count: int,
        risk: float,
        looks: Sequence[str] = (),
    ) -> None:
        """Count what this owner asks of each subject, with the risk that the answers take.

        Args:
            subjects: an image and a network each.
            key: of the content: what was asked before is not counted again.
            count: statements that the answer makes of each subject.
            risk: of these statements together.
            looks: noise levels whose radii the answer shows; see `Asked`.
        """
        self._questions.note(self._folder(owner), Asked(subjects, key, count, risk, looks))

    def questions(self, owner: str, subjects: Sequence[str]) -> tuple[int, float]:
        """(how many questions this owner has asked of a subject, the sum of their risks).

        Each the largest among the subjects; both are "at least" where the count `is_lost`.
        """
        return self._questions.of(self._folder(owner), subjects)

    def looks(self, owner: str, subjects: Sequence[str]) -> int:
        """At how many noise levels this owner saw radii of a subject, the most among them."""
        return self._questions.looks(self._folder(owner), subjects)

    def is_counted(self, owner: str, subjects: Sequence[str]) -> bool:
        """Whether this owner's count knows a question of each subject."""
        return self._questions.knows(self._folder(owner), subjects)

    def count_is_lost(self, owner: str) -> bool:
        """Whether this owner's count was lost once: what is counted since is a lower bound."""
        return self._questions.is_lost(self._folder(owner))

    def recount(self, owner: str, asked: Callable[[], Iterable[Asked]], *, gone: bool) -> None:
        """Count again what is still known, where a count was lost and this was not done yet.

        Args:
            owner: whose count.
            asked: what is still known; called only where it is needed.
            gone: whether the caller knows of a question that is not counted.

        Raises:
            StoreError: the disk refuses.
        """
        folder = self._folder(owner)
        if gone and not self._questions.is_lost(folder):
            self._questions.lose(folder)
        if gone or self._questions.is_to_be_recounted(folder):
            self._questions.recount(folder, asked())

    def delete_owner(self, owner: str) -> list[Left]:
        """Delete everything that this owner brought; what could not be deleted."""
        return removed(self._folder(owner))

    def items(self) -> list[Item]:
        """Every image and model, the longest unused first."""
        found = [*self.root.glob("*/images/*.json"), *self.root.glob("*/models/*")]
        items = [_item(path) for path in found]
        return sorted((item for item in items if item is not None), key=lambda item: item.used)

    def size(self) -> int:
        """Bytes of everything that was brought."""
        return folder_bytes(self.root)

    def sizes(self) -> dict[str, int]:
        """Bytes of what each owner brought."""
        folders = self.root.iterdir() if self.root.is_dir() else ()
        return {folder.name: folder_bytes(folder) for folder in folders}

    def delete(self, item: Item) -> list[Left]:
        """Delete one image or model; what could not be deleted."""
        return removed(item.path)

    def _hold_number(self, folder: Path, most: int, *, spared: Path) -> None:
        """Delete the longest unused of an owner's images or models until `most` are left."""
        paths = [path for path in folder.iterdir() if not path.name.startswith(".")]
        if len(paths) <= most:
            return
        found = [item for item in map(_item, paths) if item is not None and item.path != spared]
        for item in sorted(found, key=lambda item: item.used)[: len(paths) - most]:
            self.delete(item)

    def _folder(self, owner: str) -> Path:
        if not _ID.fullmatch(owner):  # never a path
            raise NotFoundError("owner")
        return self.root / owner


def _item(path: Path) -> Item | None:
    try:
        size = folder_bytes(path) if path.is_dir() else path.stat().st_size
        return Item(path.parents[1].name, path, path.stat().st_mtime, size)
    except FileNotFoundError:  # its owner deleted it meanwhile
        return None
