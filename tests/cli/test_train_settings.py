"""Settings of `rs train` from a preset, a file, an earlier training; and `rs export`."""

import json
from pathlib import Path
from typing import Any

import pytest

from rs_core.cli import main
from rs_core.cli.commands.train import TrainCommand
from rs_core.cli.parser import checked_arguments
from rs_core.cli.train_options import RECORD, written_out
from rs_core.errors import CheckpointError, ParameterError, UnknownNameError
from rs_core.models import load_model
from rs_core.store import CHECKPOINT_FOLDER, Progress, RunStore, owner_id
from rs_core.training import PRESETS
from rs_core.training.checkpoints.files import FILE_NAME, load_checkpoint

TINY = [
    *("train", "--dataset", "digits", "--widths", "4", "4", "4", "4", "--epochs", "1"),
    *("--batch-size", "512", "--device", "cpu"),
]


def config(folder: Path, value: Any) -> str:
    path = folder / "config.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return str(path)


def parsed(words: list[str]) -> Any:
    import tyro

    words = TrainCommand.written_out(words)
    command = TrainCommand.for_arguments(words)
    return tyro.cli(
        command,
        args=checked_arguments(command, words),
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes),
    )


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_can_be_named(name: str) -> None:
    command = parsed(["--preset", name])
    assert command.chosen == PRESETS[name].recipe
    assert command.recipe == PRESETS[name].name
    assert command.architecture == PRESETS[name].architecture
    assert command.source.dataset == PRESETS[name].dataset
    assert (command.mean or ()) == PRESETS[name].mean


def test_the_command_line_wins_over_the_file_and_the_file_over_the_preset(tmp_path: Path) -> None:
    file = config(
        tmp_path,
        {"preset": "cohen-cifar10", "epochs": 7, "sigma": 0.5, "drops": [2, 4], "nesterov": True},
    )
    command = parsed(["--config", file, "--epochs", "9"])
    assert command.recipe == "gaussian"
    assert command.settings.epochs == 9
    assert command.settings.sigma == 0.5
    assert command.settings.drops == (2, 4)
    assert command.settings.nesterov is True
    assert command.settings.batch_size == 400
    file = config(tmp_path, {"recipe": "macer", "noises": 8, "clip": 1e-3, "augment": "none"})
    command = parsed([f"--config={file}"])
    assert (command.settings.noises, command.settings.clip) == (8, 1e-3)
    assert command.settings.augment == "none"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"learning_rat": 0.1}, "unknown setting 'learning_rat'. Did you mean 'learning_rate'"),
        (
            {"recipe": "gaussian", "eps": 1},
            "--eps is a setting of smoothadv, adversarial and noise_injection",
        ),
        ({"recipe": "gausian"}, "unknown recipe 'gausian'. Did you mean 'gaussian'"),
        ({"preset": "cohen-cifar"}, "unknown preset 'cohen-cifar'. Did you mean 'cohen-cifar10'"),
        ({"preset": "cohen-cifar10", "recipe": "macer"}, "is of the recipe gaussian, not macer"),
        ({"config": "x.json"}, "unknown setting 'config'"),
        ({"epochs": "ten"}, 'epochs="ten" is text: give a number'),
        ({"sigma": "0.25"}, 'sigma="0.25" is text: give a number'),
        ({"drops": [2, "4"]}, "is text: give a number"),
        ({"epochs": {"a": 1}}, "is an object"),
        ({"epochs": True}, "epochs=true is on or off: give a value"),
        ({"nesterov": 1}, "nesterov=1 is neither on nor off"),
        ({"drops": []}, "cannot be a list"),
        ([1, 2], "holds no JSON object"),
        ("{", "is no JSON"),
    ],
)
def test_a_bad_config_is_one_sentence(
    value: object, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TINY, "--out", str(tmp_path / "o"), "--config", config(tmp_path, value)]) == 2
    shown = capsys.readouterr()
    assert words in shown.err
    assert shown.err.count("\n") == 1
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("value", [0, -1, 1.5, 10**9])
def test_epochs_out_of_range_in_a_config(
    value: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [w for w in TINY if w not in ("--epochs", "1")]
    assert main([*words, "--config", config(tmp_path, {"epochs": value})]) == 2
    assert "epochs" in capsys.readouterr().err


def test_a_config_names_each_setting_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python's reader keeps the last of two without a word."""
    file = tmp_path / "twice.json"
    file.write_text('{"sigma": 0.25, "epochs": 1, "sigma": 0.5}')
    assert main([*TINY, "--out", str(tmp_path / "o"), "--config", str(file)]) == 2
    assert "the key 'sigma' occurs twice" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_a_config_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="cannot be read"):
        written_out(TrainCommand, ["--config", str(tmp_path / "none.json")])
    with pytest.raises(ParameterError, match="--config has no value"):
        written_out(TrainCommand, ["--config", "--epochs", "3"])
    with pytest.raises(UnknownNameError, match="preset"):
        written_out(TrainCommand, ["--preset", "nothing"])


