"""Why a start was refused: kept beside its button until what would be started is another thing."""

from rs_ui import session
from rs_ui.panels import error_box


def keep(page: str, sentence: str | None) -> None:
    """Put aside why a page's last start was refused; None where it was not."""
    session.remember(f"{page}_error", sentence)
    session.remember(f"{page}_refused", None)


def show(page: str, *asked: object) -> None:
    """Why the last start was refused, if it was.

    Args:
        page: whose start.
        asked: what it would start now; once this is not what was refused, the reason is forgotten.
    """
    sentence = session.remembered(f"{page}_error")
    if not sentence:
        return
    refused = session.remembered(f"{page}_refused")
    if refused is None:
        session.remember(f"{page}_refused", asked)
    elif refused != asked:
        keep(page, None)
        return
    error_box(sentence)
