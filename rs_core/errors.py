"""The exception tree: every error a user can cause.

    RsError
    ├── ImageError            a file or array that cannot become an image
    ├── ParameterError        a number or option outside its range
    ├── UnknownNameError      a name that no registry holds
    ├── ModelFileError        a weights file that is missing, foreign, damaged or unfit
    │   └── WeightsNotFoundError
    ├── DataError             a data set that is missing or malformed
    ├── CheckpointError       a training checkpoint that cannot be resumed
    ├── StoreError            the run store cannot be read or written
    │   └── DamagedError      one of its files was changed or damaged on disk
    ├── NotFoundError         no such run, image or model of this owner
    └── DeviceError           a device or precision that this machine lacks

Each message is one sentence that says what is wrong, the limit, and what to do. The command
line prints it and exits with 2; pages show it where the control is. Anything else is a bug
and is left to crash.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class RsError(Exception):
    """Base of every error that a user can cause and mend."""


class ImageError(RsError):
    """A file or array cannot become an image."""


class ParameterError(RsError):
    """A parameter lies outside its documented range."""


class UnknownNameError(RsError):
    """A name is not in the registry that was asked."""

    def __init__(
        self, kind: str, name: str, known: Iterable[str], near: Sequence[str] | None = None
    ) -> None:
        names = sorted(known) if near is None else list(known)
        if near is None:
            longer = [known for known in names if known.endswith(f"-{name.lstrip('-')}")]
            near = longer or get_close_matches(name, names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        super().__init__(f"unknown {kind} {name!r}.{hint} Known: {', '.join(names)}.")


class ModelFileError(RsError):
    """A model file is foreign, damaged, or does not fit its network."""


class WeightsNotFoundError(ModelFileError):
    """No weights lie at the given name or path."""


class DataError(RsError):
    """A data set is missing or malformed."""


class CheckpointError(RsError):
    """A checkpoint cannot be resumed."""


class StoreError(RsError):
    """The run store cannot be read or written."""


class DamagedError(StoreError):
    """A file of the run store was changed or damaged on disk: what it says is not believed."""


class NotFoundError(RsError):
    """This owner has no such run, image or model."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"{kind} not found: it was deleted, or it belongs to somebody else.")


class DeviceError(RsError):
    """A device or precision is not available on this machine."""
