import io

from rs_core.logs import Origin, read_log
from rs_core.logs.columns import COMPARISON_COLUMNS
from rs_core.logs.comparison import write_comparison
from rs_core.results.comparison import Comparison
from tests.plots.conftest import WON, WRONG, method


def test_cohens_columns_come_first_and_the_selector_last() -> None:
    methods = (
        method("grid", "frozen", "C", (WON, WRONG), (0.25, 0.5)),
        method("fixed", "global_sigma", "A", (WON, WON), (0.25, 0.25), ()),
    )
    compared = Comparison("mnist5k", (3, 28), ("=a", "b"), ("d", "e"), (1, None), methods, ())
    out = io.StringIO()
    write_comparison(out, compared, Origin("mnist5k"))
    header, *lines = out.getvalue().splitlines()
    assert header.startswith("idx\tlabel\tpredict\tradius\tcorrect\ttime\tsigma\t")
    assert header.split("\t") == list(COMPARISON_COLUMNS)
    assert header.endswith("\tcertified_by\tsettings\tselector")
    assert [line.rpartition("\t")[2] for line in lines] == ["grid", "grid", "fixed", "fixed"]
    rows = read_log(io.StringIO(out.getvalue()))
    assert [(r.idx, r.label, r.guarantee) for r in rows] == [
        (3, 1, "C"), (28, None, "C"), (3, 1, "A"), (28, None, "A"),
    ]  # fmt: skip
    assert [r.radius for r in rows] == [c.radius for m in methods for c in m.certificates]
    assert rows[0].time == 0.75
    assert [(r.name, r.dataset, r.bound) for r in rows[:2]] == [
        ("=a", "mnist5k", "clopper-pearson"), ("b", "mnist5k", "clopper-pearson"),
    ]  # fmt: skip
    assert "\t'=a\t" in lines[0]
    assert [line.split("\t")[-3] for line in lines] == ["frozen"] * 2 + ["global_sigma"] * 2
