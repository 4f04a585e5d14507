"""What a wheel holds: the engine, its assets, and no tests."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]


def test_the_wheel_brings_assets_and_every_room(tmp_path: Path) -> None:
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(tmp_path), "."]
    shutil.rmtree(ROOT / "build", ignore_errors=True)  # else setuptools packs what was once there
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for path in sorted([*(ROOT / "rs_core").rglob("*.py"), *(ROOT / "rs_ui").rglob("*.py")]):
        assert str(path.relative_to(ROOT)) in names
    for path in (ROOT / "rs_core" / "papers" / "data").iterdir():
        assert str(path.relative_to(ROOT)) in names
    for path in (ROOT / "docs" / "studies").glob("*/result.json"):
        assert f"rs_lab_studies/{path.relative_to(ROOT / 'docs' / 'studies')}" in names
    for path in sorted((ROOT / "assets").rglob("*")):
        if path.is_file():
            assert f"rs_lab_assets/{path.relative_to(ROOT / 'assets')}" in names
    for path in (ROOT / "LICENSE", *(ROOT / "LICENSES").iterdir()):
        assert any(name.endswith(f"licenses/{path.relative_to(ROOT)}") for name in names)
    assert not [name for name in names if name.startswith("tests")]
    assert any(name.endswith("share/rs-lab/app.py") for name in names)


def test_every_dependency_has_a_lowest_version_and_ours_is_not_below() -> None:
    """`scripts/versions.sh` installs exactly those."""
    pins = dict(line.split("==") for line in _lines("constraints.txt"))
    for line in _lines("requirements.txt"):
        name, least = line.split(">=")
        wanted = Requirement(line)
        assert (wanted.name, str(wanted.specifier)) == (name, f">={least}")
        assert name not in pins or wanted.specifier.contains(pins[name])


def _lines(name: str) -> list[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
