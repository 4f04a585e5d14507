"""The life of a home's compute process: what it leaves word of, and how the one before it ended."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, get_ident

from rs_core.store import Tenancy

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_OWN, _GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


class Life:
    """Says on disk when this process is killed through no fault of the run that it advances.

    That is while its desk answers what may be anybody's heavy file, and once it has been told to
    end. A desk that waits for the run's own step is not at work.

    Args:
        tenancy: the process's role in its home; None for a bench without a process of its own.

    Attributes:
        excused: whether the process before this one ended in such a moment.
        starved: whether it ended while the system killed for want of memory.
    """

    def __init__(self, tenancy: Tenancy | None = None) -> None:
        self._tenancy, self._lock = tenancy, Lock()
        self._at_desk: set[int] = set()  # threads
        self._left = False
        self._kills = memory_kills()
        before = tenancy.before if tenancy is not None else {}
        self.excused = before.get("excused") is True
        self.starved = _rose(before.get("kills"), self._kills)
        self._write()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Held by a desk's thread while it answers what may take much time or memory."""
        with self._noted(self._at_desk.add, self._at_desk.discard):
            yield

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Held while the caller waits for a run's step to end."""
        if get_ident() not in self._at_desk:
            yield
            return
        with self._noted(self._at_desk.discard, self._at_desk.add):
            yield

    def leave(self) -> None:
        """From now on the process is ending, as it was told to."""
        with self._lock:
            self._left = True
            self._write()

    def look_around(self) -> None:
        """Note whom the system has killed for want of memory meanwhile: not this process."""
        kills = memory_kills()
        if kills != self._kills:
            with self._lock:
                self._kills = kills
                self._write()

    @contextmanager
    def _noted(self, first: Callable[[int], None], then: Callable[[int], None]) -> Iterator[None]:
        me = get_ident()
        with self._lock:
            first(me)
            self._write()
        try:
            yield
        finally:
            with self._lock:
                then(me)
                self._write()

    def _write(self) -> None:
        if self._tenancy is not None:
            excused = self._left or bool(self._at_desk)
            self._tenancy.write(excused=excused, kills=self._kills)


def memory_kills() -> list[str | int] | None:
    """[whose, how many] processes the system has killed for want of memory; None if it won't say.

    Of this process's control group, or of the whole machine since its start.
    """
    try:
        boot = _BOOT.read_text().strip()
        groups = dict(line.split(":", 2)[1:] for line in _OWN.read_text().splitlines())
        for counter in (
            _GROUPS / groups.get("", "").lstrip("/") / "memory.events",
            _GROUPS / "memory" / groups.get("memory", "").lstrip("/") / "memory.oom_control",
            _GROUPS / "memory" / "memory.oom_control",  # of a container that sees its own alone
            Path("/proc/vmstat"),
        ):
            count = _count_in(counter)
            if count is not None:
                return [f"{boot} {counter}", count]
    except (OSError, ValueError):
        pass  # another system than Linux: nothing is known, and nothing is said
    return None


def _count_in(counter: Path) -> int | None:
    try:
        words = counter.read_text().split()
    except OSError:
        return None
    return int(words[words.index("oom_kill") + 1]) if "oom_kill" in words else None


def _rose(before: object, now: list[str | int] | None) -> bool:
    if not isinstance(before, list) or len(before) != 2 or now is None:
        return False
    return before[0] == now[0] and type(before[1]) is int and before[1] < int(now[1])
