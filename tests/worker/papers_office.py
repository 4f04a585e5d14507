"""Papers' tables asked of a desk: the trial, on few images."""

from typing import Any

from tests.worker.conftest import Office

SMALL = {"table": "trial", "limit": 12}


def repeat(office: Office, owner: str = "ann", *, seed: int = 7, **changes: Any) -> str:
    """The id of a started table."""
    config = SMALL | changes
    found = office.ask("start", owner, kind="paper", config=config, seed=seed, device="cpu")
    return str(found["job"])


def until_row(office: Office, job: str, rows: int) -> dict[str, Any]:
    """Turns until a run has finished so many rows."""
    while True:
        found = office.follow(job)
        if (found["step"] or {}).get("rows_done", 0) >= rows:
            return found
        assert office.bench.turn(), found
