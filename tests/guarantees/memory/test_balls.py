"""T6: no order of queries makes the memory contradict itself, and its file can be trusted."""

import math
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from rs_core.errors import ParameterError, StoreError
from rs_core.guarantees.memory.balls import BallMemory, Placement
from rs_core.guarantees.memory.scan import BallScan, Near

KEY = {"weights": "abc", "precision": "fp32", "sigma policy": "grid"}
Query = tuple[np.ndarray, str, int | None, float]
SEQUENCES = 1500


def queries(seed: int, count: int = 12) -> list[Query]:
    """Points of d = seed mod 3 + 1 on a coarse grid or off it, with duplicates and close pairs."""
    rng = np.random.default_rng(seed)
    size = seed % 3 + 1
    points: list[np.ndarray] = []
    for _ in range(count):
        fresh = rng.random(size) if rng.random() < 0.5 else rng.integers(0, 5, size) / 4
        old = points[rng.integers(len(points))] if points else fresh
        close = old + rng.choice([1e-7, 1e-3, 0.1]) * rng.standard_normal(size)
        kind = rng.choice(3, p=[0.6, 0.2, 0.2])
        points.append(np.float32((fresh, old, close)[kind]))
    found = []
    for point in points:
        label = [None, 0, 1, 2][rng.integers(4)]
        radius = float(rng.choice([0.0, 0.25, 0.5, rng.random(), rng.random() / 8]))
        found.append((point.reshape(1, 1, -1), point.tobytes().hex(), label, radius))
    return [(x, d, y, 0.0 if y is None else r) for x, d, y, r in found]


def beyond(left: Fraction, x: np.ndarray, y: np.ndarray) -> bool:
    """left > ||x - y|| without any rounding."""
    return left > 0 and left**2 > square(x, y)


def square(x: np.ndarray, y: np.ndarray) -> Fraction:
    steps = zip(x.ravel().tolist(), y.ravel().tolist(), strict=True)
    return sum(((Fraction(a) - Fraction(b)) ** 2 for a, b in steps), Fraction(0))


def violations(kind: type[BallMemory], asked: list[Query], seed: int) -> list[str]:
    """What a sequence of queries shows against a memory; empty for a sound one."""
    found = []
    shape = asked[0][0].shape
    with closing(kind("", KEY, shape)) as memory:
        points = {}
        for query in asked:
            placed = memory.place(*query)
            points[placed.position] = query[0]
            if placed.radius > query[3] and placed.kind != "repeat":
                found.append("above its Monte Carlo radius")
        found += meetings(memory, points)
        for ball in memory.balls:
            if ball.kind == "inherited":
                owner = memory.balls[ball.conflict - 1]
                left = Fraction(owner.radius) - Fraction(ball.radius)
                apart = points[ball.position], points[owner.position]
                outside = ball.radius > 0 and not 0 <= square(*apart) <= left * abs(left)
                if ball.label != owner.label or outside:
                    found.append("inherited beyond its owner's ball")
        found += disagreements(memory, points, seed)
    return found


def meetings(memory: BallMemory, points: dict[int, np.ndarray]) -> list[str]:
    found = []
    for a, b in combinations(memory.balls, 2):
        apart = points[a.position], points[b.position]
        near = a.radius + b.radius > 0.999 * math.dist(*(p.ravel().tolist() for p in apart))
        if a.label != b.label and near:
            both = Fraction(a.radius) + Fraction(b.radius)
            found += ["balls meet"] * beyond(both, *apart)
    return found


def disagreements(memory: BallMemory, points: dict[int, np.ndarray], seed: int) -> list[str]:
    """Later queries in a ball, with any label of their own, and repeats of every point."""
    rng, found = np.random.default_rng(seed), []
    for ball in list(memory.balls):
        x = points[ball.position]
        again = memory.place(x, ball.digest, 3, 1.0)
        if (again.label, again.radius, again.kind) != (ball.label, ball.radius, "repeat"):
            found.append("a repeat is answered otherwise")
        way = rng.standard_normal(x.shape)
        y = np.float32(x + rng.choice([0.3, 0.9999]) * ball.radius * way / np.linalg.norm(way))
        if beyond(Fraction(ball.radius), x, y) and (y != x).any():
            label = [None, 3][rng.integers(2)]
            if memory.place(y, f"probe {ball.position}", label, 0.0).label != ball.label:
                found.append("a query in a ball is answered otherwise")
    return found


class NoShrink(BallMemory):
    shrink = 0.0


class NoCut(BallMemory):
    def _cut(self, radius: float, near: Near | None) -> float:
        return radius


class NoRoom(BallMemory):
    def _room(self, near: Near) -> float:
        return math.inf


