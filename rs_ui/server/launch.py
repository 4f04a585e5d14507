"""How the server starts: alone in its home, with its own settings, and asking nobody outside."""

import os
import sys
from asyncio import CancelledError
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from starlette.middleware import Middleware
from streamlit import config, net_util
from streamlit.web.server import server_util
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from rs_core.errors import RsError, StoreError
from rs_core.store import Tenancy, rs_home
from rs_ui.server.middleware import GuardMiddleware
from rs_ui.server.settings import check_environment


def options(page: Path) -> dict[str, Any]:
    """What `st.App` is made with; ends the process with one sentence where it must not start."""
    try:
        check_environment(os.environ, page.parent / ".streamlit" / "config.toml")
        tenancy = _moved_in(rs_home())
    except RsError as error:
        print(f"rs app: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    stay_inside()

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        name = server_util.get_display_address(config.get_option("server.address") or "localhost")
        address = server_util.get_url(name)
        tenancy.write(address=address)
        print(f"RS Lab is served at {address} (Ctrl-C ends it).", flush=True)
        with suppress(CancelledError):  # by a second Ctrl-C: an end as well, and no error to print
            yield

    gatehouse = Middleware(GuardMiddleware, allowed=is_host_allowed)
    return {"middleware": [gatehouse], "lifespan": lifespan}


def stay_inside() -> None:
    """Keep Streamlit from asking a host on the internet what this machine's address is.

    It does so, waiting in the event loop, whenever a website of another origin knocks: any page
    could hold up everybody. The answer is that there is none: names are in server.allowedHosts.
    """
    net_util.get_external_ip = lambda: None


def _moved_in(home: Path) -> Tenancy:
    tenancy = Tenancy.take(home, "server")
    if isinstance(tenancy, Tenancy):
        tenancy.write()
        return tenancy
    raise StoreError(
        f"another rs app (process {tenancy.get('pid', 'unknown')}) keeps its runs in {home}: open "
        f"{tenancy.get('address', 'its address')}, or let RS_HOME name another folder for this one."
    )
