from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rs_core.cli import main
from rs_core.models import read_spec
from rs_core.training import EpochDone
from rs_core.training.checkpoints.files import FILE_NAME, load_checkpoint
from tests.words import over

TINY = [
    *("train", "--dataset", "digits", "--widths", "4", "4", "4", "4"),
    *("--batch-size", "256", "--device", "cpu"),
]


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert "epoch 1" not in shown.out
    assert shown.err.count("\n") == 1
    return shown.err


@pytest.mark.parametrize("name", ["../../evil", "größe", "a/b", "", "x" * 81])
def test_a_name_that_cannot_name_a_file_is_refused_before_training(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = refused([*TINY, "--out", str(tmp_path / "a" / "b"), "--name", name], capsys)
    assert "cannot name a file" in words
    assert list(tmp_path.iterdir()) == []


def test_an_out_that_cannot_be_a_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", Path("/proc/nothing")):
        assert "cannot be made a folder" in refused([*TINY, "--out", str(out)], capsys)
    (tmp_path / "m-checkpoint").touch()
    words = refused([*TINY, "--out", str(tmp_path), "--name", "m"], capsys)
    assert "cannot be a folder of checkpoints" in words
    (tmp_path / "n-checkpoint" / FILE_NAME).mkdir(parents=True)
    words = refused([*TINY, "--out", str(tmp_path), "--name", "n"], capsys)
    assert "Is a directory" in words


def test_widths_are_for_conv4(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = refused([*TINY, "--architecture", "lenet"], capsys)
    assert "--widths does not apply to lenet: it is for conv4, conv4-cpni, conv4-sigma" in words
    words = refused([*TINY, "--architecture", "conv5"], capsys)
    assert "unknown network 'conv5'. Did you mean 'conv4'?" in words
    assert "vgg" not in words
    narrow = [*over(TINY, ["--widths", "4", "4", "8"]), "--out", str(tmp_path / "out")]
    assert "give four whole numbers" in refused(narrow, capsys)
    assert list(tmp_path.iterdir()) == []


def test_a_resumed_training_keeps_its_recipe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*TINY, "--epochs", "1", "--name", "m", "--out", str(tmp_path)]
    assert main([*command, "--recipe", "smoothadv"]) == 0
    run = tmp_path / "m-checkpoint"
    for other in ("gaussian", "macer"):
        words = refused(["train", "--resume", str(run), "--recipe", other], capsys)
        assert f"is a training by smoothadv, which cannot go on by {other}" in words
        words = refused([*command, "--resume", "--recipe", other], capsys)
        assert "belongs to a training by SmoothAdv, not by" in words
    assert main(["train", "--resume", str(run), "--recipe", "smoothadv"]) == 0
    capsys.readouterr()
    assert main([*command, "--recipe", "gaussian"]) == 0
    assert "m-checkpoint of a finished training is replaced" in capsys.readouterr().err


def test_a_setting_of_another_recipe_is_said_to_be_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = (
        "--sigma-low is a setting of smoothadv, macer, consistency and dual_rs, not of gaussian"
    )
    assert expected in refused([*TINY, "--sigma-low", "0.1"], capsys)
    assert expected in refused([*TINY, "--sigma_low=0.1"], capsys)
    config = tmp_path / "c.json"
    config.write_text('{"sigma_low": 0.1}')
    assert expected in refused([*TINY, "--config", str(config)], capsys)


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ('"epochs": 0', "epochs=0 is out of range"),
        ('"epochs": "many"', 'epochs="many" is text: give a number'),
        ('"epochs": 1, "epochs": 2', "the key 'epochs' occurs twice"),
        ('"nesterov": 1', "neither on nor off"),
        ('"epoch": 1', "Did you mean 'epochs'?"),
        ('"schedule": "stepp"', "schedule"),
    ],
)
def test_a_complaint_about_a_config_names_its_file(
    setting: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "settings.json"
    config.write_text(f"{{{setting}}}")
    words = refused([*TINY, "--config", str(config)], capsys)
    assert str(config) in words
    assert complaint in words


def test_an_unknown_sample_suggests_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    words = refused([*TINY, "--probes", "digit-77"], capsys)
    assert "unknown image file or sample 'digit-77'. Did you mean 'digit-7'?" in words
    words = refused([*TINY, "--probes", "digit-77.png"], capsys)
    assert "digit-77.png" in words


def test_a_probe_that_is_trained_on_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*over(TINY, ["--dataset", "mnist5k"]), "--epochs", "1", "--out", str(tmp_path)]
    assert main([*command, "--probes", "digit-3", "digit-7"]) == 0
    shown = capsys.readouterr().out
    assert "training on 5,000 images of MNIST train (5,000); files" in shown
    assert "digit-3.png, digit-7.png are among the images that are trained on" in shown
    assert main([*command, "--exclude", "mnist5k", "--probes", "digit-3"]) == 2


