from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rs_core.store import Run, RunStore, owner_id

ANN, BOB = owner_id("ann"), owner_id("bob")
MakeRun = Callable[..., Run]
DEEP = b"[" * 100_000 + b"]" * 100_000  # JSON that no reader of Python gets to the end of


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test cuts the power; what a killed process wrote is there without fsync."""
    monkeypatch.setattr("os.fsync", lambda handle: None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    made = RunStore(tmp_path / "home")
    yield made
    made.close()


@pytest.fixture
def make_run(store: RunStore) -> MakeRun:
    """A queued run, its claim given back."""

    def make(owner: str = ANN, key: str = "k", request: dict[str, object] | None = None) -> Run:
        run, claim = store.create(
            owner, key=key, kind="sweep", title="digit", request=request or {"seed": 1}
        )
        claim.release()
        return run

    return make
