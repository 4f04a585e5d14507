"""A word for a network that is asked at another noise than it learned, or ends in a softmax."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from rs_core.classifiers import Classifier, devices
from rs_core.cli import choices, main
from rs_core.cli.remarks import ends_in_softmax, network_remarks
from rs_core.results import ModelSpec
from tests.conftest import Linear, spec_of

SHAPE = (1, 4, 4)


class Scores(Linear):
    """The same classes, as probabilities."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).softmax(dim=1)


def made(kind: type[Linear], trained: tuple[float, float] | None = None) -> Classifier:
    spec = replace(spec_of(SHAPE, 2), train_sigma=trained)
    return Classifier(kind(torch.ones(SHAPE), -8.0), spec)


@pytest.mark.parametrize(
    ("trained", "sigma", "said"),
    [
        ((0.12, 0.12), 0.5, "noise of sigma 0.12 and is asked at 0.5"),
        ((0.5, 0.5), 0.25, "noise of sigma 0.5 and is asked at 0.25"),
        ((0.25, 0.25), 0.25, ""),
        ((0.0, 1.0), 0.25, ""),
        ((0.0, 1.0), 2.0, "noise of sigma 0 to 1 and is asked at 2"),
        (None, 0.5, ""),
        ((0.12, 0.12), None, ""),
    ],
)
def test_another_noise_than_in_training_is_said(
    trained: tuple[float, float] | None, sigma: float | None, said: str
) -> None:
    found = list(network_remarks(made(Linear, trained), [sigma]))
    assert len(found) == bool(said)
    assert not said or said in found[0]


def test_probabilities_are_not_taken_for_logits() -> None:
    assert ends_in_softmax(made(Scores))
    assert not ends_in_softmax(made(Linear))
    (found,) = network_remarks(made(Scores), [])
    assert "votes and radii are the same" in found


def factory() -> tuple[Linear, ModelSpec]:
    return Linear(torch.ones(SHAPE), -8.0), spec_of(SHAPE, 2)


@pytest.mark.parametrize(
    ("model", "asked", "precision", "said"),
    [
        ("mnist-conv4", "auto", "bf16", False),
        ("mnist-conv4", "bf16", "bf16", False),
        ("mnist-conv4", "fp32", "fp32", False),
        ("tests.cli.test_remarks:factory", "auto", "fp32", True),
        ("tests.cli.test_remarks:factory", "bf16", "bf16", False),
        ("tests.cli.test_remarks:factory", "fp32", "fp32", False),
    ],
)
def test_why_a_factory_and_a_file_differ_in_precision_is_said(
    model: str, asked: str, precision: str, said: bool,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for place in (devices, choices):
        monkeypatch.setattr(place, "has_bf16", lambda device: True)
    chosen = choices.ModelChoice(model=model, device="cpu", precision=asked)
    assert chosen.load().precision == precision
    printed = capsys.readouterr()
    assert ("a factory's network stays in fp32" in printed.err) == said
    assert printed.out == ""  # where JSON may follow


def test_the_help_says_what_auto_means(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["certify", "--help"])
    shown = " ".join(capsys.readouterr().out.replace("\u2502", " ").split())
    assert "a factory's module stays fp32" in shown


def test_commands_say_it(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--device", "cpu", "--sigma", "2", "--n", "100"]
    for command in (["certify", *words, "--n0", "10"], ["predict", *words]):
        assert main(command) == 0
        assert "is asked at 2: radii hold" in capsys.readouterr().out