def test_an_earlier_training_is_never_lost_silently(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [*TINY, "--epochs", "3", "--name", "m", "--out", str(tmp_path)]
    folder = tmp_path / "m-checkpoint"
    assert "there is no checkpoint" in refused([*command, "--resume"], capsys)

    def stopped() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rs_core.training.progress.Course.note_epoch", stopped_after(2, stopped))
    assert main(command) == 130
    monkeypatch.undo()
    saved = load_checkpoint(folder)
    assert saved is not None
    assert saved.epochs_done == 2
    before = (folder / FILE_NAME).read_bytes()
    assert "epoch 2 of 3" in refused(command, capsys)
    assert "there is no checkpoint" in refused(
        [*over(command, ["--name", "typo"]), "--resume"], capsys
    )
    assert (folder / FILE_NAME).read_bytes() == before
    (folder / FILE_NAME).write_bytes(before + b"x")
    assert main([*command, "--resume"]) == 0
    shown = capsys.readouterr()
    assert "damaged" in shown.err
    assert "after epoch 1" in shown.err
    assert "epoch 1/3" not in shown.out
    assert "epoch 3/3" in shown.out
    assert main(command) == 0  # a finished training was written as a model, so it may be replaced


def stopped_after(epochs: int, stop: Callable[[], None]) -> Callable[..., None]:
    from rs_core.training.progress import Course

    real = Course.note_epoch

    def note(self: Course, **facts: Any) -> EpochDone:
        if len(self.history) == epochs:
            stop()
        return real(self, **facts)

    return note


def test_what_an_accuracy_was_measured_on_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*TINY, "--epochs", "1", "--out", str(tmp_path / "out")]
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert f"files go to {tmp_path / 'out'}" in shown
    assert "test, images that are not trained on" in shown
    assert main([*over(command, ["--dataset", "mnist5k"]), "--name", "n"]) == 0
    shown = capsys.readouterr().out
    assert "that are trained on, so they are too high" in shown
    assert "a network trained on MNIST has seen them" in shown


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('{"recipe": "smoothadv", "multi_noise": false, "nesterov": false}', []),
        ('{"recipe": "smoothadv", "sigma": 1.0, "sigma_low": 0.5}', []),
        ('{"recipe": "smoothadv", "sigma_low": 0.5}', ["--sigma", "1"]),
        ('{"recipe": "smoothadv", "batch_size": 512, "noises": 128}', []),
        ('{"schedule": "step", "drops": [1], "weight_decay": 1e-4}', []),
        ('{"recipe": "gaussian", "epochs": 7}', ["--recipe", "smoothadv", "--eps", "1"]),
    ],
)
def test_a_config_may_hold_whatever_the_command_line_may(
    settings: str, words: list[str], tmp_path: Path
) -> None:
    config = tmp_path / "settings.json"
    config.write_text(settings)
    out = ["--epochs", "1", "--out", str(tmp_path)]
    assert main([*TINY, "--config", str(config), *words, *out]) == 0


def test_two_recipes_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [*TINY, "--recipe", "gaussian", "--recipe", "smoothadv", "--epochs", "1"]
    said = refused([*command, "--out", str(tmp_path / "out")], capsys)
    assert "--recipe is given more than once" in said
    assert not (tmp_path / "out").exists()
    assert "unknown option '--recorded'" in refused([*TINY, "--recorded"], capsys)


def test_a_refused_training_replaces_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*TINY, "--epochs", "1", "--name", "m", "--out", str(tmp_path)]
    assert main(command) == 0
    before = (tmp_path / "m-checkpoint" / FILE_NAME).read_bytes()
    assert "replaced" not in refused(over(command, ["--widths", "4", "4", "8"]), capsys)
    assert (tmp_path / "m-checkpoint" / FILE_NAME).read_bytes() == before


def test_a_training_begins_with_a_models_weights_and_resumes_without_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = [*TINY, "--epochs", "1", "--mean", "0.1", "--std", "0.9", "--out", str(tmp_path)]
    assert main([*first, "--name", "first"]) == 0
    (weights,) = tmp_path.glob("first-*.safetensors")
    bare = ["train", "--dataset", "digits", "--batch-size", "256", "--device", "cpu"]
    begun = [*bare, "--epochs", "2", "--init", str(weights), "--out", str(tmp_path)]
    assert "is a conv4, the network to train a lenet" in refused(
        [*begun, "--architecture", "lenet", "--name", "b"], capsys
    )
    assert "no weights at 'nothing'" in refused(over(begun, ["--init", "nothing"]), capsys)
    assert main([*begun, "--name", "b"]) == 0
    (made,) = tmp_path.glob("b-*.json")
    spec = read_spec(made)
    assert (spec.mean, spec.std) == ((0.1,), (0.9,))
    assert spec.options == {"widths": [4, 4, 4, 4]}
    assert spec.provenance["init"] == {
        "weights": weights.name, "sha256": read_spec(weights).sha256
    }  # fmt: skip
    for path in tmp_path.glob("first-*.*"):
        path.unlink()
    capsys.readouterr()
    assert main(["train", "--resume", str(tmp_path / "b-checkpoint")]) == 0
    assert "nothing is left to be learned" in capsys.readouterr().out
    again = read_spec(made)
    assert (again.sha256, again.mean, again.options) == (spec.sha256, spec.mean, spec.options)
    assert again.provenance["init"] == spec.provenance["init"]


