"""A training that begins with the radii of another network, on the command line."""

from pathlib import Path

import pytest

from rs_core.cli import main
from rs_core.models import read_spec
from rs_core.training import radii
from tests.words import over

SMALL = [
    "train",
    "--dataset",
    "digits",
    "--architecture",
    "mlp",
    "--epochs",
    "2",
    "--device",
    "cpu",
]
PICKER = [
    *(*SMALL, "--recipe", "dual_rs", "--sigma", "0.5", "--sigmas", "0.05", "0.5"),
    *("--radius-n", "40", "--radius-alpha", "0.05", "--agreement", "1", "--name", "pick"),
]


def trained(out: Path, seed: int) -> str:
    """The file of a small network of digits."""
    words = [*SMALL, "--sigma", "0.25", "--name", f"base{seed}", "--seed", str(seed)]
    assert main([*words, "--out", str(out)]) == 0
    (file,) = out.glob(f"base{seed}-*.safetensors")
    return str(file)


def test_a_picker_is_trained_resumed_and_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = trained(tmp_path, 0), trained(tmp_path, 1)
    ask = [*PICKER, "--out", str(tmp_path)]
    capsys.readouterr()
    assert main([*ask, "--base", one]) == 0
    said = capsys.readouterr().out
    assert "first 1,797 images are certified by base0-" in said
    assert "right is, of the sigmas, the one at which the image's radius is largest" in said
    (file,) = tmp_path.glob("pick-*.safetensors")
    spec = read_spec(str(file))
    assert spec.class_names == ("sigma 0.05", "sigma 0.5")
    assert spec.provenance["targets"].startswith("radii of base0-")
    assert main([*ask, "--base", one, "--resume"]) == 0
    files = list((tmp_path / "pick-checkpoint").glob("radii-*"))
    capsys.readouterr()
    assert main([*ask, "--base", other, "--resume"]) == 2
    assert "the checkpoint learned from radii of base0-" in capsys.readouterr().err
    assert list((tmp_path / "pick-checkpoint").glob("radii-*")) == files, "nothing was measured"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (PICKER, "learns from another network: name it, --base MODEL"),
        ([*SMALL, "--base", "mnist-conv4"], "--base does not apply to the recipe gaussian"),
        ([*PICKER, "--base", "mnist-conv4"], "told other classes"),
        ([*PICKER, "--base", "nothing"], "no weights at 'nothing'"),
        ([*over(PICKER, ["--sigma", "0.25"]), "--base", "mnist-conv4"], "largest of the sigmas"),
        ([*PICKER, "--base", "mnist-conv4", "--per-image", "insta"], "leave it out"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_radii_are_kept_when_somebody_interrupts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    base, keep = trained(tmp_path, 0), radii.draw_votes
    asked: list[int] = []

    def third_is_one_too_many(*words: object, **more: object) -> object:
        asked.append(1)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return keep(*words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(radii, "draw_votes", third_is_one_too_many)
    ask = [*PICKER, "--out", str(tmp_path), "--base", base]
    assert main(ask) == 130
    assert "the same command goes on from the radii that are finished" in capsys.readouterr().err
    asked.extend([1] * 10)
    monkeypatch.setattr(radii, "draw_votes", keep)
    assert main(ask) == 0
