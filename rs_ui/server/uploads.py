"""How much of their uploads the server keeps in memory, for a session and for all together."""

from threading import Lock

from starlette.exceptions import HTTPException
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

SESSION_FILES, SESSION_BYTES = 250, 100_000_000
ALL_BYTES = 500_000_000
_ROOM = Lock()


def hold() -> None:
    """From now on uploads are limited; a file may arrive under any id, without a widget for it."""
    if runtime.exists():
        files = runtime.get_instance().uploaded_file_mgr
        if type(files) is MemoryUploadedFileManager:
            files.__class__ = LimitedUploads


class LimitedUploads(MemoryUploadedFileManager):
    """Uploads in memory: a session has its limit, and whoever has the most makes room for others.

    What does not fit is refused with 413, which the uploader shows beside the file.
    """

    def add_file(self, session_id: str, file: UploadedFileRec) -> None:
        """Keep a file.

        Raises:
            HTTPException: this session has too many files, or too much in them.
        """
        with _ROOM:
            held = dict(self.file_storage.get(session_id, {}))
            held.pop(file.file_id, None)
            mine = sum(len(one.data) for one in held.values()) + len(file.data)
            if len(held) >= SESSION_FILES or mine > SESSION_BYTES:
                raise HTTPException(
                    413,
                    f"This session holds {len(held)} files; with this one they would be {mine} "
                    f"bytes: the limits are {SESSION_FILES} files and {SESSION_BYTES} bytes. "
                    "Remove some.",
                )
            self._make_room(session_id, mine)
            super().add_file(session_id, file)

    def _make_room(self, session_id: str, mine: int) -> None:
        """Drop the oldest files of whoever has the most, until `mine` bytes fit in."""
        sizes = {
            one: sum(len(file.data) for file in dict(files).values())
            for one, files in dict(self.file_storage).items()
        } | {session_id: mine}
        while sum(sizes.values()) > ALL_BYTES:
            most = max(sizes, key=lambda one: sizes[one])
            if most == session_id:
                raise HTTPException(
                    413, f"All uploads together would pass {ALL_BYTES} bytes: remove some of yours."
                )
            oldest = next(iter(self.file_storage[most].values()))
            self.remove_file(most, oldest.file_id)
            sizes[most] -= len(oldest.data)
