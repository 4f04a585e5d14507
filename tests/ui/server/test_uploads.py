"""Uploads in the server's memory: whoever sends too much is refused, and nobody else suffers."""

import pytest
from starlette.exceptions import HTTPException
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from rs_ui.server import uploads as room
from rs_ui.server.uploads import LimitedUploads


def file(name: object, size: int) -> UploadedFileRec:
    return UploadedFileRec(str(name), "x.png", "image/png", bytes(size))


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch) -> LimitedUploads:
    monkeypatch.setattr(room, "SESSION_FILES", 5)
    monkeypatch.setattr(room, "SESSION_BYTES", 100)
    monkeypatch.setattr(room, "ALL_BYTES", 150)
    return LimitedUploads("/upload")


def held(uploads: LimitedUploads, session: str) -> list[int]:
    return [len(one.data) for one in uploads.file_storage[session].values()]


def test_a_session_cannot_fill_the_memory_with_invented_ids(uploads: LimitedUploads) -> None:
    for number in range(2):
        uploads.add_file("eve", file(number, 40))
    for number in range(2, 20):
        with pytest.raises(HTTPException, match="limits are 5 files and 100 bytes") as caught:
            uploads.add_file("eve", file(number, 40))
        assert caught.value.status_code == 413
    assert held(uploads, "eve") == [40, 40]
    uploads.add_file("eve", file(0, 60))  # another content of the same file
    assert held(uploads, "eve") == [60, 40]
    uploads.remove_session_files("eve")
    for number in range(5):
        uploads.add_file("eve", file(number, 0))
    with pytest.raises(HTTPException, match="holds 5 files"):
        uploads.add_file("eve", file(5, 0))


def test_whoever_has_most_makes_room_for_the_others(uploads: LimitedUploads) -> None:
    uploads.add_file("ann", file("a", 30))
    for number in range(4):
        uploads.add_file("eve", file(number, 25))
    uploads.add_file("bob", file("b", 40))
    assert (held(uploads, "ann"), held(uploads, "bob")) == ([30], [40])
    assert held(uploads, "eve") == [25, 25, 25]
    uploads.add_file("bob", file("c", 10))
    assert held(uploads, "eve") == [25, 25]
    with pytest.raises(HTTPException, match="All uploads together"):
        uploads.add_file("bob", file("d", 50))
    assert (held(uploads, "ann"), held(uploads, "bob")) == ([30], [40, 10])


def test_it_is_in_force_once_a_page_has_run(monkeypatch: pytest.MonkeyPatch) -> None:
    class Server:
        uploaded_file_mgr = MemoryUploadedFileManager("/upload")

    monkeypatch.setattr(runtime, "exists", lambda: True)
    monkeypatch.setattr(runtime, "get_instance", lambda: Server)
    Server.uploaded_file_mgr.add_file("ann", file("a", 30))
    for _ in range(2):
        room.hold()
    assert type(Server.uploaded_file_mgr) is LimitedUploads
    assert Server.uploaded_file_mgr.get_files("ann", ["a"])[0].data == bytes(30)
