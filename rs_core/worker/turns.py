"""Whose turn it is: owners go round by what they have cost, each with one of their runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from rs_core.worker.job import Job

_OLDEST_EVERY = 4


@dataclass(eq=False)
class _Account:
    """An owner: what all their turns have cost, with what others had when they came; and turns."""

    cost: float = 0.0
    turns: int = 0


class Turns:
    """Start-time fair queueing over owners, and the run that has cost least within an owner's.

    However many runs somebody has, a lone visitor beside them has half of the machine. Whoever
    comes, or comes back, starts level with those who are there: time that nobody asked for is not
    saved up. Every fourth turn of an owner goes to the run that waited longest, so that runs of
    one size end together whenever they began, and a long one is never left out.

    Args:
        least: what a turn costs at least, in seconds, so that nobody computes for nothing where
            the work is another device's.
    """

    def __init__(self, *, least: float) -> None:
        self._least = least
        self._accounts: dict[str, _Account] = {}
        self._present: set[str] = set()
        self._level = 0.0  # what the owner of the last turn had cost before it

    def next(self, waiting: Sequence[Job]) -> Job:
        """The run whose turn it is, of those that wait, the longest waiting first."""
        owners = dict.fromkeys(job.owner for job in waiting)
        for owner in owners.keys() - self._present:
            account = self._accounts.setdefault(owner, _Account())
            account.cost = max(account.cost, self._level)
        self._present = set(owners)
        owner = min(owners, key=lambda name: self._accounts[name].cost)
        account = self._accounts[owner]
        self._level = account.cost
        self._accounts = {
            name: held
            for name, held in self._accounts.items()
            if name in owners or held.cost > self._level
        }
        account.turns += 1
        theirs = [job for job in waiting if job.owner == owner]
        if account.turns % _OLDEST_EVERY == 0:
            return theirs[0]
        return min(theirs, key=lambda job: job.effort)

    def charge(self, job: Job, effort: float) -> None:
        """Note what a turn of a run has cost its owner."""
        job.effort += effort
        account = self._accounts.setdefault(job.owner, _Account(self._level))
        account.cost += max(effort, self._least)
