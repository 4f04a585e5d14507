import csv
import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_core import __version__
from rs_core.errors import DataError
from rs_core.logs import Origin
from rs_core.logs.certificates import LogRow, read_log, row_from_certificate, write_log
from rs_core.results import Certificate

COHEN = (
    "idx\tlabel\tpredict\tradius\tcorrect\ttime\n0\t3\t3\t0.378\t1\t15.4\n20\t7\t-1\t0.0\t0\t15.6\n"
)

positive = st.floats(0, 1e6)
wholes = st.integers(0, 10**9)


def maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | strategy


# Names as images have them: one line, no blanks at its ends, and all that a spreadsheet would run.
NAMES = st.sampled_from(
    ["a b.png", "=1+1", "+1", "-1", "@a", "'a", "'=a", "''@a", '"a', "\uff1da", "1", "\xe9"]
)


@st.composite
def rows(draw: st.DrawFn) -> LogRow:
    label, predict = draw(maybe(st.integers(0, 999))), draw(maybe(st.integers(0, 999)))
    return LogRow(
        idx=draw(wholes),
        label=label,
        predict=predict,
        radius=0.0 if predict is None else draw(positive),
        correct=None if label is None else label == predict,
        time=draw(maybe(st.integers(0, 10**9))),
        sigma=draw(maybe(positive)),
        alpha=draw(maybe(st.floats(0, 1))),
        n0=draw(maybe(wholes)),
        n=draw(maybe(wholes)),
        counts=tuple(draw(st.lists(wholes, max_size=11))),
        guarantee=draw(maybe(st.sampled_from("ABCD"))),
        bound=draw(maybe(st.sampled_from(["clopper-pearson", "two-sided", "anytime"]))),
        level=draw(maybe(st.floats(0, 1))),
        noise=draw(maybe(st.sampled_from(["gaussian", "gaussian-grid"]))),
        seed=draw(maybe(st.integers(0, 2**64))),
        name=draw(maybe(NAMES)),
        command=draw(maybe(NAMES)),
    )


def written(log: list[LogRow]) -> str:
    text = io.StringIO()
    write_log(text, log)
    return text.getvalue()


@given(st.lists(rows(), max_size=8))
def test_what_is_written_is_read_back(log: list[LogRow]) -> None:
    assert read_log(io.StringIO(written(log))) == log


@given(st.lists(rows(), min_size=1, max_size=4))
def test_a_plain_csv_reader_sees_cohens_six_columns(log: list[LogRow]) -> None:
    table = list(csv.DictReader(io.StringIO(written(log)), delimiter="\t"))
    assert list(table[0])[:6] == ["idx", "label", "predict", "radius", "correct", "time"]
    for cells, row in zip(table, log, strict=True):
        assert int(cells["idx"]) == row.idx
        assert int(cells["predict"]) == (-1 if row.predict is None else row.predict)
        assert float(cells["radius"]) == row.radius
        assert cells["correct"] == ("" if row.correct is None else str(int(row.correct)))
        assert cells["label"] == ("" if row.label is None else str(row.label))


def test_cohens_own_log_is_read() -> None:
    first, second = read_log(io.StringIO(COHEN))
    assert first == LogRow(0, 3, 3, 0.378, True, 15.4)
    assert second == LogRow(20, 7, None, 0.0, False, 15.6)


@pytest.mark.parametrize(
    ("header", "cells", "sigma"),
    [
        (
            "idx\tlabel\tpredict\tradius\tcorrect\tsigma\ttime",
            "5\t2\t2\t0.91\t1\t0.35\t0:00:04.2",
            0.35,
        ),
        (
            "idx\tlabel\tpredict\tradius\tradius_proxy\tmin_sigma\tcorrect\ttime",
            "5\t2\t2\t0.91\t0.7\t0.1\t1\t0:00:04.2",
            None,
        ),
        ("time\tcorrect\tradius\tpredict\tlabel\tidx", "4.2\t1\t0.91\t2\t2\t5", None),
    ],
    ids=["DDRS", "ANCER", "any order"],
)
def test_columns_are_found_by_name(header: str, cells: str, sigma: float | None) -> None:
    (row,) = read_log(io.StringIO(f"{header}\n{cells}\n"))
    assert row == LogRow(5, 2, 2, 0.91, True, 4.2, sigma=sigma)


def test_line_ends_blank_lines_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"\xef\xbb\xbf" + COHEN.replace("\n", "\r\n").encode() + b"\r\n\r\n")
    assert [row.idx for row in read_log(path)] == [0, 20]


