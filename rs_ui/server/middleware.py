"""What every answer of the server carries, and who is answered: the layer before all routes."""

import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path

import streamlit
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SENTENCE = (
    "This address is not one of the app's: open http://127.0.0.1 with its port, or add the name to "
    "server.allowedHosts in .streamlit/config.toml.\n"
)
_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class GuardMiddleware:
    """Answers only requests under an allowed name; no answer may be framed, sniffed or extended.

    Streamlit looks at the name of the websocket alone: a name that somebody else's server first
    resolves to itself and then to 127.0.0.1 would read the rest.
    """

    def __init__(self, app: ASGIApp, *, allowed: Callable[[str | None], bool]) -> None:
        self._app, self._allowed = app, allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = Headers(scope=scope).get("host")
        policy = content_policy(host or "")

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update({**_FIXED, "Content-Security-Policy": policy})
            await send(message)

        if self._allowed(host):
            await self._app(scope, receive, guarded)
        else:
            refusal = PlainTextResponse(_SENTENCE, status_code=421)
            await refusal(scope, receive, guarded)


def content_policy(host: str) -> str:
    """What a page may load and run: this server's files, and what it makes itself.

    Streamlit's components arrive as text and are imported from blob: addresses; Plotly and Emotion
    write styles; `host` is named for websockets, which 'self' does not cover in every browser.
    """
    socket = f" ws://{host} wss://{host}" if re.fullmatch(r"[\w.:\[\]-]+", host) else ""
    rules = {
        "default-src": "'self'",
        "script-src": " ".join(("'self' blob:", *_inline_scripts())),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "media-src": "'self' blob:",
        "worker-src": "'self' blob:",
        "connect-src": f"'self' data: blob:{socket}",  # a photo is read from its data: address
        "frame-src": "'none'",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {allowed}" for name, allowed in rules.items())


@cache
def _inline_scripts() -> Iterable[str]:
    """The digests of the scripts in Streamlit's own page."""
    page = Path(streamlit.__file__).parent / "static" / "index.html"
    scripts = re.findall(r"<script>(.*?)</script>", page.read_text(encoding="utf-8"), re.DOTALL)
    digests = (sha256(script.encode()).digest() for script in scripts)
    return tuple(f"'sha256-{b64encode(digest).decode()}'" for digest in digests)
