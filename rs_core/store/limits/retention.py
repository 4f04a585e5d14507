"""How much may be kept, and for how long."""

import os
from dataclasses import dataclass

from rs_core.errors import ParameterError
from rs_core.fields import check_params, param

_VARIABLES = {"RS_QUOTA_MB": "quota_mb", "RS_KEEP_DAYS": "keep_days"}


@dataclass(frozen=True, kw_only=True)
class Retention:
    """Limits of the run store: what is oldest goes first, and nothing that is still running."""

    quota_mb: float = param(
        2000.0, help="most that runs, images and models may take together", unit="MB", low=0
    )
    keep_days: float = param(30.0, help="how long they are kept unused", unit="days", low=0)

    def __post_init__(self) -> None:
        check_params(self)

    @classmethod
    def from_environment(cls) -> "Retention":
        """The limits that RS_QUOTA_MB and RS_KEEP_DAYS set, or the defaults.

        Raises:
            ParameterError: one of them is no number in range.
        """
        settings: dict[str, float] = {}
        for variable, name in _VARIABLES.items():
            text = os.environ.get(variable)
            if text is None:
                continue
            try:
                settings[name] = float(text)
            except ValueError:
                raise ParameterError(f"{variable}={text!r} is not a number: correct it.") from None
        return cls(**settings)