def test_correct_follows_from_label_where_it_is_missing() -> None:
    log = read_log(
        io.StringIO("idx\tlabel\tpredict\tradius\n0\t3\t3\t0.4\n1\t3\t-1\t0\n2\t\t3\t1\n")
    )
    assert [row.correct for row in log] == [True, False, None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the header has no column idx, predict, radius"),
        ("idx\tlabel\tpredict\tcorrect\ttime\n0\t1\t1\t1\t2\n", "no column radius"),
        ("idx\tpredict\tradius\tidx\n", "line 1: a column name occurs twice"),
        (COHEN + "40\t4\t4\t0.3", "line 4: 4 fields where the header names 6"),
        (COHEN + "40\t4\t4\t0.3\t1\t1\t1\n", "line 4: 7 fields"),
        (COHEN + "40\t4\t4\tx\t1\t1\n", "line 4: radius='x'"),
        (COHEN + "40\t4\t-1\t0.3\t0\t1\n", "line 4: predict=-1 .abstain. with radius 0.3"),
        (COHEN + "40\t4\t5\t0.3\t1\t1\n", "line 4: correct=1 contradicts label=4 and predict=5"),
        (COHEN + "40\t4\t-1\t0\t1\t1\n", "line 4: correct=1 contradicts label=4 and predict=-1"),
    ],
)
def test_a_malformed_log_is_refused_by_line(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_log(io.StringIO(text))


@pytest.mark.parametrize("junk", [b"\x89PNG\r\n\x1a\n\x00\xff", b"\xff\xfe\x00", b"x" * 300_000])
def test_a_foreign_file_is_refused(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "junk").write_bytes(junk)
    with pytest.raises(DataError):
        read_log(tmp_path / "junk")


def test_a_missing_file_or_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing.* cannot be read"):
        read_log(tmp_path / "nothing")
    with pytest.raises(DataError, match=r"cannot be written.*choose a folder that exists"):
        write_log(tmp_path / "no folder" / "log", [])


GOOD = LogRow(1, 1, 1, 0.5, True, 1.0)
NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"radius": NAN}, "radius='nan' is not a finite number from 0 up"),
        ({"radius": INF}, "radius='inf'"),
        ({"radius": -0.5}, "radius='-0.5'"),
        ({"radius": None}, "radius='' is not"),
        ({"radius": "wide"}, "'wide' is not a number"),
        ({"predict": None, "correct": False}, "an abstention has radius 0"),
        ({"predict": 1.5}, "predict='1.5' is not a class index"),
        ({"predict": -1}, "an abstention has radius 0"),
        ({"idx": 1.5}, "idx='1.5' is not a whole number"),
        ({"idx": -3}, "idx='-3'"),
        ({"idx": None}, "idx='None'"),
        ({"idx": True}, "idx='True'"),
        ({"label": 1.5}, "label='1.5'"),
        ({"correct": False}, "correct=0 contradicts"),
        ({"correct": 0.5}, "correct='.' is not 1 or 0"),
        ({"time": NAN}, "time=nan is not a number of seconds"),
        ({"time": 1e20}, "time=1e.20 is not a number of seconds"),
        ({"time": -1.0}, "time=-1.0 is not"),
        ({"time": "soon"}, "time='soon' is not"),
        ({"sigma": NAN}, "sigma='nan'"),
        ({"alpha": -1}, "alpha='-1.0'"),
        ({"n": 10.5}, "n='10.5' is not a whole number"),
        ({"counts": (1, -2)}, "counts='1,-2' is not whole numbers"),
        ({"guarantee": "Z"}, "guarantee='Z' is not one of the badges"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(DataError, match=f"^line 3: .*{said}"):
        write_log(tmp_path / "log", [GOOD, dataclasses.replace(GOOD, **changes)])
    assert not (tmp_path / "log").exists()


def test_numbers_of_numpy_are_written_as_plain_ones() -> None:
    row = LogRow(
        np.int64(1), np.int64(2), np.int64(2), np.float64(0.5), np.bool_(True), np.float32(1.5),
        n=np.int64(9), counts=(np.int64(9),),
    )  # fmt: skip
    line = written([row]).splitlines()[1]
    assert line.rstrip("\t") == "1\t2\t2\t0.5\t1\t0:00:01.500000\t\t\t\t9\t9"


def test_the_counts_of_many_classes_are_read_back() -> None:
    row = dataclasses.replace(GOOD, counts=(100,) * 70_000)
    assert read_log(io.StringIO(written([row]))) == [row]


@pytest.mark.parametrize("target", ["", ".", "a\0b"])
def test_a_log_at_no_file_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"cannot be written .*: choose a folder"):
        write_log(target, [GOOD])
    with pytest.raises(DataError, match=r"cannot be read .*: check the path"):
        read_log(target)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("target", [None, 3, b"x", io.BytesIO()])
