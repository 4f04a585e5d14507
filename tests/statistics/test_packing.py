import io

import numpy as np
import pytest
from scipy.optimize import milp

from rs_core.statistics import packing
from rs_core.statistics.packing import Packing, largest_radii, read, write


def line(*gaps: float) -> Packing:
    """Points on a line with these gaps, each with a cap of 1."""
    ends = np.arange(len(gaps))
    return Packing(ends, ends + 1, np.array(gaps), np.ones(len(gaps) + 1))


def test_known_optima() -> None:
    assert largest_radii(line(2.0), 60) == pytest.approx([1, 1])
    assert largest_radii(line(1.0, 1.0), 60) == pytest.approx([1, 0, 1])
    assert largest_radii(line(0.5), 60) == pytest.approx([0.25, 0.25])
    found = largest_radii(line(0.5), 60, fair=False)
    assert found is not None
    assert sorted(found) == pytest.approx([0, 0.5])


def by_shares(packing: Packing) -> tuple[float, float]:
    """(largest sum, largest smallest share of a cap at that sum), in one programme for the two.

    A sum that is worth a thousand times the share is never given up for it.
    """
    members = len(packing.caps)
    rows = np.zeros((len(packing.first) + members, members + 1))
    rows[np.arange(len(packing.first)), packing.first] = 1
    rows[np.arange(len(packing.first)), packing.second] = 1
    rows[len(packing.first) :, :members] = -np.eye(members)
    rows[len(packing.first) :, members] = packing.caps
    answer = milp(
        np.append(-1000.0 * np.ones(members), -1.0),
        bounds=(0, np.append(packing.caps, 1.0)),
        constraints=(rows, -np.inf, np.append(packing.distance, np.zeros(members))),
    )
    return float(answer.x[:members].sum()), float(answer.x[members])


@pytest.mark.parametrize("seed", range(30))
def test_the_fair_optimum_has_the_largest_smallest_share(seed: int) -> None:
    """Whole distances have many optima; a cap may be 0, and then nobody shares."""
    rng = np.random.default_rng(seed)
    members = int(rng.integers(2, 9))
    first, second = np.triu_indices(members, k=1)
    kept = rng.random(len(first)) < 0.6
    kept[0] = True
    gaps = rng.integers(1, 4, size=len(first)).astype(float)
    caps = rng.integers(0 if seed % 3 == 0 else 1, 4, size=members).astype(float)
    asked = Packing(first[kept], second[kept], gaps[kept], caps)
    found, vertex = (largest_radii(asked, 60, fair=fair) for fair in (True, False))
    assert found is not None
    assert vertex is not None
    total, share = by_shares(asked)
    assert found.sum() == pytest.approx(vertex.sum(), abs=1e-9)
    assert found.sum() == pytest.approx(total, abs=1e-6)
    least = np.divide(found, caps, out=np.ones(members), where=caps > 0).min()
    assert least == pytest.approx(min(share, 1.0), abs=1e-6)
    assert (found[asked.first] + found[asked.second] <= asked.distance + 1e-9).all()


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
    write(file, asked, 12.5, fair=False)
    file.seek(0)
    found, seconds, fair = read(file)
    assert (seconds, fair) == (12.5, False)
    for before, after in zip(asked, found, strict=True):
        for name in ("first", "second", "distance", "caps"):
            assert getattr(before, name).tolist() == getattr(after, name).tolist()
