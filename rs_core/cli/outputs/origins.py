"""What was typed and which images were asked about, for rows and JSON that anybody can repeat."""

import os
import shlex
from dataclasses import asdict
from typing import Any

from rs_core.cli.choices import DataChoice
from rs_core.cli.pictures import ImageChoice, Picked
from rs_core.cli.terminal import words
from rs_core.logs.origin import Origin


def typed() -> str:
    """The command as it was typed, on one line, quoted for a shell."""
    name, arguments = words()
    return " ".join(["rs", name, *map(_quoted, arguments)]) if name else ""


def origin_of(choice: DataChoice, split: str | None = None) -> Origin:
    """Where the images of a command come from."""
    if choice.dataset is None:
        return Origin(command=typed())
    name = choice.set_name if choice.jpeg is None else f"{choice.set_name} (JPEG {choice.jpeg})"
    asked = choice.split if isinstance(choice, ImageChoice) else split
    return Origin(name, asked or ("" if choice.archive else "test"), typed())


def facts_of(origin: Origin, item: Picked | None = None) -> dict[str, Any]:
    """The origin of a JSON answer, by field; with which image it is about, if it is one alone."""
    shared = asdict(origin)
    if item is None:
        return shared
    image = item.image
    return {"name": image.name, "index": item.index, "label": image.label, **shared}


def _quoted(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    # Line ends, tabs, bytes that are no text: as bash and zsh write them, on one line.
    escaped = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b"\\'" else f"\\x{byte:02x}"
        for byte in os.fsencode(word)
    )
    return f"$'{escaped}'"