def test_what_is_no_text_file_is_refused(target: object) -> None:
    with pytest.raises(DataError, match="give a path, or a file open for text"):
        write_log(target, [GOOD])
    source = io.BytesIO(COHEN.encode()) if isinstance(target, io.BytesIO) else target
    with pytest.raises(DataError, match="give a path, or a file open for text"):
        read_log(source)


def test_a_closed_file_is_refused() -> None:
    closed = io.StringIO(COHEN)
    closed.close()
    with pytest.raises(DataError, match="closed file"):
        read_log(closed)
    with pytest.raises(DataError, match="closed file"):
        write_log(closed, [GOOD])


def test_a_failed_write_leaves_the_old_log_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log"
    write_log(path, [LogRow(1, 1, 1, 0.5, True, 1.0)])
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DataError, match="No space left"):
        write_log(path, [LogRow(2, 1, 1, 0.5, True, 1.0)])
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["log"]


def test_an_l1_radius_does_not_enter_a_log_of_l2_radii() -> None:
    with pytest.raises(DataError, match="holds l2 radii, and this one is in l1"):
        row_from_certificate(0, 1, dataclasses.replace(certificate(1), norm="l1"), None)


def certificate(predicted: int | None) -> Certificate:
    return Certificate(
        predicted=predicted, radius=0.123456789012345 if predicted is not None else 0.0,
        norm="l2", p_lower=0.7, p_upper_runner_up=None, sigma=0.25, n_top=750, n0=100, n=1000,
        alpha=0.001, bound="clopper-pearson", guarantee="A", statement="", counts=(750, 250, 0),
        draws=1100, noise="gaussian", stream="certify 0", precision="fp32", device="cpu",
        weights_id="w", image_digest="d", preprocessing=(), seed=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("label", "predicted", "correct"),
    [(0, 0, True), (1, 0, False), (None, 0, None), (0, None, False), (None, None, None)],
)
def test_a_certificate_becomes_a_row(
    label: int | None, predicted: int | None, correct: bool | None
) -> None:
    made = certificate(predicted)
    row = row_from_certificate(7, label, made, 1.5)
    assert (row.idx, row.label, row.predict, row.correct) == (7, label, predicted, correct)
    assert (row.sigma, row.alpha, row.n0, row.n) == (0.25, 0.001, 100, 1000)
    assert row.counts == made.counts
    assert row.guarantee == "A"
    assert (row.bound, row.level, row.noise) == ("clopper-pearson", None, "gaussian")
    assert (row.seed, row.device, row.image, row.version) == (0, "cpu", "d", __version__)
    assert read_log(io.StringIO(written([row]))) == [row]
    assert written([row]).splitlines()[1].split("\t")[3] == repr(made.radius)


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=1+1.png", "'=1+1.png"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'=1"),
        ("\r=1", "'=1"),
        ('"quoted', "'\"quoted"),
        ("'=already", "''=already"),
        ("'tis.png", "'tis.png"),
        ("plain-1.png", "plain-1.png"),
        ("two\tcells\nlines", "two cells lines"),
    ],
)
def test_a_spreadsheet_runs_no_name(name: str, cell: str) -> None:
    row = row_from_certificate(3, None, certificate(None), 1.0, name=name)
    text = written([row])
    header, line = text.splitlines()
    shown = dict(zip(header.split("\t"), line.split("\t"), strict=True))
    assert shown["name"] == cell
    assert shown["predict"] == "-1"  # a number stays one
    (again,) = csv.DictReader(io.StringIO(text), delimiter="\t")
    assert again["name"] == cell
    assert read_log(io.StringIO(text))[0].name == " ".join(name.split())


def test_a_row_says_what_repeats_it() -> None:
    origin = Origin("cifar10", "test", "rs certify --sigma 0.25", "9.9")
    row = row_from_certificate(20, 3, certificate(3), 1.0, name="CIFAR-10 test 20", origin=origin)
    (found,) = read_log(io.StringIO(written([row])))
    assert (found.dataset, found.split, found.name) == ("cifar10", "test", "CIFAR-10 test 20")
    assert (found.version, found.command) == ("9.9", "rs certify --sigma 0.25")
    assert Origin.of_page("MNIST test") == Origin("MNIST", "test", "rs app")
    assert Origin.of_page("MNIST 5k") == Origin("MNIST 5k", "", "rs app")
