"""What is kept of an attack: ballots, tables, files."""

from dataclasses import replace
from io import BytesIO, StringIO

import numpy as np
import pytest
from PIL import Image

from rs_core.errors import ParameterError
from rs_core.logs.adversarial_files import arrays_file, png_file
from rs_core.logs.attack import write_trial
from rs_core.logs.columns import ATTACK_COLUMNS, TRANSFER_COLUMNS
from rs_core.logs.origin import Origin
from rs_core.logs.transfer import write_transfer
from rs_core.results.attack import ALREADY, AttackResult, Confirmation, TransferMatrix
from rs_core.results.attack_trial import AttackTrial, Ballot, is_already


def made_trial(shape: tuple[int, int, int] = (1, 4, 4), **changes: object) -> AttackTrial:
    """A smoothed trial of one image, broken from class 1 to class 0."""
    pixels = np.full(shape, 0.333, np.float32)
    said = Confirmation(0, (90, 10, 0), 0.25, 100, 0.0005)
    result = AttackResult(
        attack="epgd", target="", label=1, goal=None, adversarial=pixels, success=True, l2=0.4,
        linf=0.1, stored_l2=0.41, stored_linf=0.11, loss_trace=(0.1, 0.5), sigma=0.25, passes=12.5,
        weights_id="w", precision="bf16", image_digest="d", seed=4, confirmed=True,
        stored_confirmed=True, confirmations=(said, said),
    )  # fmt: skip
    trial = AttackTrial(
        attack="epgd", settings={"sigma": 0.25, "norm": "l2", "eps": 0.5}, selector=None,
        selector_settings={}, names=("a picture",), labels=(None,), results=(result,),
        before=(Ballot((10, 90, 0), (0.2, 0.8), 0.25, 100),),
        after=(Ballot((90, 10, 0), (0.7, 0.3), 0.25, 100),),
        check=None, n=100, alpha=0.001, confirmations=2, indices=(3,),
    )  # fmt: skip
    of_result = {k: v for k, v in changes.items() if k in AttackResult.__dataclass_fields__}
    of_trial = {k: v for k, v in changes.items() if k not in of_result}
    return replace(trial, results=(replace(result, **of_result),), **of_trial)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((0, 100, 0), 1),
        ((100, 0, 0), 0),
        ((50, 50, 0), None),
        ((45, 55, 0), None),
        ((0, 0, 100), None),  # an INVALID majority
        ((0, 20, 80), None),
    ],
)
def test_a_ballot_is_predicted_as_predict_does(counts: tuple[int, ...], expected: object) -> None:
    ballot = Ballot(counts, (0.5, 0.5), 0.25, 100)
    assert ballot.predicted(0.001) == expected
    assert sum(ballot.shares) == pytest.approx(1)


def test_the_network_s_own_answer_needs_no_test() -> None:
    ballot = Ballot((0, 1, 0), (0.4, 0.6), None, 1)
    assert ballot.predicted(1e-9) == 1
    assert ballot.shares == (0.4, 0.6, 0.0)
    assert Ballot((0, 0, 1), (0.0, 0.0), None, 1).predicted(0.1) is None
    assert Ballot((0, 0, 1), (0.0, 0.0), None, 1).shares == (0.0, 0.0, 1.0)


def test_already_is_read_from_the_notes() -> None:
    assert not is_already(made_trial().results[0])
    assert is_already(made_trial(notes=(ALREADY,)).results[0])


def test_the_table_has_a_row_per_image_in_full_precision() -> None:
    out = StringIO()
    write_trial(out, made_trial(notes=("one\tnote", "two"), l2=1 / 3))
    header, row = (line.split("\t") for line in out.getvalue().splitlines())
    assert tuple(header) == ATTACK_COLUMNS
    cells = dict(zip(header, row, strict=True))
    assert float(cells["l2"]) == 1 / 3
    assert (cells["idx"], cells["label"], cells["leave"], cells["reach"]) == ("3", "", "1", "")
    assert (cells["before"], cells["after"], cells["confirmed"]) == ("1", "0", "1")
    assert cells["notes"] == "one note; two"
    assert (cells["weights"], cells["precision"]) == ("w", "bf16")


def test_an_abstention_is_minus_one_in_the_table() -> None:
    out = StringIO()
    write_trial(out, made_trial(after=(Ballot((50, 50, 0), (0.5, 0.5), 0.25, 100),)))
    assert (
        dict(zip(*(x.split("\t") for x in out.getvalue().splitlines()), strict=True))["after"]
        == "-1"
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_a_png_holds_exactly_what_is_stored(channels: int) -> None:
    rng = np.random.default_rng(0)
    stored = rng.integers(0, 256, (channels, 5, 7)).astype(np.float32) / np.float32(255)
    read = np.asarray(Image.open(BytesIO(png_file(stored))))
    back = (read[None] if channels == 1 else read.transpose(2, 0, 1)).astype(np.float32)
    assert np.array_equal(back / np.float32(255), stored)


@pytest.mark.parametrize("pixels", [np.full((1, 2, 2), 0.333), np.full((1, 2, 2), 2.0)])
def test_other_pixels_are_no_8_bit_picture(pixels: np.ndarray) -> None:
    with pytest.raises(ParameterError, match="no 8-bit picture"):
        png_file(pixels.astype(np.float32))
    with pytest.raises(ParameterError, match="no 8-bit picture"):
        png_file(np.zeros((2, 2, 2), np.float32))


def test_arrays_are_read_without_pickle() -> None:
    trial = made_trial()
    image = np.zeros((1, 4, 4), np.float32)
    with np.load(BytesIO(arrays_file(trial, [image])), allow_pickle=False) as found:
        assert np.array_equal(found["adversarial"][0], trial.results[0].adversarial)
        assert np.array_equal(found["stored"][0], trial.results[0].stored)
        assert found["image"].shape == (1, 1, 4, 4)
        assert (list(found["name"]), list(found["leave"])) == (["a picture"], [1])
        assert bool(found["confirmed"][0])


def test_a_transfer_table_has_a_row_per_entry() -> None:
    rates, clean = np.array([[0.25, 1 / 3], [0.5, 1.0]]), np.array([0.0, 0.1])
    out = StringIO()
    matrix = TransferMatrix(("s", "s"), ("pgd", "epgd"), ("t", "u"), rates, clean, 8, 0.001)
    write_transfer(out, matrix)
    rows = [line.split("\t") for line in out.getvalue().splitlines()]
    assert tuple(rows[0]) == TRANSFER_COLUMNS
    assert [float(row[3]) for row in rows[1:]] == [0.25, 1 / 3, 0.5, 1.0]
    assert rows[2][:3] == ["s", "pgd", "u"]
    assert rows[2][7:9] == ["", ""], "an older version did not count abstentions"
    silent, none = np.array([[0.125, 0.0], [0.25, 1.0]]), np.array([0.0, 0.1])
    out = StringIO()
    write_transfer(out, replace(matrix, abstained=silent, clean_abstained=none))
    last = out.getvalue().splitlines()[-1].split("\t")
    assert last[3:9] == ["1.0", "0.1", "8", "0.001", "1.0", "0.1"]
    out, origin = StringIO(), Origin("mnist", "test", "rs transfer")
    write_transfer(out, matrix, weights={"s": "aa", "u": "bb"}, seed=4, origin=origin)
    last = dict(zip(rows[0], out.getvalue().splitlines()[-1].split("\t"), strict=True))
    assert (last["source_weights"], last["target_weights"], last["seed"]) == ("aa", "bb", "4")
    assert (last["dataset"], last["split"], last["command"]) == ("mnist", "test", "rs transfer")
