import json

import pytest

from rs_core.cli import main

PREDICT = ["predict", "--device", "cpu", "--sigma", "0.25"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["predict"], "--sigma is missing: give it (noise level"),
        (["certify", "--sigma", "0.5", "0.5"], "--sigma names a level twice"),
        (["certify", "--sigma", "0.5", "-1"], "is out of range"),
        (["predict", "--sigma"], "--sigma has no value"),
        (["predict", "--sigma", "abc"], "--sigma 'abc' is not a number"),
        (["predict", "--sigma", "0.1", "0.2"], "--sigma takes one value, not 2"),
        ([*PREDICT, "--n", "1.5"], "--n '1.5' is not a whole number: give one, e.g. 1000 or 1e3"),
        ([*PREDICT, "--n", "1e400"], "is not a whole number"),
        ([*PREDICT, "--n", "nan"], "is not a whole number"),
        ([*PREDICT, "--threads", "many"], "is not a whole number"),
        ([*PREDICT, "--nope"], "unknown option '--nope'"),
        ([*PREDICT, "--batchsize", "3"], "Did you mean '--batch-size'?"),
        ([*PREDICT, "--json", "yes"], "--json takes no value"),
        (["predict", "stray"], "'stray' stands alone"),
        (["certify"], "--sigma is missing"),
        (["sweep", "--sigmas", "0.1", "x"], "--sigmas 'x' is not a number"),
        (["sweep", "--sigmas"], "--sigmas has no value"),
        (["train", "--widths", "8", "x"], "--widths 'x' is not a whole number"),
        (["train", "--recipe"], "--recipe has no value"),
        (["app", "--port", "http"], "--port 'http' is not a whole number"),
        (
            [*PREDICT, "--precision", "fp64"],
            "'fp64' is not known: choose one of auto, fp32",
        ),
        ([*PREDICT, "--sigma", "0.5"], "--sigma is given more than once: give it once"),
        ([*PREDICT, "--n=5", "--n", "6"], "--n is given more than once"),
        ([*PREDICT, "--batch-size", "5", "--batch_size=6"], "--batch-size is given more than once"),
        ([*PREDICT, "--json", "--no-json"], "--json and --no-json are both given: leave one out"),
        (["sweep", "--sigmas", "0.1", "--sigmas", "0.2"], "takes them one after the other"),
        (["train", "--epochs", "1", "--epochs", "2"], "--epochs is given more than once"),
        (["select", "--selector", "fixed", "--selector", "knn"], "--selector is given more than"),
        ([*PREDICT[:-1], "8/0"], "--sigma '8/0' is not a number: give one, e.g. 0.5 or 8/255"),
        ([*PREDICT[:-1], "8/255/2"], "--sigma '8/255/2' is not a number"),
        ([*PREDICT[:-1], "/255"], "--sigma '/255' is not a number"),
        (["models", "--jsn"], "Did you mean '--json'?"),
    ],
)
def test_a_wrong_word_gets_one_sentence(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert words in shown.err
    assert shown.err.count("\n") == 1
    assert "invalid literal" not in shown.err


@pytest.mark.parametrize("n", ["100", "1e2", "100.0", "+100"])
def test_whole_numbers_may_be_written_as_elsewhere(
    n: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*PREDICT, "--n", n, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 100


def test_a_number_may_be_a_fraction_as_papers_write_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["predict", "--sigma", "64/255", "--n", "50", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sigma"] == 64 / 255
    assert main(["sweep", "--sigmas", "32/255", "1/4", "--n", "50", "--n0", "10", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [c["sigma"] for c in found["certificates"]] == [32 / 255, 0.25]


def test_every_spelling_of_an_option_still_works(capsys: pytest.CaptureFixture[str]) -> None:
    spelt = ["predict", "--sigma=2.5e-1", "--n=100", "--batch_size", "64", "--threads", "None"]
    assert main([*spelt, "--no-download", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sigma"] == 0.25
    settings = ["--sigmas", "0.25", "0.5", "--n", "50", "--no-simultaneous", "--json"]
    assert main(["sweep", *settings]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [c["sigma"] for c in found["certificates"]] == [0.25, 0.5]
