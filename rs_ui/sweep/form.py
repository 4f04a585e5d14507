"""The settings of a sigma sweep."""

from typing import Any

from rs_ui.inputs.fields import form
from rs_ui.runs import cache
from rs_ui.runs.session import Subject


def settings(subject: Subject) -> dict[str, Any] | None:
    """The task's settings; None while one makes no sense."""
    fields = cache.description()["forms"]["sweep"]
    config = form(fields, prefix="sweep", first=("sigmas", "n"), given=("alpha",))
    return None if config is None else {**config, "alpha": subject.alpha}
