"""Write docs/files.md: every module of the engine and the face, and what it is."""

import ast
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INDEX = ROOT / "docs" / "files.md"
HEAD = """# Files

Every module and what it is, by the first line of its docstring; ARCHITECTURE.md says how they stand
together. Written by `scripts/file_index.py`; a test holds it to the code.
"""


def index_text() -> str:
    """The document: a table for each folder."""
    tops = (ROOT / top for top in ("rs_core", "rs_ui", "pages"))
    paths = sorted(
        (path for top in tops for path in top.rglob("*.py")), key=lambda p: (p.parent, p)
    )
    parts = [HEAD]
    for folder, modules in groupby(paths, key=lambda path: path.parent):
        rows = [f"| `{path.name}` | {_first_line(path)} |" for path in modules]
        name = folder.relative_to(ROOT)
        table = [f"\n## {name}/\n", "| file | what it is |", "|---|---|", *rows, ""]
        parts.append("\n".join(table))
    return "".join(parts)


def _first_line(path: Path) -> str:
    words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return words.split("\n\n")[0].replace("\n", " ").replace("|", "\\|")


if __name__ == "__main__":
    INDEX.write_text(index_text(), encoding="utf-8")
