"""How often an owner asked about an image and a network, and what the answers risk together."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple

from rs_core.durable import write_durably
from rs_core.errors import DamagedError
from rs_core.statistics import add_risks
from rs_core.store.documents import is_count, is_number, read_document, write_document
from rs_core.store.home import private_folder, reported

QUESTIONS = "questions.json"
LOST = "questions.lost"  # beside the count: that it is a lower bound, and whether it was recounted
_SET_ASIDE = "questions.damaged"
_RECOUNTED = b"recounted\n"
# The risk of one question, or [how many, their risk together], or these and what was looked at.
Noted = float | list[Any]


class Asked(NamedTuple):
    """One question: of which subjects, its content's key, its statements and their risk.

    `looks` names each noise level (and seed) whose radius the answer shows: who looks at several
    can show the best. A level that is looked at again under the same name is no second look.
    """

    subjects: Sequence[str]
    key: str
    statements: int
    risk: float
    looks: Sequence[str] = ()


class Questions:
    """The counts of all owners, each in its owner's folder.

    Who asks with many seeds, sigmas or n and shows the best answer risks more than one alpha; so
    the questions are counted, and the count outlives the runs. A count that was lost is never
    taken for 0: `is_lost` says so from then on.
    """

    def __init__(self) -> None:
        self._lock = RLock()

    def note(self, folder: Path, asked: Asked) -> None:
        """Count a question; what was asked before is not counted again.

        Raises:
            StoreError: the disk refuses.
        """
        with self._lock, reported():
            self._add(private_folder(folder), [asked])

    def of(self, folder: Path, subjects: Sequence[str]) -> tuple[int, float]:
        """(how many questions of a subject, the sum of their risks), the largest among them."""
        with self._lock, reported():
            known = self._known(folder)
        counts, risks = [0], [0.0]
        for subject in subjects:
            answers = [_counted(noted) for noted in known.get(subject, {}).values()]
            counts.append(sum(count for count, _, _ in answers))
            risks.append(add_risks(*(risk for _, risk, _ in answers)))
        return max(counts), max(risks)

    def looks(self, folder: Path, subjects: Sequence[str]) -> int:
        """How many different looks were taken at a subject, the most among them."""
        with self._lock, reported():
            known = self._known(folder)
        seen = [
            {look for noted in known.get(subject, {}).values() for look in _counted(noted)[2]}
            for subject in subjects
        ]
        return max(map(len, seen), default=0)

    def knows(self, folder: Path, subjects: Sequence[str]) -> bool:
        """Whether a question of each subject was counted."""
        with self._lock, reported():
            known = self._known(folder)
        return all(subject in known for subject in subjects)

    def is_lost(self, folder: Path) -> bool:
        """Whether a count was lost once, so that what is counted is "at least"."""
        with self._lock, reported():
            self._known(folder)
        return (folder / LOST).exists()

    def is_to_be_recounted(self, folder: Path) -> bool:
        """Whether a count was lost, and what is still known was not counted again yet."""
        try:
            return self.is_lost(folder) and (folder / LOST).read_bytes() != _RECOUNTED
        except OSError:
            return True

    def lose(self, folder: Path) -> None:
        """Note that a count is gone.

        Raises:
            StoreError: the disk refuses.
        """
        with self._lock, reported():
            write_durably(private_folder(folder) / LOST, b"", private=True)

    def recount(self, folder: Path, asked: Iterable[Asked]) -> None:
        """Add what is still known of a count that was lost.

        Raises:
            StoreError: the disk refuses.
        """
        with self._lock, reported():
            self._add(private_folder(folder), asked)
            write_durably(folder / LOST, _RECOUNTED, private=True)

    def _add(self, folder: Path, asked: Iterable[Asked]) -> None:
        known, changed = self._known(folder), False
        for one in asked:
            noted: Noted = one.risk if one.statements == 1 else [one.statements, one.risk]
            if one.looks:
                noted = [one.statements, one.risk, list(one.looks)]
            for subject in one.subjects:
                if one.key not in known.get(subject, {}):
                    known.setdefault(subject, {})[one.key] = noted
                    changed = True
        if changed:
            write_document(folder / QUESTIONS, known)

    def _known(self, folder: Path) -> dict[str, dict[str, Noted]]:
        """What is counted; a damaged count is set aside, and that it is lost is kept."""
        path = folder / QUESTIONS
        try:
            found = read_document(path).content
            if not _is_sound(found):
                raise DamagedError("questions.json holds something else than counts")
        except FileNotFoundError:
            return {}
        except DamagedError:
            with reported():
                write_durably(folder / LOST, b"", private=True)
                path.replace(folder / _SET_ASIDE)
            return {}
        known: dict[str, dict[str, Noted]] = found
        return known


def _is_sound(found: Any) -> bool:
    return isinstance(found, dict) and all(
        isinstance(answers, dict) and all(map(_is_noted, answers.values()))
        for answers in found.values()
    )


def _is_noted(noted: Any) -> bool:
    if not isinstance(noted, list):
        return _is_risk(noted)
    count, risk, looks = [*noted, []][:3] if len(noted) in (2, 3) else (None, None, None)
    named = isinstance(looks, list) and all(isinstance(look, str) for look in looks)
    return is_count(count) and _is_risk(risk) and named


def _is_risk(value: Any) -> bool:
    return is_number(value) and value >= 0


def _counted(noted: Noted) -> tuple[int, float, Sequence[str]]:
    """(statements, their risk, looks) of one question."""
    if not isinstance(noted, list):
        return 1, noted, ()
    count, risk, looks = [*noted, []][:3]
    return int(count), risk, looks