def test_no_sequence_makes_the_memory_contradict_itself() -> None:
    kinds = set()
    for seed in range(SEQUENCES):
        asked = queries(seed)
        assert violations(BallMemory, asked, seed) == [], seed
        if seed < 30:
            with closing(BallMemory("", KEY, asked[0][0].shape)) as memory:
                kinds |= {memory.place(*query).kind for query in asked}
    assert kinds == {"own", "cut", "inherited", "repeat"}


@pytest.mark.parametrize(
    ("faulty", "reported"),
    [
        (NoShrink, "balls meet"),
        (NoCut, "balls meet"),
        (NoRoom, "inherited beyond its owner's ball"),
    ],
)
def test_a_planted_fault_is_caught(faulty: type[BallMemory], reported: str) -> None:
    assert any(reported in violations(faulty, queries(s), s) for s in range(SEQUENCES))


def at(*values: float) -> np.ndarray:
    return np.float32(values).reshape(1, 1, -1)


@pytest.fixture
def line() -> Iterator[BallMemory]:
    with closing(BallMemory("", KEY, (1, 1, 1))) as memory:
        yield memory


def test_the_rules_one_by_one(line: BallMemory) -> None:
    near = pytest.approx
    assert line.place(at(0), "a", 0, 1.0) == Placement(0, near(1, rel=1e-8), "own", None, 1)
    assert line.place(at(3), "b", 1, 5.0) == Placement(1, near(2, rel=1e-8), "cut", 1, 2)
    assert line.place(at(0.75), "c", 1, 0.5) == Placement(0, near(0.25), "inherited", 1, 3)
    assert line.place(at(0.75), "c", 1, 0.5) == Placement(0, near(0.25), "repeat", 1, 3)
    assert line.place(at(0.5), "d", 1, 0.125) == Placement(0, near(0.125), "inherited", 1, 4)
    assert line.place(at(-0.5), "e", None, 0.0) == Placement(0, 0.0, "inherited", 1, 5)
    assert line.place(at(0.25), "f", 0, 9.0) == Placement(0, near(0.75), "cut", 2, 6)
    assert line.place(at(9), "g", None, 0.0) == Placement(None, 0.0, "own", None, 7)
    assert line.place(at(8), "h", 0, 2.0) == Placement(0, near(1.0), "cut", 7, 8)
    assert line.place(at(9), "g", 1, 2.0) == Placement(None, 0.0, "repeat", None, 7)


def test_balls_are_open(line: BallMemory) -> None:
    line.place(at(0), "a", 0, 1.0)
    assert line.place(at(1), "b", 1, 0.5) == Placement(1, 0.0, "cut", 1, 2)
    assert line.place(at(np.nextafter(np.float32(1), 0)), "c", 1, 0.5).label == 0


def test_a_repeat_of_a_point_that_a_later_ball_covers_returns_the_balls_label() -> None:
    with closing(NoCut("", KEY, (1, 1, 1))) as memory:  # a sound memory has no such ball
        memory.place(at(0.5), "a", None, 0.0)
        memory.place(at(0), "b", 1, 1.0)
        again = memory.place(at(0.5), "a", None, 0.0)
        assert (again.label, again.kind, again.conflict) == (1, "inherited", 2)


def test_an_inherited_ball_at_the_rim_stays_inside_its_owners() -> None:
    rng = np.random.default_rng(0)
    radii = []
    for _ in range(300):
        way = rng.standard_normal(3)
        x = np.float32(way / np.linalg.norm(way) * (1 - 1e-8)).reshape(1, 1, 3)
        with closing(BallMemory("", KEY, (1, 1, 3))) as memory:
            owner = memory.place(at(0, 0, 0), "a", 0, 1.0)
            placed = memory.place(x, "b", 1, 1.0)
        if placed.kind == "inherited":
            left = Fraction(owner.radius) - Fraction(placed.radius)
            assert placed.radius == 0 or square(x, at(0, 0, 0)) <= left**2
            radii.append(placed.radius)
    assert 0 < np.median(radii) < 1e-7


