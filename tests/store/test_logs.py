import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from rs_core.store import LOG_NAME, log_to_file


@pytest.fixture
def handlers() -> Iterator[list[tuple[str, logging.Handler]]]:
    used: list[tuple[str, logging.Handler]] = []
    level = logging.getLogger().level
    yield used
    for name, handler in used:
        logging.getLogger(name).removeHandler(handler)
        handler.close()
    logging.getLogger().setLevel(level)
    logging.captureWarnings(capture=False)


def test_one_process_rotates_and_the_other_follows(
    tmp_path: Path, handlers: list[tuple[str, logging.Handler]]
) -> None:
    handlers.append(("", log_to_file(tmp_path)))
    handlers.append(("rs_ui", log_to_file(tmp_path, logger="rs_ui", rotates=False)))
    for _ in range(12):
        logging.getLogger("rs_core.x").info("y" * 100_000)
    logging.getLogger("rs_ui.client.worker").info("after the rotation")
    assert "after the rotation" in (tmp_path / LOG_NAME).read_text()
    assert (tmp_path / f"{LOG_NAME}.1").stat().st_size > 900_000


def test_warnings_are_logged(tmp_path: Path, handlers: list[tuple[str, logging.Handler]]) -> None:
    handlers.append(("", log_to_file(tmp_path)))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("odd weights", stacklevel=1)
        logging.captureWarnings(capture=False)
    assert "odd weights" in (tmp_path / LOG_NAME).read_text()
