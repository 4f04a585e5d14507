"""People with the app open, without browsers: the messages that Streamlit's page would send."""

import json
import re
import secrets
import time

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

_LIMIT = 256_000_000


class Visitor:
    """One person and one page. Switches and buttons are named by their labels."""

    def __init__(self, socket: ClientConnection, page: str, query: str) -> None:
        self._socket, self._page, self._query = socket, page, query
        self._ids: dict[str, str] = {}
        self._states: dict[str, WidgetState] = {}
        self._owner = secrets.token_hex(32)
        self._texts: list[str] = []

    @classmethod
    async def at(cls, url: str, page: str = "", query: str = "") -> "Visitor":
        """Somebody who has just seen the whole page."""
        address = url.replace("http", "ws", 1) + "/_stcore/stream"
        socket = await connect(address, subprotocols=["streamlit"], max_size=_LIMIT)
        visitor = cls(socket, page, query)
        await visitor.ask()  # the first answer only asks whose browser this is
        await visitor.ask()
        return visitor

    def says(self, text: str) -> bool:
        """Whether the last answer holds this text."""
        return any(text in said for said in self._texts)

    def first(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """The first place of the last answer where the pattern is found."""
        return next((found for said in self._texts if (found := pattern.search(said))), None)

    async def switch(self, label: str, on: bool) -> float:
        """Seconds until the page has answered."""
        number = self._ids[label]
        self._states[number] = WidgetState(id=number, bool_value=on)
        return await self.ask()

    async def press(self, label: str) -> float:
        """Seconds until the page has answered."""
        number = self._ids[label]
        return await self.ask(WidgetState(id=number, trigger_value=True))

    async def ask(self, *pressed: WidgetState) -> float:
        """Seconds from the question to the last message of the answer."""
        question = BackMsg()
        state = question.rerun_script
        state.query_string, state.page_name = self._query, self._page
        state.widget_states.widgets.extend([*self._states.values(), *pressed])
        self._texts = []
        begun = time.perf_counter()
        await self._socket.send(question.SerializeToString())
        while True:
            answer = ForwardMsg.FromString(await self._socket.recv(decode=False))
            if (
                answer.WhichOneof("type") == "script_finished"
                and answer.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
            ):
                return time.perf_counter() - begun
            self._hear(answer)

    def _hear(self, answer: ForwardMsg) -> None:
        element = answer.delta.new_element
        kind = element.WhichOneof("type")
        if kind in ("alert", "html", "markdown"):
            self._texts.append(getattr(element, kind).body)
        elif kind in ("checkbox", "button"):
            part = getattr(element, kind)
            self._ids[part.label] = part.id
        elif kind == "bidi_component" and element.bidi_component.component_name == "rs_lab_owner":
            number = element.bidi_component.id
            owner = json.dumps({"owner": self._owner})
            self._states[number] = WidgetState(id=number, json_value=owner)
