"""Finds the sentences of the product that claim something about chance or about every change.

Docstrings, help texts of options and messages of errors claim nothing about a drawn result and are
left out.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACES = ("rs_core", "rs_ui", "pages")
CLAIM = re.compile(
    r"P\(|probability|chance|\u2264|<= alpha|holds? (together|for|against|with|by)|against anyone"
    r"|\bno change\b|no \*change|whatever \u03c3|whoever|all hold|false ones|stays\b|simultaneous"
    r"|anytime-valid|more than once in|is false|may be false|most that|certified again",
    re.IGNORECASE,
)
_NO_SENTENCE = ("param", "field", "add_argument", "compile", "ArgumentParser")


def claims() -> Iterator[tuple[str, str]]:
    """(file, sentence) of each, holes as {}."""
    for place in PLACES:
        for path in sorted((ROOT / place).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            for sentence in sentences(ast.parse(path.read_text(encoding="utf-8"))):
                if " " in sentence and CLAIM.search(sentence):
                    yield name, " ".join(sentence.split())


def sentences(tree: ast.Module) -> Iterator[str]:
    """The texts of a module that may be printed, f-strings and sums as one."""
    left_out: set[int] = set()
    for node in ast.walk(tree):
        if _is_documented(node):
            left_out |= {id(part) for part in ast.walk(node.body[0])}  # type: ignore[attr-defined]
        called = isinstance(node, ast.Call) and _name(node.func) in _NO_SENTENCE
        if called or isinstance(node, ast.Raise):
            left_out |= {id(part) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in left_out:
            continue
        text = _text(node)
        if text is not None:
            left_out |= {id(part) for part in ast.walk(node)}
            yield text


def _is_documented(node: ast.AST) -> bool:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return isinstance(node, kinds) and ast.get_docstring(node) is not None


def _name(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = _text(node.left), _text(node.right)
        return None if None in sides else f"{sides[0]}{sides[1]}"
    return None


if __name__ == "__main__":
    for file, sentence in claims():
        print(file, repr(sentence))
