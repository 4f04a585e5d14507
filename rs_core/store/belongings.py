"""What an owner brought and asked: images, model files, questions, under that owner only."""

import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

from rs_core.durable import write_durably
from rs_core.errors import NotFoundError
from rs_core.statistics import add_risks
from rs_core.store.home import folder_bytes, private_folder, reported

_ID = re.compile(r"[0-9a-f]{32}")
_WEIGHTS, _SPEC, _QUESTIONS = "model.safetensors", "model.json", "questions.json"
Noted = float | list[float]  # the risk of one question, or [how many, their risk together]


@dataclass(frozen=True)
class Item:
    """An image or a model: its path, the time of its last use, its bytes."""

    path: Path
    used: float
    size: int


class Belongings:
    """The folders owners/<owner>/images and owners/<owner>/models below `home`.

    Owners are named as `owner_id` does.
    """

    def __init__(self, home: Path) -> None:
        self.root = home / "owners"
        self._counting = Lock()

    def keep_image(self, owner: str, image: str, facts: dict[str, Any]) -> None:
        """Keep what is known of an image under its id, 32 hex digits; the newest facts win."""
        folder = private_folder(self._folder(owner) / "images")
        with reported():
            write_durably(folder / f"{image}.json", json.dumps(facts).encode())

    def image(self, owner: str, image: str) -> dict[str, Any]:
        """What is known of an owner's image.

        Raises:
            NotFoundError: this owner has no such image.
        """
        path = self._folder(owner) / "images" / f"{image}.json"
        try:
            if not _ID.fullmatch(image):
                raise NotFoundError("image")
            facts: dict[str, Any] = json.loads(path.read_bytes())
            os.utime(path)
        except (OSError, ValueError):
            raise NotFoundError("image") from None
        return facts

    def keep_model(self, owner: str, weights: bytes, spec: bytes) -> tuple[str, Path]:
        """(id, path of the weights) of model files, the same ones for the same bytes."""
        model = sha256(sha256(weights).digest() + sha256(spec).digest()).hexdigest()[:32]
        folder = private_folder(self._folder(owner) / "models" / model)
        try:
            with reported():
                write_durably(folder / _WEIGHTS, weights)
                write_durably(folder / _SPEC, spec)
        except BaseException:  # half a model is none, and would take room for ever
            shutil.rmtree(folder, ignore_errors=True)
            raise
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

    def note_question(
        self, owner: str, subjects: Sequence[str], key: str, count: int, risk: float
    ) -> None:
        """Count what this owner asks of each subject, with the risk that the answers take.

        Who asks with many seeds, sigmas or n and shows the best answer risks more than one
        alpha; so the questions are counted, and the count outlives the runs.

        Args:
            subjects: an image and a network each.
            key: of the content: what was asked before is not counted again.
            count: statements that the answer makes of each subject.
            risk: of these statements together.
        """
        folder = private_folder(self._folder(owner))
        with self._counting, reported():
            asked = self._questions(owner)
            new = [subject for subject in subjects if key not in asked.get(subject, {})]
            for subject in new:
                asked.setdefault(subject, {})[key] = risk if count == 1 else [count, risk]
            if new:
                write_durably(folder / _QUESTIONS, json.dumps(asked).encode())

    def questions(self, owner: str, subjects: Sequence[str]) -> tuple[int, float]:
        """(how many questions this owner has asked of a subject, the sum of their risks).

        Each the largest among the subjects.
        """
        asked = self._questions(owner)
        counts, risks = [0], [0.0]
        for subject in subjects:
            answers = [_counted(noted) for noted in asked.get(subject, {}).values()]
            counts.append(sum(count for count, _ in answers))
            risks.append(add_risks(*(risk for _, risk in answers)))
        return max(counts), max(risks)

    def delete_owner(self, owner: str) -> None:
        """Delete everything that this owner brought."""
        shutil.rmtree(self._folder(owner), ignore_errors=True)

    def items(self) -> list[Item]:
        """Every image and model, the longest unused first."""
        found = [*self.root.glob("*/images/*.json"), *self.root.glob("*/models/*")]
        items = [_item(path) for path in found]
        return sorted((item for item in items if item is not None), key=lambda item: item.used)

    def size(self) -> int:
        """Bytes of everything that was brought."""
        return folder_bytes(self.root)

    def delete(self, item: Item) -> None:
        """Delete one image or model."""
        if item.path.is_dir():
            shutil.rmtree(item.path, ignore_errors=True)
        else:
            item.path.unlink(missing_ok=True)

    def _questions(self, owner: str) -> dict[str, dict[str, Noted]]:
        try:
            raw = (self._folder(owner) / _QUESTIONS).read_bytes()
            asked: dict[str, dict[str, Noted]] = json.loads(raw)
        except (OSError, ValueError):
            return {}
        return asked

    def _folder(self, owner: str) -> Path:
        if not _ID.fullmatch(owner):  # never a path
            raise NotFoundError("owner")
        return self.root / owner


def _counted(noted: Noted) -> tuple[int, float]:
    return (int(noted[0]), noted[1]) if isinstance(noted, list) else (1, noted)


def _item(path: Path) -> Item | None:
    try:
        size = folder_bytes(path) if path.is_dir() else path.stat().st_size
        return Item(path, path.stat().st_mtime, size)
    except FileNotFoundError:  # its owner deleted it meanwhile
        return None
