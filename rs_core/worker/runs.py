"""How a run begins: asked for, taken over from a process that died, or gone on with."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from rs_core.errors import DamagedError, ParameterError, StoreError
from rs_core.events import Stream
from rs_core.store import OPEN, Claim, Progress, Run, RunStore, State, damage
from rs_core.worker.job import Job
from rs_core.worker.life import Life
from rs_core.worker.models import ModelCache
from rs_core.worker.papers.family import PAPER, PaperRuns
from rs_core.worker.request import Request, RunKind
from rs_core.worker.scheduler import Scheduler
from rs_core.worker.tasks.family import ImageRuns
from rs_core.worker.training.family import TRAIN, TrainingRuns

MAX_OPEN = 20
MAX_STRIKES = 3
_LOG = logging.getLogger(__name__)


class RunManager:
    """Puts runs on the bench."""

    def __init__(self, store: RunStore, shelf: ModelCache, bench: Scheduler) -> None:
        self._store, self._bench = store, bench
        self._images = ImageRuns(store, shelf)
        self._others: dict[str, RunKind] = {
            TRAIN: TrainingRuns(store, shelf),
            PAPER: PaperRuns(store),
        }

    def start(self, question: Request) -> tuple[str, State]:
        """(job, state) of the run that answers a question: the same one for the same content.

        Raises:
            NotFoundError: this owner has no such image or model.
            ParameterError: a setting is wrong, or too many runs are open.
        """
        asked = self._family(question.kind).asked(question)
        found = self._store.find(question.owner, asked.key)
        if found is not None:
            return found
        self._check_room(question.owner)
        run, claim = self._store.create(
            question.owner,
            key=asked.key,
            kind=question.kind,
            title=asked.title,
            request=asked.request,
        )
        self._bench.add(self._job(run, claim))
        return run.job, "queued"

    def questions(self, owner: str, about: Mapping[str, Any]) -> dict[str, Any]:
        """How many questions the owner has asked of a run's subject, their risk, and the looks.

        All are "at least" where an earlier count was lost.
        """
        count, risk, looks = self._family(about["kind"]).questions(owner, dict(about))
        return {
            "questions": count, "risk": risk, "looks": looks,
            "at_least": self._store.belongings.count_is_lost(owner),
        }  # fmt: skip

    def about(self, run: Run) -> dict[str, Any]:
        """What a run was asked, for those who follow it.

        Raises:
            DamagedError: its request is not what this program writes.
        """
        with believed(run):
            return self._family(run.kind).about(run)

    def left(self, run: Run) -> dict[str, Any] | None:
        """What a run that ended without a result left to be seen, if anything."""
        with believed(run):
            return self._family(run.kind).left(run)

    def job(self, owner: str, job: str) -> Job | None:
        """The owner's run if it is open, taken over where no other process computes it.

        Raises:
            NotFoundError: no such run, or it is somebody else's.
        """
        found = self._bench.get(job)
        if found is not None and found.owner == owner:
            return found
        run = self._store.read(job, owner)
        return self.adopt(run) if run.progress.state in OPEN else None

    def reopen(self, owner: str, job: str) -> Job | None:
        """An ended run that can go on, on the bench again; None where it is not one.

        Raises:
            NotFoundError: no such run, or it is somebody else's.
            ParameterError: too many runs are open.
        """
        run = self._store.read(job, owner)
        if run.progress.state not in ("cancelled", "failed") or not self._lasts(run):
            return None
        self._check_room(owner)
        claim = self._store.claim(job)
        if claim is None:
            return None
        progress = replace(run.progress, state="queued", held=False, error=None, ended=None)
        try:
            self._store.update(job, replace(progress, strikes=0))
        except StoreError:
            claim.release()
            raise
        taken = self._job(replace(run, progress=progress), claim)
        self._bench.add(taken)
        return taken

    def adopt_all(self) -> None:
        """Take over every run that was under way when its process died.

        Raises:
            StoreError: some could not be, after all were tried.
        """
        failed: StoreError | None = None
        for run in self._store.unfinished():
            try:
                if run.progress.state != "paused":
                    self.adopt(run)
            except StoreError as error:
                failed = error
        if failed is not None:
            raise failed

    def adopt(self, run: Run) -> Job | None:
        """The run on the bench; None if it is not to be had.

        It goes on from what it keeps on disk, or else from its beginning.

        A run in the midst of which three processes died is given up: a fourth would die too.
        Deaths while the desk was at work do not count: a neighbour's file may have been the cause.
        """
        claim = self._store.claim(run.job)
        if claim is None:
            return None
        try:
            return self._taken_over(run, claim)
        except DamagedError as error:
            self._store.update(run.job, Progress("failed", error=str(error)))
            claim.release()
            return None
        except StoreError:  # free for the next try
            claim.release()
            raise

    def _taken_over(self, run: Run, claim: Claim) -> Job | None:
        progress = self._store.read(run.job).progress
        if progress.state not in OPEN:
            claim.release()
            return None
        life = self._bench.life
        strikes = progress.strikes + (claim.died_in_turn and not life.excused)
        if strikes >= MAX_STRIKES:
            self._store.update(run.job, Progress("failed", error=_given_up(life), strikes=strikes))
            claim.release()
            return None
        state: State = "paused" if progress.held else "queued"
        kept = progress if self._lasts(run) else Progress(held=progress.held)
        progress = replace(kept, state=state, strikes=strikes)
        self._store.update(run.job, progress)
        job = self._job(replace(run, progress=progress), claim)
        self._bench.add(job)
        return job

    def _job(self, run: Run, claim: Claim) -> Job:
        family = self._family(run.kind)

        def stream() -> Stream[Any]:
            with believed(run):
                return family.stream(run)

        return Job(
            run.job, run.owner, stream, claim,
            lasting=self._lasts(run), working_folder=family.working_folder,
            about=self.about(run), progress=run.progress,
            done=run.progress.done, total=run.progress.total,
        )  # fmt: skip

    def _lasts(self, run: Run) -> bool:
        return bool(self._family(run.kind).working_folder)

    def _family(self, kind: str) -> RunKind:
        return self._others.get(kind, self._images)

    def _check_room(self, owner: str) -> None:
        if len(self._bench.of_owner(owner)) >= MAX_OPEN:
            raise ParameterError(
                f"{MAX_OPEN} runs are open already: wait for one of them, or cancel it."
            )


@contextmanager
def believed(run: Run) -> Iterator[None]:
    """Says of a run without checksums, as older versions kept it, that its request was changed.

    Where there is a checksum, whatever a request leads to is not the disk's fault.
    """
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        if run.sealed:
            raise
        _LOG.exception("the request of a run of an older version cannot be read")
        raise damage("request.json does not hold what was asked") from error


def _given_up(life: Life) -> str:
    if life.starved:
        return (
            "failed: the compute process died three times in the midst of this run, now for want "
            "of memory: the system ended it; choose fewer noise levels or a smaller network."
        )
    return (
        "failed: the compute process died three times in the midst of this run; choose other "
        "settings or another network, and look into rs.log, which may say why."
    )
