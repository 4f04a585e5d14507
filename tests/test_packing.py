import io

import numpy as np
import pytest

from rs_core import packing
from rs_core.packing import Packing, largest_radii, read, write


def line(*gaps: float) -> Packing:
    """Points on a line with these gaps, each with a cap of 1."""
    ends = np.arange(len(gaps))
    return Packing(ends, ends + 1, np.array(gaps), np.ones(len(gaps) + 1))


def test_known_optima() -> None:
    assert largest_radii(line(2.0), 60) == pytest.approx([1, 1])
    assert largest_radii(line(1.0, 1.0), 60) == pytest.approx([1, 0, 1])
    found = largest_radii(line(0.5), 60)
    assert found is not None
    assert found.sum() == pytest.approx(0.5)


def test_no_time_is_no_answer() -> None:
    assert largest_radii(line(1.0), 0.0) is None
    assert largest_radii(line(1.0), -1.0) is None


def test_a_solver_that_fails_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    solve = packing.linprog

    def infeasible(objective: np.ndarray, **rest: object) -> object:
        answer = solve(objective, **rest)
        answer.status = 2
        return answer

    monkeypatch.setattr(packing, "linprog", infeasible)
    with pytest.raises(RuntimeError, match="always has a solution"):
        largest_radii(line(1.0), 60)


def test_programmes_survive_the_file() -> None:
    file = io.BytesIO()
    asked = [line(1.0), line(0.25, 0.75), line(0.5)]
    write(file, asked, 12.5)
    file.seek(0)
    found, seconds = read(file)
    assert seconds == 12.5
    for before, after in zip(asked, found, strict=True):
        for name in ("first", "second", "distance", "caps"):
            assert getattr(before, name).tolist() == getattr(after, name).tolist()