@pytest.mark.parametrize(
    ("pixels", "label", "radius"),
    [
        (at(0, 0), 0, 1.0),
        (at(math.nan), 0, 1.0),
        (at(0), 0, -1.0),
        (at(0), 0, math.inf),
        (at(0), 0, math.nan),
        (at(0), None, 1.0),
    ],
)
def test_what_is_no_answer_is_not_stored(
    line: BallMemory, pixels: np.ndarray, label: int | None, radius: float
) -> None:
    with pytest.raises(ParameterError, match="cannot be placed"):
        line.place(pixels, "a", label, radius)
    assert line.balls == []


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 28, 28), (2, 30, 31), (1, 1, 3), (1, 1, 500)])
def test_the_scan_finds_what_a_plain_search_finds(shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(0)
    scan, centres = BallScan(shape, 1e-9), rng.random((3, *shape))
    spread = 10.0 ** rng.uniform(-8, 0, 200)
    spread[:20] = 0
    away = spread.reshape(-1, 1, 1, 1) * rng.standard_normal((200, *shape))
    away[::3] = away[::3].mean(axis=(1, 2, 3), keepdims=True)  # outlines as far apart as images
    points = np.float32(centres[rng.integers(3, size=200)] + away)
    labels, radii = rng.integers(-1, 3, 200), rng.choice([0, 1e-6, 0.1, 3], 200)
    for point, label, radius in zip(points, labels, radii, strict=True):
        scan.append(point, None if label < 0 else int(label), radius)
    for query in np.concatenate([points[::10], np.float32(rng.random((5, *shape)))]):
        apart = (points.astype(np.float64) - query).reshape(200, -1)
        plain = np.linalg.norm(apart, axis=1)
        assert (scan._lower_bounds(query) <= plain).all()
        least = scan._least_distances(query, np.arange(200))
        assert (least <= plain).all()
        assert least == pytest.approx(plain, rel=1e-3, abs=1e-20)
        for within in (-1.0, 0.0, 0.5, 1e9):
            near = scan.nearest(query, other_than=1, within=within)
            gaps = np.where(labels == 1, np.inf, plain * (1 - 1e-9) - radii)
            assert (near is None) == bool(gaps.min() >= within)
            if near is not None:
                assert near.gap == pytest.approx(gaps.min(), abs=1e-12)
                assert near.distance == pytest.approx(plain[near.position - 1], abs=1e-12)


@pytest.mark.parametrize("largest", [1e-30, 1e19, 1e30, 3e38])
def test_a_ball_of_any_finite_pixels_is_found(largest: float) -> None:
    """float32 sums of squares overflow from about 1e19: what says nothing must not hide a ball."""
    rng = np.random.default_rng(4)
    points = np.float32(rng.uniform(-largest, largest, (20, 1, 28, 28)))
    scan = BallScan((1, 28, 28), 1e-9)
    with np.errstate(over="ignore", invalid="ignore"):
        for point in points:
            scan.append(point, 0, 0.5 * largest)
        for position, point in enumerate(points, start=1):
            near = scan.nearest(point, other_than=1, within=0.0)
            assert near is not None
            assert (near.position, near.distance) == (position, 0.0)


def filled(path: Path, count: int = 30) -> list[Placement]:
    with closing(BallMemory(str(path), KEY, (1, 1, 3))) as memory:
        return [memory.place(*query) for query in queries(2, count)]


def test_answers_outlive_the_process_and_two_writers_answer_as_one(tmp_path: Path) -> None:
    asked = queries(2, 30)
    alone = filled(tmp_path / "alone")
    with (
        closing(BallMemory(str(tmp_path / "shared"), KEY, (1, 1, 3))) as one,
        closing(BallMemory(str(tmp_path / "shared"), KEY, (1, 1, 3))) as two,
    ):
        assert [(one, two)[i % 2].place(*q) for i, q in enumerate(asked)] == alone
    with closing(BallMemory(str(tmp_path / "alone"), KEY, (1, 1, 3))) as again:
        for query, placed in zip(asked, alone, strict=True):
            repeat = again.place(*query)
            assert (repeat.kind, repeat.position) == ("repeat", placed.position)
            assert (repeat.label, repeat.radius) == (placed.label, placed.radius)


def test_an_answer_is_on_disk_before_it_is_returned(tmp_path: Path) -> None:
    path = tmp_path / "memory"
    with closing(BallMemory(str(path), KEY, (1, 1, 1))) as memory:
        for count in (1, 2):
            memory.place(at(count), str(count), 0, 0.1)
            with closing(sqlite3.connect(path)) as other:
                assert other.execute("SELECT count(*) FROM balls").fetchone() == (count,)
        connection = memory._file._connection
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        for change in ("UPDATE balls SET radius = 9", "DELETE FROM balls"):
            with pytest.raises(sqlite3.IntegrityError, match="append only"):
                connection.execute(change)


WRITER = """
import sys
from rs_core.guarantees.memory.balls import BallMemory
import importlib.util
spec = importlib.util.spec_from_file_location("test_ball_memory", sys.argv[3])
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
memory = BallMemory(sys.argv[1], tests.KEY, (1, 1, 3))
for x, digest, label, radius in tests.queries(int(sys.argv[2]), 40):
    print(flush=True)
    sys.stdin.readline()
    placed = memory.place(x, digest, label, radius)
    print(placed.position, placed.label, repr(placed.radius), flush=True)
"""


def test_two_processes_keep_one_memory_sound(tmp_path: Path) -> None:
    path, seeds = tmp_path / "memory", (2, 5)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(seed), __file__],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3],
        )
        for seed in seeds
    ]  # fmt: skip
    points, answers = {}, []
    for step in range(40):
        for writer in writers:
            assert writer.stdout.readline() == "\n"
        for writer in writers:
            writer.stdin.write("\n")
            writer.stdin.flush()
        for seed, writer in zip(seeds, writers, strict=True):
            position, label, radius = writer.stdout.readline().split()
            points[int(position)] = queries(seed, 40)[step][0]
            answers.append((int(position), label, float(radius)))
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    with closing(BallMemory(str(path), KEY, (1, 1, 3))) as memory:
        assert {b.position for b in memory.balls} == set(points)
        assert meetings(memory, points) == []
        for position, label, radius in answers:
            ball = memory.balls[position - 1]
            assert (str(ball.label), ball.radius) == (label, radius)
        assert any(a.label != b.label for a, b in combinations(memory.balls, 2))


