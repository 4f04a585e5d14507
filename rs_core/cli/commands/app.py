"""`rs app`: serve the page."""

import os
import socket
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from rs_core.errors import DataError, ParameterError
from rs_core.fields import check_params, param


@dataclass(frozen=True, kw_only=True)
class AppCommand:
    """Serve the page on this machine only, at http://127.0.0.1:PORT."""

    port: int = param(8501, help="port on 127.0.0.1", low=1024, high=65535)

    def __post_init__(self) -> None:
        check_params(self)

    def run(self) -> int:
        """Become the server; returns only if it cannot start."""
        page = _page()
        _check_free(self.port)
        os.chdir(page.parent)  # Streamlit reads .streamlit/config.toml from here
        # app.py says itself where it is served, once it is sure to be.
        options = ["--logger.hideWelcomeMessage", "true", "--server.port", str(self.port)]
        os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(page), *options])


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        # As the server does, so that a port whose connections are just ending counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ParameterError(
                f"port {port} of 127.0.0.1 is not free ({error.strerror}): another program (or "
                "another rs app) serves there; give --port with another number, 1024 to 65535."
            ) from None


def _page() -> Path:
    checkout = Path(__file__).resolve().parents[3]
    installed = Path(sysconfig.get_path("data")) / "share" / "rs-lab"
    for home in (checkout, installed):
        if (home / "app.py").is_file():
            return home / "app.py"
    raise DataError("app.py is not installed here: run rs app from a checkout of the project.")
