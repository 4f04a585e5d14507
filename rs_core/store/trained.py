"""The network of a training, or what it goes on from, found by the id of its run."""

from pathlib import Path

from rs_core.errors import DamagedError, NotFoundError, StoreError
from rs_core.store.belongings import Belongings
from rs_core.store.documents import read_document
from rs_core.store.home import rs_home
from rs_core.store.records import DAMAGED, RUN_ID, Run, damage, read_run

CHECKPOINT_FOLDER = "checkpoint"  # below the folder of an unfinished training's run
_KIND, _OWN = "train", "upload:"


def model_of_run(job: str, home: Path | None = None) -> Path | None:
    """The weights file of a finished training; its json lies beside it.

    Args:
        job: the run's id, as a page's address has it; any text.
        home: folder of the run store; RS_HOME by default. Nothing is made there.

    Returns:
        None where no run has that id.

    Raises:
        StoreError: the run is no training, has not finished, or its network was deleted.
        DamagedError: its files were changed or damaged on disk.
    """
    home = home or rs_home()
    run = _training(job, home)
    if run is None:
        return None
    if run.progress.state != "finished":
        raise StoreError(
            f"the training {job} is {run.progress.state}: it has a network once it is finished."
        )
    path = home / "runs" / job / "result.json"
    try:
        model = read_document(path, must_be_sealed=run.sealed).content["model"]
        return Belongings(home).model(run.owner, str(model).removeprefix(_OWN))
    except DamagedError as error:
        raise damage(str(error)) from None
    except (OSError, TypeError, KeyError, NotFoundError):
        raise StoreError(
            f"the network of the training {job} was deleted: start the training again."
        ) from None


def checkpoint_of_run(job: str, home: Path | None = None) -> Path | None:
    """The folder of an unfinished training's checkpoint, which may hold none yet.

    Args:
        job: the run's id, as a page's address has it; any text.
        home: folder of the run store; RS_HOME by default. Nothing is made there.

    Returns:
        None where no run has that id, and for a finished training, which has a network instead.

    Raises:
        StoreError: the run is no training.
        DamagedError: its files were changed or damaged on disk.
    """
    home = home or rs_home()
    run = _training(job, home)
    if run is None or run.progress.state == "finished":
        return None
    return home / "runs" / job / CHECKPOINT_FOLDER


def _training(job: str, home: Path) -> Run | None:
    run = read_run(home / "runs" / job) if RUN_ID.fullmatch(job) else None
    if run is not None and run.kind == DAMAGED:
        raise DamagedError(run.progress.error or "")
    if run is not None and run.kind != _KIND:
        raise StoreError(f"run {job} is a {run.kind}, not a training: it has no network.")
    return run