def test_help_names_the_presets(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    assert "cohen-mnist-s025" in "".join(capsys.readouterr().out.split())


INSTA = ["--per-image", "insta", "--per-image-levels", "4", "--epochs", "2"]


def test_images_get_sigmas_of_their_own_and_a_file_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path), "--name", "m"]
    assert main([*TINY, *INSTA, *out]) == 0
    (sigmas,) = tmp_path.glob("m-*.sigmas.npz")
    assert f"wrote {sigmas}" in capsys.readouterr().out
    spec = read_spec(next(tmp_path.glob("m-*.safetensors")))
    assert spec.provenance["settings"]["per_image"]["levels"] == 4
    assert spec.train_sigma == (0.25, 0.5)
    assert main(["export", str(tmp_path / "m-checkpoint"), "--out", str(tmp_path / "e")]) == 0
    (exported,) = (tmp_path / "e").glob("*.sigmas.npz")
    assert np.array_equal(np.load(exported)["sigma"], np.load(sigmas)["sigma"])


def test_a_second_stage_takes_them_from_beside_the_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TINY, *INSTA, "--out", str(tmp_path), "--name", "m"]) == 0
    first = next(tmp_path.glob("m-*.safetensors"))
    stored = [*TINY[:3], *TINY[-2:], "--per-image", "stored", "--epochs", "1", "--name", "s"]
    words = [*stored, "--batch-size", "256", "--out", str(tmp_path), "--init", str(first)]
    assert main(words) == 0
    before, after = (np.load(next(tmp_path.glob(f"{n}-*.npz")))["sigma"] for n in "ms")
    assert np.array_equal(before, after)
    lost = [*stored, "--batch-size", "256", "--out", str(tmp_path / "n")]
    assert "needs the sigmas of an earlier training" in refused(lost, capsys)


def test_it_is_resumed_with_its_own_settings(tmp_path: Path) -> None:
    out = ["--out", str(tmp_path), "--name", "m"]
    assert main([*TINY, *INSTA, *out]) == 0
    assert main(["train", "--resume", str(tmp_path / "m-checkpoint")]) == 0


@pytest.mark.parametrize(
    "config",
    [
        '{"per_image": {"name": "insta", "levels": 4}, "epochs": 2}',
        '{"per_image": "insta", "per_image_levels": 4, "epochs": 2}',
    ],
)
def test_a_config_nests_or_lies_flat(config: str, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(config)
    words = ["--config", str(tmp_path / "c.json"), "--out", str(tmp_path), "--name", "m"]
    assert main([*TINY, *words]) == 0
    spec = read_spec(next(tmp_path.glob("m-*.safetensors")))
    assert spec.provenance["settings"]["per_image"]["levels"] == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--per-image-levels", "4"], "--per-image-levels is a setting of --per-image insta: give"),
        (["--per-image", "stored", "--per-image-n", "4"], "of --per-image data_dependent and pre"),
        (["--per-image", "insta", "--per-image-levles", "4"], "--per-image-levles is no setting"),
        (["--per-image", "instant"], "unknown per_image 'instant'. Did you mean 'insta'?"),
        (["--per-image", "insta", "--per-image-levels", "1"], "levels=1"),
        (["--per-image", "insta", "--recipe", "universal_sigma"], "take the recipe gaussian"),
        (["--per-image", "pretrain_finetune", "--sigma", "0.1"], "sigma_low=0.12 must lie below"),
    ],
)
def test_what_does_not_go_together_is_refused(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in refused([*TINY, *words, "--out", str(tmp_path / "out")], capsys)
    assert not (tmp_path / "out").exists()


def test_a_preset_with_sigmas_of_their_own_is_written_out(tmp_path: Path) -> None:
    words = ["--preset", "insta-cifar10-setting1", "--dataset", "digits", "--architecture", "mlp"]
    quick = ["--epochs", "1", "--drops", "1", "--per-image-first-epochs", "1", "--per-image-period"]
    mean = ["1", "--mean", "0", "--std", "1", "--out", str(tmp_path), "--name", "m"]
    assert main(["train", *words, *quick, *mean]) == 0
    spec = read_spec(next(tmp_path.glob("m-*.safetensors")))
    assert spec.provenance["settings"]["per_image"] == {
        "name": "insta", "levels": 16, "period": 1, "n": 8, "first_epochs": 1,
    }  # fmt: skip