def test_a_run_is_resumed_by_its_folder_alone_wherever_it_lies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*TINY, "--name", "m", "--out", "a", "--recipe", "universal_sigma"]) == 0
    wrote = capsys.readouterr().out.splitlines()[-1]
    (tmp_path / "a").rename(tmp_path / "b")
    run = tmp_path / "b" / "m-checkpoint"
    before = (run / RECORD).read_bytes()
    monkeypatch.chdir("/")
    assert main(["train", "--resume", str(run)]) == 0
    again = capsys.readouterr().out
    assert "epoch 1/1" not in again
    assert again.splitlines()[-1] == wrote.replace("a/m-", f"{tmp_path}/b/m-")
    assert main(["train", "--resume", str(run), "--epochs", "5"]) == 2
    assert "epochs 1 against 5" in capsys.readouterr().err
    assert (run / RECORD).read_bytes() == before


def test_a_folder_without_a_training_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CheckpointError, match="holds no training"):
        written_out(TrainCommand, ["--resume", str(tmp_path)])
    run = tmp_path / "m-checkpoint"
    run.mkdir()
    (run / RECORD).write_text("[1")
    with pytest.raises(CheckpointError, match="is damaged"):
        written_out(TrainCommand, [f"--resume={run}"])
    assert main(["export", str(run)]) == 2
    assert "there is no checkpoint" in capsys.readouterr().err


def test_export_writes_the_same_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main([*TINY, "--name", "m", "--out", str(tmp_path), "--architecture", "conv4-sigma"]) == 0
    )
    (wrote,) = tmp_path.glob("m-*.safetensors")
    capsys.readouterr()
    run = tmp_path / "m-checkpoint"
    assert main(["export", str(run), "--out", str(tmp_path / "x"), "--name", "n", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    (exported,) = (tmp_path / "x").glob("n-*.safetensors")
    assert exported.read_bytes() == wrote.read_bytes()
    _, spec = load_model(exported)
    assert spec.provenance["epochs_done"] == facts["epochs_done"] == 1
    assert spec.train_sigma == (0.25, 0.25)
    assert main(["export", str(run)]) == 0
    assert "after 1 whole epoch (finished)" in capsys.readouterr().out
    saved = load_checkpoint(run)
    assert saved is not None
    (run / FILE_NAME).write_bytes(b"nothing")
    assert main(["export", str(run)]) == 2
    assert "not a checkpoint" in capsys.readouterr().err


def test_export_takes_the_id_of_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert main([*TINY, "--name", "m", "--out", "own"]) == 0
    (wrote,) = (tmp_path / "own").glob("m-*.safetensors")
    store = RunStore(tmp_path / "home")
    run, claim = store.create(owner_id("ann"), key="k", kind="train", title="t", request={})
    assert main(["export", run.job]) == 2
    assert "there is no checkpoint" in capsys.readouterr().err
    kept = store.folder(run.job) / CHECKPOINT_FOLDER
    (tmp_path / "own" / "m-checkpoint").rename(kept)
    assert main(["export", run.job]) == 0
    assert (tmp_path / "runs" / wrote.name).read_bytes() == wrote.read_bytes()
    raw = wrote.with_suffix(".json").read_bytes()
    model, _ = store.belongings.keep_model(owner_id("ann"), wrote.read_bytes(), raw)
    store.finish(run.job, {"model": f"upload:{model}"}, Progress(), drop=CHECKPOINT_FOLDER)
    claim.release()
    store.close()
    assert not kept.exists()
    assert main(["export", run.job, "--out", "x", "--name", "n"]) == 0
    assert "after 1 whole epoch (finished)" in capsys.readouterr().out
    (exported,) = (tmp_path / "x").glob("n-*.safetensors")
    assert exported.read_bytes() == wrote.read_bytes()


def test_a_deleted_probe_image_is_named_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    probe = tmp_path / "probe.png"
    command = [*TINY, "--out", str(tmp_path / "o"), "--probes", "digit-3", str(probe)]
    assert main(command) == 2
    assert "probe.png cannot be read" in capsys.readouterr().err
    assert main(command[:-1]) == 0
    shown = capsys.readouterr().out
    assert "probe radii" in shown
    assert "the network of its own epoch" in shown
