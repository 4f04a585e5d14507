"""The bench: every open run gets short turns in order, so that all of them grow together."""

import logging
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from threading import Condition
from typing import Any

from rs_core.classifiers.tracing import ModelLock
from rs_core.errors import RsError, StoreError
from rs_core.events import Finished
from rs_core.results import to_json
from rs_core.store import RunStore, State
from rs_core.worker.job import Job, KeptStep
from rs_core.worker.life import Life
from rs_core.worker.turns import Turns

TURN_SECONDS = 0.1
IDLE_SECONDS = 120.0
_LEAST_SHARE = 0.1  # of a turn's length is what a turn costs at least
_LOG = logging.getLogger(__name__)


class Scheduler:
    """The open runs and whose turn it is. `work` runs in one thread, all else may in another.

    Args:
        store: where states and results go.
        turn_seconds: length of a turn; a step under way is finished first.
        idle_seconds: a run that nobody follows for so long pauses.
        clock: seconds that never go back.
        effort: CPU seconds of this process; what the fairness counts, because other programs do
            not disturb it.
        life: the process's; which leaves word when a run is not to blame for its end.
    """

    def __init__(
        self,
        store: RunStore,
        *,
        turn_seconds: float = TURN_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        effort: Callable[[], float] = time.process_time,
        life: Life | None = None,
    ) -> None:
        self.life = life or Life()
        self.gate = ModelLock(self.life.waiting)
        self._store, self._clock, self._effort = store, clock, effort
        self._turn_seconds, self._idle_seconds = turn_seconds, idle_seconds
        self._jobs: dict[str, Job] = {}
        self._order: list[Job] = []  # the longest waiting first
        self._turns = Turns(least=_LEAST_SHARE * turn_seconds)
        self._over: list[Job] = []  # ended, their streams not yet closed
        self._changed = Condition()
        self._stopped = False

    def work(self) -> None:
        """Give turns until `stop`; sleeps while no run is waiting."""
        while not self._stopped:
            if not self.turn():
                with self._changed:
                    self._changed.wait(timeout=1.0)
        for job in self._jobs.values():
            if job.lasting and isinstance(job.stream, Generator):
                job.stream.close()  # keeps the last step

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped

    def stop(self) -> None:
        """End `work` after the step under way; open runs stay open in the store."""
        self.life.leave()
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def add(self, job: Job) -> None:
        """Put a run at the end of the line."""
        with self._changed:
            job.followed = self._clock()
            self._jobs[job.id] = job
            self._order.append(job)
            self._changed.notify()

    def get(self, job: str) -> Job | None:
        """The run of that id, if it is open here or could not be stored."""
        return self._jobs.get(job)

    def of_owner(self, owner: str) -> list[Job]:
        """The owner's runs that are open here; `owner` as the store names it."""
        with self._changed:
            return [job for job in self._jobs.values() if job.owner == owner and job.is_open]

    def follow(self, job: Job) -> None:
        """Somebody looks: a run that paused for want of readers goes on."""
        with self._changed:
            job.followed = self._clock()
            if job.progress.state == "paused" and not job.progress.held:
                self._to(job, "queued")

    def pause(self, job: Job) -> None:
        """Let a run rest until `resume`."""
        with self._changed:
            if job.is_open:
                self._to(job, "paused", held=True)

    def resume(self, job: Job) -> None:
        """Let a paused run go on."""
        with self._changed:
            job.followed = self._clock()
            if job.progress.state == "paused":
                self._to(job, "queued")

    def cancel(self, job: Job) -> None:
        """End a run without a result; what it computes in this moment is thrown away."""
        with self._changed:
            if job.is_open:
                self._to(job, "cancelled")

    def close_streams(self) -> None:
        """Let ended runs give back what they hold; the gate is held.

        A stream may keep its last step on disk when it is closed: who deletes a run's folder has
        it closed before.
        """
        with self._changed:
            over, self._over = self._over, []
        for job in over:
            if isinstance(job.stream, Generator):
                job.stream.close()
            job.stream = None

    def turn(self) -> bool:
        """Advance one run for a turn; False when none is waiting."""
        if self._over:
            with self.gate.computing():
                self.close_streams()
        job = self._next()
        if job is None:
            return False
        if job.claim.is_void:  # another process deleted it
            self.cancel(job)
            return True
        job.claim.mark(in_turn=True)
        before = self._effort()
        try:
            self._advance(job)
        except RsError as error:
            self._fail(job, str(error))
        except Exception as error:
            self._fail(job, sentence_of(error))
        finally:
            self._turns.charge(job, self._effort() - before)
            job.claim.mark(in_turn=False)
        return True

    def _next(self) -> Job | None:
        """The run whose turn it is, put at the end of the line; None if none waits."""
        with self._changed:
            waiting = [job for job in self._order if self._is_waiting(job)]
            if not waiting:
                return None
            job = self._turns.next(waiting)
            self._order.remove(job)
            self._order.append(job)
            # Not worth a write: whoever takes the run over begins anew in either state.
            job.progress = replace(job.progress, state="running")
            return job

    def _is_waiting(self, job: Job) -> bool:
        if job.progress.state == "paused":
            return False
        if not job.lasting and self._clock() - job.followed > self._idle_seconds:
            self._to(job, "paused")
            return False
        return True

    def _advance(self, job: Job) -> None:
        """Steps of one run until its turn is over."""
        started = last = self._clock()
        if job.stream is None:
            job.stream = job.open_stream()
        while last - started < self._turn_seconds:
            with self.gate.computing():
                if not job.is_open:  # what was cancelled and deleted must not write again
                    return
                event = next(job.stream)
            now = self._clock()
            with self._changed:
                spent = job.progress.seconds + now - last
                job.progress, last = replace(job.progress, seconds=spent), now
                if isinstance(event, Finished):
                    self._finish(job, event.result)
                    return
                job.note(event)
                if isinstance(event, KeptStep) and event.kept:
                    self._keep_state(job)
                if job.progress.state != "running":
                    return

    def _keep_state(self, job: Job) -> None:
        """Note how far a run is that goes on from here; it has outlived the deaths before."""
        if not job.is_open:
            return
        job.progress = replace(job.progress, strikes=0, done=job.done, total=job.total)
        try:
            self._store.update(job.id, job.progress)
        except StoreError:
            _LOG.exception("how far a run is could not be noted; it goes on")

    def _finish(self, job: Job, result: Any) -> None:
        if not job.is_open:
            return
        job.result = to_json(result)
        job.progress = replace(
            job.progress, state="finished", held=False, done=job.total, total=job.total
        )
        self._settle(
            job,
            lambda: self._store.finish(job.id, job.result, job.progress, drop=job.working_folder),
        )

    def _fail(self, job: Job, sentence: str) -> None:
        with self._changed:
            if job.is_open:
                self._to(job, "failed", error=sentence)

    def _to(self, job: Job, state: State, *, held: bool = False, error: str | None = None) -> None:
        """Change a run's state, here and in the store; the lock is held."""
        far = {"done": job.done, "total": job.total}
        job.progress = replace(job.progress, state=state, held=held, error=error, **far)
        self._changed.notify()
        self._settle(job, lambda: self._store.update(job.id, job.progress))

    def _settle(self, job: Job, keep: Callable[[], None]) -> None:
        """Store a state; an ended run leaves the bench, unless only the bench can show it."""
        _LOG.info("run %s... is %s", job.id[:6], job.progress.state)
        try:
            keep()
        except StoreError:
            _LOG.exception("a run could not be stored; it lives as long as this process")
            stored = False
        else:
            stored = True
        if job.is_open:
            return
        self._over.append(job)
        if job in self._order:
            self._order.remove(job)
        if stored:
            self._jobs.pop(job.id, None)
        job.claim.release()


# oneDNN's words too: a network that voted when it was loaded fails there for want of memory only.
_LACK = ("allocate memory", "out of memory", "not enough memory", "could not create a primitive")


def sentence_of(error: Exception) -> str:
    """Why a run failed, for its owner; a bug's details go to the log."""
    if isinstance(error, MemoryError) or any(words in str(error).lower() for words in _LACK):
        return (
            "failed: memory: the computation needs more than this machine has; choose fewer noise "
            "levels, a smaller network or another device."
        )
    _LOG.error("a run met a bug", exc_info=error)
    return "failed: the computation met a bug; rs.log holds the details."
