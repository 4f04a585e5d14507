"""The house rules of ARCHITECTURE.md, held by reading the code."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import rs_core

ROOT = Path(__file__).resolve().parents[1]
ENGINE = sorted((ROOT / "rs_core").rglob("*.py"))
FACE = [ROOT / "app.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "rs_ui").rglob("*.py")]

FLOOR = {
    "errors": 0, "fields": 0, "events": 0, "results": 0, "statistics": 0, "durable": 0,
    "allocator": 0, "strict_json": 0, "seed_origin": 0, "pixel_grid": 0,
    "abstention": 0, "caveats": 0,
    "seeding": 1, "assets": 1, "models": 1, "classifiers": 1, "datasets": 1,
    "images": 1,
    "smoothing": 2,
    "selectors": 3, "guarantees": 3, "attacks": 3,
    "evaluation": 4, "logs": 4, "training": 4, "experiments": 4, "papers": 4,
    "worker": 5, "store": 5, "plots": 5, "api": 5,
    "cli": 6, "__main__": 6, "__init__": 6,
}  # fmt: skip
TORCH_FREE = (
    *("errors", "fields", "events", "results", "abstention", "statistics"),
    *("caveats", "seeding", "strict_json", "seed_origin"),
    *("assets", "images", "datasets", "plots", "evaluation", "logs", "store"),
)
WINGS = ("rs_ui", "rs_core.plots", "rs_core.worker.tasks")
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in (*ENGINE, *(ROOT / "rs_ui").rglob("*.py"))
}
VAGUE = {"utils", "helpers", "common", "manager", "types", "misc"}


def room(path: Path) -> str:
    return path.relative_to(ROOT / "rs_core").parts[0].removesuffix(".py")


def imports(path: Path) -> list[str]:
    """Every imported module, those inside functions too; `if TYPE_CHECKING` blocks are left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
    return found


def imported_modules(name: str) -> set[str]:
    """Our modules that one imports: anywhere in it, and for types alone too."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {part if part in MODULES else node.module for part in parts}
    return found & MODULES.keys() - {name}


def test_no_import_comes_back_to_where_it_began() -> None:
    """The package itself is left out: it names what it offers, and nothing inside needs that."""
    needs = {name: imported_modules(name) - {"rs_core"} for name in MODULES if name != "rs_core"}
    while settled := {name for name, found in needs.items() if not found & needs.keys()}:
        needs = {name: found for name, found in needs.items() if name not in settled}
    assert not needs, f"these import each other, or hang on such: {sorted(needs)}"


@pytest.mark.parametrize("house", WINGS)
def test_no_wing_imports_another(house: str) -> None:
    """Wings bear the names of the face's own; what two of them need lies beside them."""
    wings = {path.name for path in (ROOT / "rs_core" / "plots").iterdir() if path.is_dir()}
    wings |= {"certify"}

    def wing(module: str) -> str:
        rest = module.removeprefix(f"{house}.").split(".")[0] if module.startswith(house) else ""
        return rest if rest in wings else ""

    for name in filter(wing, MODULES):
        others = {other for other in imported_modules(name) if wing(other) not in ("", wing(name))}
        assert not others, f"{name} imports {others}"


def test_a_folder_is_seen_at_a_glance() -> None:
    for top in ("rs_core", "rs_ui", "pages", "benchmarks", "scripts"):
        for folder in {path.parent for path in (ROOT / top).rglob("*.py")}:
            assert len(list(folder.glob("*.py"))) <= 15, folder


@pytest.mark.parametrize("path", ENGINE, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_downwards_only(path: Path) -> None:
    here = room(path)
    assert here in FLOOR, f"{here} has no floor: put it in ARCHITECTURE.md and in this table"
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "rs_core" or len(parts) < 2 or parts[1] == here:
            continue
        assert FLOOR[parts[1]] <= FLOOR[here], f"{here} imports upwards from {name}"


@pytest.mark.parametrize("path", ENGINE, ids=lambda p: str(p.relative_to(ROOT)))
def test_libraries_stay_in_their_rooms(path: Path) -> None:
    here = room(path)
    tops = {name.split(".")[0] for name in imports(path)}
    assert "streamlit" not in tops
    assert "plotly" not in tops or here == "plots"
    assert "tyro" not in tops or here == "cli"
    if FLOOR[here] == 0 or here == "plots":
        assert not tops & {"torch", "torchvision"}
    if FLOOR[here] == 0:
        assert tops <= {*sys.stdlib_module_names, "numpy", "scipy", "rs_core"}


@pytest.mark.parametrize("path", FACE, ids=lambda p: str(p.relative_to(ROOT)))
def test_pages_see_only_the_torch_free_side(path: Path) -> None:
    allowed = {"errors", "fields", "events", "results", "statistics"}
    allowed |= {"abstention", "strict_json", "store", "plots", "logs"}
    for name in imports(path):
        parts = name.split(".")
        assert parts[0] != "torch"
        assert parts[0] != "rs_core" or parts[1] in allowed, f"{path.name} imports {name}"


def test_selectors_and_attacks_cannot_certify() -> None:
    for path in ENGINE:
        if room(path) in ("selectors", "attacks"):
            assert not [name for name in imports(path) if "certify" in name or "guarantees" in name]


@pytest.mark.parametrize("path", [*ENGINE, *FACE], ids=lambda p: str(p.relative_to(ROOT)))
def test_rooms_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    limit = 150 if path.parent.name == "pages" else 300
    assert len(text.splitlines()) <= limit
    assert path.stem not in VAGUE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert lines <= 40, f"{path.name}:{node.name} has {lines} lines of body"


def test_public_names_are_sorted_and_load() -> None:
    exported = rs_core.__all__
    constants = [n for n in exported if n.isupper()]
    classes = [n for n in exported if n[0].isupper() and not n.isupper()]
    functions = [n for n in exported if n[0].islower()]
    assert exported == sorted(constants) + sorted(classes) + sorted(functions)
    for name in exported:
        assert getattr(rs_core, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        rs_core.nothing  # noqa: B018


@pytest.mark.parametrize("name", ["rs_core", "rs_core.cli", *(f"rs_core.{n}" for n in TORCH_FREE)])
def test_torch_free_rooms_import_without_torch(name: str) -> None:
    code = f"import sys, {name}; sys.exit('torch' in sys.modules)"
    finished = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True)
    assert finished.returncode == 0, finished.stderr.decode()


def test_no_path_of_one_machine_is_committed() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    homes = [f"/{top}/" for top in ("work", "root", "home", "Users")]
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = ROOT / name
        readable = path.suffix in {".py", ".md", ".toml", ".json", ".txt", ".sh", ".tsv"}
        if readable and path.is_file() and path != Path(__file__):
            text = path.read_text(encoding="utf-8")
            assert not [home for home in homes if home in text], name
