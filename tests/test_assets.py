"""The bundled files are found, are what SOURCES.md says, and stay small."""

import shutil
import subprocess
import sys
import tomllib
from hashlib import blake2b, sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import rs_core.assets
from rs_core.assets import asset_path, sample_names, sample_path, samples
from rs_core.datasets import DATASETS, load_dataset
from rs_core.errors import DataError, UnknownNameError
from rs_core.images import load_image
from rs_core.results import ModelSpec

ROOT = Path(__file__).resolve().parents[1]
CIFAR = ModelSpec("net", "stub", (3, 32, 32), DATASETS["cifar10"].class_names)
MNIST = ModelSpec("net", "stub", (1, 28, 28), DATASETS["mnist"].class_names)


def test_assets_are_found_beside_the_checkout() -> None:
    assert asset_path().name == "assets"
    assert asset_path("mnist5k.npz").stat().st_size < 1_500_000
    assert asset_path("samples").is_dir()


@pytest.mark.parametrize(
    "parts", [("missing.npz",), ("..", "pyproject.toml"), ("samples", "no.png")]
)
def test_other_files_are_not_assets(parts: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="is not among the files that come with RS Lab"):
        asset_path(*parts)


@pytest.mark.parametrize("installed", [True, False])
def test_assets_are_found_in_an_installed_wheel(tmp_path: Path, installed: bool) -> None:
    site = tmp_path / "site-packages"
    shutil.copytree(Path(rs_core.assets.__file__).parent, site / "rs_core")
    (site / "assets").mkdir()  # another package's folder, not ours
    if installed:
        shutil.copytree(asset_path("samples"), site / "rs_lab_assets" / "samples")
    code = "from rs_core.assets import sample_path; print(sample_path('cat'))"
    # -S: without the hooks by which an editable install would lead back to this checkout
    finished = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=site, capture_output=True, text=True, check=False
    )
    if installed:
        assert Path(finished.stdout.strip()) == site / "rs_lab_assets" / "samples" / "cat.jpg"
    else:
        assert "files that come with RS Lab are missing: install" in finished.stderr


def test_samples_are_small_and_listed() -> None:
    listed = {sample.file for sample in samples().values()}
    present = {file.name for file in asset_path("samples").iterdir()} - {"samples.json"}
    assert listed == present
    assert all(sample_path(name).stat().st_size <= 60_000 for name in sample_names())
    assert set(sample_names()) == {*sample_names("mnist"), *sample_names("cifar10")}
    assert len(sample_names("mnist")) == 4
    assert sample_names("imagenet") == ()


def test_an_unknown_sample_is_named() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'kitten'"):
        sample_path("kiten")


@pytest.mark.parametrize("name", sample_names("cifar10"))
def test_photographs_load_with_their_class(name: str) -> None:
    label = samples()[name].labels["cifar10"]
    image = load_image(sample_path(name), CIFAR, label=label)
    assert image.pixels.std() > 0.1
    kinds = {"kitten": "cat", "duck": "bird", "kingfisher": "bird"}
    assert CIFAR.class_names[label] == kinds.get(name, name)


@pytest.mark.parametrize("name", sample_names("mnist"))
def test_digits_are_the_training_images_they_say(name: str) -> None:
    data, sample = load_dataset("mnist5k", split="train"), samples()[name]
    pixels = np.asarray(Image.open(sample_path(name)))
    row = data.indices.tolist().index(sample.index)
    assert np.array_equal(pixels, data.images[row, ..., 0])
    assert data.labels[row] == sample.labels["mnist"]
    digest = blake2b(pixels.tobytes(), digest_size=16).hexdigest()
    assert len(data.without([digest])) == 4999
    assert load_image(sample_path(name), MNIST).preprocessing == ()


def test_sources_names_every_file_with_its_hash_author_and_licence() -> None:
    text = asset_path("SOURCES.md").read_text(encoding="utf-8")
    for file in (asset_path("mnist5k.npz"), *(sample_path(name) for name in sample_names())):
        assert sha256(file.read_bytes()).hexdigest() in text, file.name
    for sample in samples().values():
        assert sample.author in text
        assert sample.licence.replace("CC-BY-SA-", "CC BY-SA ") in text


def test_every_licence_of_what_ships_is_declared_and_brought() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = set(declared["license"].split(" AND "))
    shipped = {sample.licence for sample in samples().values()} - {"Public domain"}
    shipped.add(DATASETS["mnist5k"].licence.replace(" ", "-"))
    assert names == shipped | {"MIT"}
    texts = {path.stem for path in (ROOT / "LICENSES").iterdir()}
    assert texts == shipped
    assert declared["license-files"] == ["LICENSE", "LICENSES/*"]
