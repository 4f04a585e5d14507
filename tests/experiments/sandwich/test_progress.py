"""Both ends move while a strip is made, and stopping leaves nothing behind."""

from collections.abc import Iterator

import numpy as np
import pytest

from rs_core.classifiers import Classifier
from rs_core.events import Finished
from rs_core.experiments.sandwich import MakeSandwiches, SandwichStep
from rs_core.experiments.sandwich.progress import while_certifying
from rs_core.images import ImageInput, image_from_array
from rs_core.results.sandwich import SandwichRow, SandwichStrip
from rs_core.smoothing.certify import CertifyStep
from rs_core.statistics import anytime_lower_bound, l2_radius
from tests.conftest import MakeLinear

SHAPE = (1, 8, 8)
MADE = MakeSandwiches(
    sigma=0.25, n0=32, n=640, steps=4, draws=4, rounds=4, judged=32, confirm_n=400, eps=1.5
)


def steps(
    classifier: Classifier, images: list[ImageInput]
) -> Iterator[SandwichStep | SandwichStrip]:
    for event in MADE.run(classifier, images, seed=0, batch_size=64):
        if isinstance(event, Finished):
            yield event.result
        else:
            assert isinstance(event, SandwichStep)
            yield event


@pytest.fixture
def scene(linear: MakeLinear) -> tuple[Classifier, list[ImageInput]]:
    """A linear network, and three images at different distances from its boundary."""
    classifier, image = linear(0.4, SHAPE)
    weight = classifier.module.weight.view(SHAPE).numpy()
    pixels = [(image.pixels + np.float32(by) * weight).clip(0, 1) for by in (0, 0.1, 0.2)]
    images = [
        image_from_array(p.transpose(1, 2, 0), classifier.spec, label=1, name=str(i))
        for i, p in enumerate(pixels)
    ]
    return classifier, images


def test_both_ends_move_and_the_last_rows_are_the_result(
    scene: tuple[Classifier, list[ImageInput]],
) -> None:
    classifier, images = scene
    *seen, strip = steps(classifier, images)
    assert isinstance(strip, SandwichStrip)
    rows = [step.sandwiches for step in seen if isinstance(step, SandwichStep)]
    lowers = [row[0].lower for row in rows if not row[0].lower_final]
    assert len(set(lowers)) > 3
    assert lowers[0] == 0 < lowers[-1]
    hollows = [row[0].hollow for row in rows if row[0].hollow is not None and row[0].upper is None]
    assert len(set(hollows)) > 1
    assert hollows == sorted(hollows, reverse=True)
    dones = [step.done for step in seen if isinstance(step, SandwichStep)]
    assert dones == sorted(dones)
    assert {step.total for step in seen if isinstance(step, SandwichStep)} == {
        len(images) * MADE.most_passes
    }
    assert 0 <= dones[0] <= dones[-1] <= len(images) * MADE.most_passes
    for row in rows[-1]:
        one = strip.sandwiches[row.index]
        assert row.name == one.name
        assert row.lower == one.lower
        assert row.lower_final


def test_groups_settle_one_after_another(linear: MakeLinear) -> None:
    """With room for one image at a time the first is done while the second is looked at."""
    classifier, image = linear(0.4, SHAPE)
    made = MakeSandwiches(
        sigma=0.25, n0=32, n=100, alpha=0.01, steps=2, draws=64, rounds=1, judged=16,
        confirm_n=400,
    )  # fmt: skip
    *seen, last = made.run(classifier, [image, image], seed=0, batch_size=64)
    steps = [step for step in seen if isinstance(step, SandwichStep)]
    later = [step.sandwiches for step in steps if len(step.sandwiches) == 2]
    assert later
    assert all(rows[0].done and not rows[1].done for rows in later)
    assert later[0][0].upper is not None or later[0][0].hollow is not None
    assert isinstance(last, Finished)
    whole = last.result
    kept = [step.partial for step in steps]
    assert [len(strip.sandwiches) for strip in kept] == [len(step.sandwiches) - 1 for step in steps]
    assert kept[-1].sandwiches == whole.sandwiches[:1]
    assert (kept[-1].indices, whole.indices) == ((0,), (0, 1))
    assert kept[-1].settings == whole.settings
    assert kept[-1].joint_alpha == whole.joint_alpha


def test_nothing_is_computed_for_rows_that_nobody_reads(
    scene: tuple[Classifier, list[ImageInput]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rs_core.experiments.sandwich import progress

    def never(*_: object) -> float:
        raise AssertionError("a drain pays for no band")

    monkeypatch.setattr(progress, "anytime_lower_bound", never)
    classifier, images = scene
    for step in MADE.run(classifier, images[:1], seed=0):
        assert "sandwiches" not in vars(step)


def test_the_live_lower_end_may_be_read_at_every_moment() -> None:
    """It is the anytime-valid bound at alpha, and 0 for a class that is known to be wrong."""
    rows = [SandwichRow(i, str(i)) for i in range(4)]
    look = while_certifying(rows, range(4), [0.5] * 4, [None, 1, 0, None], 0.01)
    counts = np.array([[[10, 90, 0]], [[10, 90, 0]], [[10, 90, 0]], [[0, 0, 0]]])
    labels = np.array([[1], [1], [1], [1]])
    step = CertifyStep(0, 1, counts, np.array([100, 100, 100, 0]), labels)
    expected = float(l2_radius(0.5, anytime_lower_bound(90, 100, 0.01)))
    assert [row.lower for row in look(step)] == [expected, expected, 0.0, 0.0]
    assert not any(row.lower_final for row in look(step))


@pytest.mark.parametrize("phase", ["certifying", "attacking", "asking"])
def test_a_strip_can_be_left_in_the_middle_of_any_part(
    scene: tuple[Classifier, list[ImageInput]], phase: str
) -> None:
    classifier, images = scene
    stream = MADE.run(classifier, images, seed=0, batch_size=64)
    inside = 0
    for step in stream:
        inside += isinstance(step, SandwichStep) and step.phase.startswith(phase)
        if inside == 2:
            break
    assert inside == 2
    stream.close()  # type: ignore[attr-defined]
    assert next(stream, None) is None
    *_, strip = steps(classifier, images[:1])  # and what comes afterwards is as ever
    assert isinstance(strip, SandwichStrip)
