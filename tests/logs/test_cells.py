import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_core.errors import DataError
from rs_core.logs.cells import REQUIRED, read_cell
from rs_core.logs.columns import COLUMNS
from rs_core.logs.tables import clock_text


def test_cohens_six_columns_come_first() -> None:
    assert COLUMNS[:6] == ("idx", "label", "predict", "radius", "correct", "time")
    assert COLUMNS[6:12] == ("sigma", "alpha", "n0", "n", "counts", "guarantee")
    assert COLUMNS[12:14] == ("weights", "precision")
    assert COLUMNS[14:19] == ("bound", "level", "noise", "seed", "device")
    assert COLUMNS[19:] == ("dataset", "split", "name", "image", "version", "command")


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        ("0:00:15.400000", 15.4),
        ("1:02:03", 3723.0),
        ("49:00:00.5", 176400.5),
        ("1 day, 0:00:01", 86401.0),
        ("2 days, 1:00:00.25", 176400.25),
        ("16.9", 16.9),
        ("0", 0.0),
    ],
)
def test_time_is_read_in_either_form(cell: str, seconds: float) -> None:
    assert read_cell("time", cell, 2) == pytest.approx(seconds, abs=1e-9)


@given(st.floats(0, 1e8))
def test_clock_reads_back_to_the_microsecond(seconds: float) -> None:
    assert read_cell("time", clock_text(seconds), 2) == pytest.approx(seconds, abs=2e-6)


def test_clock_has_cohens_form() -> None:
    assert clock_text(3723.5) == "1:02:03.500000"
    assert clock_text(90000.0) == "25:00:00.000000"


@pytest.mark.parametrize("name", [name for name in COLUMNS if name not in REQUIRED])
def test_an_empty_optional_cell_is_none(name: str) -> None:
    assert read_cell(name, "", 2) is None


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("idx", ""),
        ("idx", "-1"),
        ("idx", "1.5"),
        ("idx", "\u0663"),
        ("radius", "1_0"),
        ("predict", ""),
        ("predict", "-2"),
        ("radius", ""),
        ("radius", "nan"),
        ("radius", "inf"),
        ("radius", "-0.1"),
        ("radius", "0,5"),
        ("label", "cat"),
        ("correct", "2"),
        ("time", "0:61:00"),
        ("time", "soon"),
        ("sigma", "nan"),
        ("counts", "1,,2"),
        ("counts", "1,-2"),
        ("guarantee", "E"),
        ("n", "9" * 40),
    ],
)
def test_a_malformed_cell_names_line_column_and_content(name: str, cell: str) -> None:
    with pytest.raises(DataError, match=f"^line 7: {name}=") as caught:
        read_cell(name, cell, 7)
    assert repr(cell[:40]) in str(caught.value)
    assert str(caught.value).endswith(".")


def test_abstain_is_none_never_minus_one() -> None:
    assert read_cell("predict", "-1", 2) is None
    assert read_cell("predict", "0", 2) == 0


@given(st.floats(0, allow_infinity=False, allow_nan=False))
def test_numbers_keep_full_precision(value: float) -> None:
    read = read_cell("radius", repr(value), 2)
    assert read == value
    assert math.copysign(1, read) == math.copysign(1, value)