def test_a_locked_memory_is_tried_for_a_while_then_refused(tmp_path: Path) -> None:
    path = tmp_path / "memory"
    filled(path)
    memory = BallMemory(str(path), KEY, (1, 1, 3), lock_seconds=0.2)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    before, started = list(memory.balls), time.monotonic()
    with pytest.raises(StoreError, match=r"locked the memory memory for 0.2 s: close it"):
        memory.place(at(9, 9, 9), "new", 0, 0.1)
    with pytest.raises(StoreError, match="locked the memory"):
        BallMemory(str(path), KEY, (1, 1, 3), lock_seconds=0.1)
    assert time.monotonic() - started < 5
    assert memory.balls == before
    other.execute("ROLLBACK")
    other.close()
    assert memory.place(at(9, 9, 9), "new", 0, 0.1).position == len(before) + 1
    memory.close()


def flip_one_pixel(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    where = raw.index(queries(2, 30)[0][0].tobytes())
    raw[where] ^= 1
    path.write_bytes(bytes(raw))


def run_sql(*statements: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    return change


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(b"no database at all " * 100), "not a database"),
        (lambda path: path.write_bytes(path.read_bytes()[:5000]), "malformed"),
        (flip_one_pixel, "entry 1 is damaged or missing"),
        (
            run_sql("DROP TRIGGER no_delete", "DELETE FROM balls WHERE position = 4"),
            "entry 4 is damaged or missing",
        ),
        (
            run_sql("DROP TRIGGER no_update", "UPDATE balls SET radius = 9 WHERE position = 2"),
            "entry 2 is damaged or missing",
        ),
        (run_sql("PRAGMA application_id = 0"), "no memory of answers"),
        (run_sql("PRAGMA user_version = 2"), "has version 2 and this program reads 1"),
        (run_sql("DROP TABLE memory_key"), "no such table"),
    ],
    ids=["text", "cut off", "pixel", "hole", "edited", "foreign", "version", "no key"],
)
def test_a_memory_that_cannot_be_trusted_is_refused(
    tmp_path: Path, damage: Callable[[Path], object], said: str
) -> None:
    path = tmp_path / "memory"
    filled(path)
    damage(path)
    left = path.read_bytes()
    with pytest.raises(StoreError, match=said) as caught:
        BallMemory(str(path), KEY, (1, 1, 3))
    assert "another path" in str(caught.value)
    assert path.read_bytes() == left


def test_a_memory_that_shrinks_under_its_reader_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "memory"
    filled(path)
    with closing(BallMemory(str(path), KEY, (1, 1, 3))) as memory:
        count = len(memory.balls)
        run_sql("DROP TRIGGER no_delete", f"DELETE FROM balls WHERE position = {count}")(path)
        with pytest.raises(StoreError, match=f"{count} points were stored and {count - 1} are"):
            memory.place(at(9, 9, 9), "new", 0, 0.1)


def test_another_key_is_refused_and_named(tmp_path: Path) -> None:
    path = tmp_path / "memory"
    filled(path)
    for part in KEY:
        with pytest.raises(ParameterError, match=f"made with {part} {KEY[part]}, and .* other"):
            BallMemory(str(path), KEY | {part: "other"}, (1, 1, 3))
    with pytest.raises(ParameterError, match="input shape 1x1x3, and this run has 3x1x1"):
        BallMemory(str(path), KEY, (3, 1, 1))
    with pytest.raises(StoreError, match="cannot be opened: name a file in a folder"):
        BallMemory(str(tmp_path / "missing" / "memory"), KEY, (1, 1, 3))
