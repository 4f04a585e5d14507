"""Fairness on a clock of its own: owners first, then their runs."""

from hypothesis import given
from hypothesis import strategies as st

from rs_core.worker import Job
from rs_core.worker.turns import Turns

OWNERS = "abcd"


class Line:
    """Runs that always wait, the longest waiting first, and what each turn costs."""

    def __init__(self, least: float = 0.001) -> None:
        self.turns, self.line = Turns(least=least), []
        self.costs: dict[int, float] = {}
        self.log: list[str] = []
        self.spent: dict[str, float] = {}

    def add(self, owner: str, *, runs: int = 1, cost: float = 0.1) -> None:
        for _ in range(runs):
            job = Job("", owner, lambda: iter(()), None)  # type: ignore[arg-type]
            self.costs[id(job)] = cost
            self.line.append(job)

    def leave(self, owner: str) -> None:
        self.line = [job for job in self.line if job.owner != owner]

    def turn(self, times: int = 1) -> str:
        for _ in range(times):
            job = self.turns.next(self.line)
            self.line.remove(job)
            self.line.append(job)
            self.turns.charge(job, self.costs[id(job)])
            self.spent[job.owner] = self.spent.get(job.owner, 0.0) + self.costs[id(job)]
            self.log.append(job.owner)
        return "".join(self.log[-times:])


def test_a_lone_visitor_beside_twenty_runs_of_one_person_has_every_second_turn() -> None:
    line = Line()
    line.add("p", runs=20)
    line.turn(1000)
    line.add("v")
    assert line.turn(50).count("v") in (24, 25, 26)
    assert "vv" not in "".join(line.log)[1002:]
    assert "ppp" not in "".join(line.log)[1000:]


def test_a_visitor_waits_no_longer_for_a_persons_slow_runs() -> None:
    """Twenty runs of 5 s a turn: the visitor's 0.1 s turns fill as much time as those."""
    line = Line()
    line.add("p", runs=20, cost=5.0)
    line.turn(40)
    line.add("v", cost=0.1)
    line.turn(500)
    visitor = line.spent["v"]
    person = line.spent["p"] - 40 * 5.0
    assert abs(visitor - person) <= 5.1


def test_within_an_owners_turns_the_cheapest_goes_first_and_the_oldest_now_and_then() -> None:
    line = Line()
    line.add("p")
    line.turn(40)
    line.add("p", runs=2)
    first, *late = sorted(line.line, key=lambda job: -job.effort)
    line.turn(40)
    assert first.effort >= 4.0 + 0.9
    assert min(job.effort for job in late) >= 1.4


def test_who_comes_back_has_saved_nothing_up() -> None:
    line = Line()
    line.add("a")
    line.add("b")
    line.turn(20)
    line.leave("a")
    line.turn(1000)
    line.add("a")
    assert 9 <= line.turn(20).count("a") <= 11


def test_turns_that_cost_nothing_here_starve_nobody() -> None:
    """Where another device computes, this process's own seconds do not move."""
    line = Line(least=0.01)
    line.add("gpu", cost=0.0)
    line.add("cpu", cost=0.1)
    line.turn(110)
    assert line.log.count("cpu") >= 9


@given(
    runs=st.lists(st.integers(1, 20), min_size=4, max_size=4),
    costs=st.lists(st.floats(0.01, 3.0), min_size=4, max_size=4),
    late=st.integers(0, 200),
)
def test_owners_who_wait_spend_alike_whatever_they_brought(
    runs: list[int], costs: list[float], late: int
) -> None:
    line = Line()
    for owner, count, cost in zip(OWNERS[:-1], runs, costs, strict=False):
        line.add(owner, runs=count, cost=cost)
    line.turn(late)
    line.add(OWNERS[-1], runs=runs[-1], cost=costs[-1])
    before = {owner: line.spent.get(owner, 0.0) for owner in OWNERS}
    for _ in range(200):
        line.turn()
        spent = [line.spent.get(owner, 0.0) - before[owner] for owner in OWNERS]
        assert max(spent) - min(spent) <= 2 * max(costs) + 1e-6
