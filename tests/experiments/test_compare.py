import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rs_core.classifiers import Classifier
from rs_core.errors import ModelFileError, ParameterError
from rs_core.events import Finished, drain
from rs_core.experiments import MAX_METHODS, Compare, CompareStep, Pair
from rs_core.guarantees import GUARANTEES, Dual, Frozen, GridMinimum, PublishedDual, Regions
from rs_core.images import ImageInput, image_from_array
from rs_core.plots.compare.points import slope_groups
from rs_core.plots.compare.tables import image_table
from rs_core.results import from_json, to_json
from rs_core.results.comparison import Comparison, method_scores
from rs_core.selectors import SELECTORS, Fixed, FromNetwork, Grid, Multistart
from rs_core.smoothing import Sweep
from rs_core.smoothing.options import CertifyOptions
from tests.conftest import Coin, MakeLinear, spec_of

SHAPE = (1, 28, 28)
QUICK: dict[str, Any] = {"n0": 40, "n": 200, "alpha": 0.01}
GRID = Grid(sigma_min=0.1, sigma_max=0.5, interval=0.2, n=60)
CLIMB = Multistart(sigma_0=0.2, levels=4, m=50)


class Bright(nn.Module):
    """Two classes by the brightness of the middle: how far the noise moves it is known."""

    def forward(self, x: Tensor) -> Tensor:
        middle = x[:, 0, 8:20, 8:20].mean(dim=(1, 2)) - 0.5
        return torch.stack([-middle, middle], dim=1)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(Bright(), spec_of(SHAPE, 2))


@pytest.fixture(scope="module")
def images() -> list[ImageInput]:
    spec = spec_of(SHAPE, 2)
    levels = (140, 180, 90, 255)
    pixels = [np.full((28, 28, 1), level, np.uint8) for level in levels]
    return [
        image_from_array(p, spec, label=int(level > 128), name=f"grey {level}")
        for p, level in zip(pixels, levels, strict=True)
    ]


def pair(selector: str | Any, guarantee: str, **settings: Any) -> Pair:
    made = SELECTORS[selector](**settings) if isinstance(selector, str) else selector
    return Pair.of(made, GUARANTEES[guarantee])


METHODS = (
    pair("fixed", "global_sigma", sigma=0.3),
    pair("fixed", "frozen", sigma=0.3),
    pair(GRID, "frozen"),
    pair(GRID, "grid_minimum"),
    pair(CLIMB, "grid_minimum"),
    pair("multistart_uniform", "frozen", sigma_0=0.2, levels=4, m=50),
    pair("greedy_grid", "regions", n=2, evaluations=20),
    pair("gradient", "memory", steps=12, n=2, step_size=0.01),
    pair("knn", "sukenik", limit=100),
)


def compared(
    classifier: Classifier, images: Sequence[ImageInput], methods: Sequence[Pair], **changes: Any
) -> Comparison:
    options = {**QUICK, **changes}
    return drain(Compare(methods=tuple(methods), **options).run(classifier, images, seed=3))


def without_time(comparison: Comparison) -> Comparison:
    methods = tuple(replace(method, seconds=0.0) for method in comparison.methods)
    return replace(comparison, methods=methods)


def test_each_method_is_what_it_is_by_itself(
    classifier: Classifier, images: list[ImageInput]
) -> None:
    """The selections and certificates of separate runs, number for number."""
    found = compared(classifier, images, METHODS, sigmas=(0.5, 0.1, 0.25))
    assert [method.selector for method in found.methods] == [m.selector.name for m in METHODS]
    for method, given in zip(found.methods, METHODS, strict=True):
        selections = drain(given.selector.run(classifier, images, seed=3))
        guarantee = replace(given.guarantee, **QUICK).under(str(given.selector))
        assert method.selections == selections
        assert method.certificates == drain(guarantee.run(classifier, images, selections, seed=3))
        assert (method.guarantee, method.badge) == (guarantee.name, guarantee.badge)
        assert method.budget == guarantee.budget
        assert method.seconds > 0
        assert all(c.alpha == 0.01 and c.n0 == 40 for c in method.certificates)
    sweep = Sweep(sigmas=(0.1, 0.25, 0.5), simultaneous=False, recertify=False, **QUICK)
    assert found.curves == drain(sweep.run(classifier, images, seed=3))
    assert (found.dataset, found.indices) == ("", (0, 1, 2, 3))
    assert found.labels == (1, 1, 0, 1)
    assert found.names[0] == "grey 140"
    assert found.digests == tuple(image.digest for image in images)


def test_no_certificate_rests_on_draws_that_chose(
    classifier: Classifier, images: list[ImageInput], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every block's seed of stage "select" differs from every one that certifies or names."""
    import rs_core.smoothing.sampling as sampling

    drawn: dict[str, set[int]] = {}
    blocks = sampling._blocks

    def recorded(*args: Any, slot: int, **options: Any) -> Any:
        for block in blocks(*args, slot=slot, **options):
            drawn.setdefault(sampling._STAGES[slot // 4], set()).add(block.key)
            yield block

    monkeypatch.setattr(sampling, "_blocks", recorded)
    compared(classifier, images, [pair(GRID, "frozen"), pair(CLIMB, "frozen")], sigmas=(0.2,))
    assert set(drawn) == {"select", "label", "certify"}
    assert not drawn["select"] & drawn["certify"]
    assert not drawn["label"] & drawn["certify"]


def test_equal_sigmas_of_equal_guarantees_get_equal_certificates(
    classifier: Classifier, images: list[ImageInput]
) -> None:
    found = compared(classifier, images, [pair("fixed", "frozen", sigma=0.1), pair(GRID, "frozen")])
    one, other = found.methods
    same = [k for k in range(4) if other.selections[k].sigma == 0.1]
    for k in same:
        assert one.certificates[k] == other.certificates[k]
    assert len(same) < 4


def test_steps_only_grow_towards_a_total_that_stays(
    classifier: Classifier, images: list[ImageInput]
) -> None:
    compare = Compare(methods=METHODS, sigmas=(0.1, 0.25), **QUICK)
    *steps, last = compare.run(classifier, images, seed=0, batch_size=64)
    assert isinstance(last, Finished)
    assert len({step.total for step in steps}) == 1
    for before, after in pairwise(steps):
        assert isinstance(before, CompareStep)
        assert before.done <= after.done <= after.total
        assert after.scores[: len(before.scores)] == before.scores
    phases = list(dict.fromkeys(step.phase for step in steps))
    assert len(phases) == 2 * len(METHODS) + 1
    assert phases[4] == "grid picks (3 of 9)"
    assert phases[5] == "frozen certifies the picks of grid (3 of 9)"
    assert phases[-1] == "radius curves"
    assert steps[0].done == 0
    assert steps[0].scores == ()
    assert steps[-1].scores == method_scores(last.result)
    assert steps[-1].done == steps[-1].total
    # What the parts really cost is within what was planned, and not far below.
    spent = sum(s.draws for m in last.result.methods for s in m.selections)
    spent += sum(c.draws for m in last.result.methods for c in m.certificates)
    spent += sum(c.draws for curve in last.result.curves for c in curve.certificates)
    assert 0.5 * steps[0].total < spent <= steps[0].total


@pytest.mark.parametrize("batch_size", [1, 64, 1000])
def test_a_comparison_repeats_whatever_the_steps(
    batch_size: int, classifier: Classifier, images: list[ImageInput]
) -> None:
    compare = Compare(methods=METHODS[:4], **QUICK)
    first = drain(compare.run(classifier, images, seed=5, batch_size=batch_size))
    again = drain(compare.run(classifier, images, seed=5))
    assert without_time(first) == without_time(again)
    other = drain(compare.run(classifier, images, seed=6))
    assert without_time(first) != without_time(other)


def test_a_comparison_survives_json(classifier: Classifier, images: list[ImageInput]) -> None:
    bare = [replace(images[0], label=None), *images[1:]]
    found = compared(classifier, bare, METHODS, sigmas=(0.1, 0.5), dataset="greys")
    text = json.dumps(to_json(found), allow_nan=False)
    assert from_json(Comparison, json.loads(text)) == found
    assert method_scores(found)[0].accuracy != method_scores(found)[0].accuracy  # NaN: no label
    older = json.loads(text)
    del older["notes"]
    assert from_json(Comparison, older) == replace(found, notes=())


def test_settings_are_told_by_field(classifier: Classifier, images: list[ImageInput]) -> None:
    method = compared(classifier, images, [pair(GRID, "frozen")]).methods[0]
    assert method.settings == {
        "sigma_min": 0.1, "sigma_max": 0.5, "interval": 0.2, "n": 60, "alpha": 0.001,
        "label_aware": False, "agree": False, "ends": True,
    }  # fmt: skip
    assert SELECTORS[method.selector](**method.settings) == GRID


def test_the_grid_minimum_declares_all_that_can_be_answered() -> None:
    for selector in (GRID, CLIMB, Fixed(sigma=0.7)):
        guarantee = Pair.of(selector, GridMinimum).guarantee
        assert isinstance(guarantee, GridMinimum)
        assert guarantee.sigmas == selector.possible_sigmas


@pytest.mark.parametrize(
    ("selector", "guarantee", "reason"),
    [
        ("grid", "global_sigma", "grid looks at the images"),
        ("multistart_uniform", "global_sigma", "multistart_uniform looks at the images"),
        ("gradient", "grid_minimum", "gradient can answer any"),
        ("knn", "grid_minimum", "knn can answer any"),
        ("fixed", "sukenik", "fixed has none"),
        ("gradient", "sukenik", "gradient has none"),
    ],
)
def test_pairs_without_sense_are_refused_in_one_sentence(
    selector: str, guarantee: str, reason: str
) -> None:
    with pytest.raises(ParameterError, match=reason) as caught:
        pair(selector, guarantee)
    assert "\n" not in str(caught.value)
    assert "take the" in str(caught.value)


def test_a_declared_range_that_is_too_small_is_refused() -> None:
    with pytest.raises(
        ParameterError, match=r"grid can answer sigma=0\.1, which is not among the 2"
    ):
        Pair(GRID, GridMinimum(sigmas=(0.2, 0.5)))
    with pytest.raises(ParameterError, match=r"can answer sigma=0\.1, which is not among"):
        Pair(GRID, GridMinimum(sigmas=(0.1005, *GRID.possible_sigmas[1:])))


def test_dual_goes_with_its_network_alone(classifier: Classifier, images: list[ImageInput]) -> None:
    def h(pixels: Tensor) -> Tensor:
        return 0.1 + 0.3 * pixels.mean(dim=(1, 2, 3))

    dual = Dual(network=h, sigmas=(0.1, 0.2, 0.3), sigma_m=0.1, n_h=401, distance=0.01)
    with pytest.raises(ParameterError, match="certifies the sigmas of its own network"):
        Pair(GRID, dual)
    own = Pair(FromNetwork(network=h), dual)
    found = compared(classifier, images, [own, Pair(FromNetwork(network=h), Frozen())], n=2000)
    assert [m.guarantee for m in found.methods] == ["dual", "frozen"]
    assert found.methods[0].settings == {}
    assert all(c.predicted is not None for c in found.methods[1].certificates)


def test_a_class_without_a_radius_counts_as_right(
    classifier: Classifier, images: list[ImageInput]
) -> None:
    """Dual smoothing at distance 0 certifies classes and no ball: ACR 0, and accuracy as it is."""

    def h(pixels: torch.Tensor) -> torch.Tensor:
        return torch.full((len(pixels),), 0.25)

    own = FromNetwork(network=h)
    duals = [Pair(own, kind(network=h, n_h=101, distance=0.0)) for kind in (Dual, PublishedDual)]
    wrong = [replace(images[0], label=0), *images[1:]]
    found = compared(classifier, wrong, [*duals, Pair(own, Frozen())], n=1000)
    *zero, frozen = method_scores(found)
    for score in zero:
        assert (score.acr, score.abstentions) == (0.0, 0)
        assert score.accuracy == frozen.accuracy == 0.75
    assert frozen.acr > 0
    right, lost = image_table(found).rows[1], image_table(found).rows[0]
    assert right[3] == right[4] == "σ 0.25: 0.00000"
    assert lost[3] == "σ 0.25: 0.00000, wrong class"
    assert [dot.fate for dot in slope_groups(found, ())[0].dots[0]] == ["wrong"] + ["right"] * 3


def test_a_bound_that_a_guarantee_does_not_take_is_refused_before_any_draw() -> None:
    with pytest.raises(ParameterError, match="sukenik takes the bound"):
        Compare(methods=(pair("knn", "sukenik"),), bound="two-sided", **QUICK)


def test_a_method_may_stand_there_once() -> None:
    twice = (pair(GRID, "frozen"), pair("fixed", "frozen"), pair(replace(GRID), "frozen"))
    with pytest.raises(ParameterError, match="grid with frozen stands there twice"):
        Compare(methods=twice, **QUICK)
    # What would only differ in n and alpha does not: the comparison's hold for all.
    alike = (Pair(GRID, Frozen(n=500)), Pair(GRID, Frozen(n=900)))
    with pytest.raises(ParameterError, match="twice"):
        Compare(methods=alike, **QUICK)
    assert Compare(methods=(twice[0], pair(replace(GRID, n=61), "frozen")), **QUICK)


@pytest.mark.parametrize("count", [0, MAX_METHODS + 1])
def test_the_number_of_methods_is_held(count: int) -> None:
    methods = tuple(pair("fixed", "frozen", sigma=0.1 + k / 100) for k in range(count))
    with pytest.raises(ParameterError, match=f"{count} methods cannot be compared: give 1 to 12"):
        Compare(methods=methods, **QUICK)


@pytest.mark.parametrize(
    "changes",
    [
        {"sigmas": (0.1, -1)}, {"sigmas": (0.1, float("nan"))}, {"sigmas": (11.0,)}, {"n": 0},
        {"alpha": 0}, {"n0": 1.5}, {"methods": ("grid",)},
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        Compare(**{"methods": (METHODS[0],), **QUICK, **changes})


def test_what_cannot_be_done_is_refused_before_anything_is_drawn(
    classifier: Classifier, images: list[ImageInput], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: object, **__: object) -> None:
        raise AssertionError("something was drawn")

    monkeypatch.setattr("rs_core.smoothing.sampling._run_blocks", nothing)
    bare = [replace(image, label=None) for image in images]
    small = Classifier(Coin(0.9, 0.3), spec_of((1, 8, 8), 2))
    first, shared = pair(GRID, "frozen"), Pair(GRID, Regions(mode="label_aware"))
    refused: list[tuple[Classifier, list[ImageInput], dict[str, Any], str]] = [
        (classifier, [], {}, "0 images"),
        (small, images, {}, "grey 140 has shape"),
        (classifier, bare, {"methods": (first, pair("grid", "frozen", label_aware=True))}, "label"),
        (classifier, images, {"n": 3}, "can never certify"),
        (classifier, images, {"methods": (first, shared), "n": 8}, "0.0025"),
        (classifier, images, {"indices": (1, 2)}, "2 indices for 4 images"),
    ]
    for network, pictures, changes, reason in refused:
        compare = Compare(**{"methods": (first,), **QUICK, **changes})
        with pytest.raises(ParameterError, match=reason):
            next(iter(compare.run(network, pictures, seed=0)))
    tiny = [image_from_array(np.zeros((8, 8, 1), np.uint8), spec_of((1, 8, 8), 2))]
    knn = Compare(methods=(first, pair("knn", "sukenik", dataset="mnist5k")), **QUICK)
    with pytest.raises(ParameterError, match="mnist5k has images of"):
        next(iter(knn.run(small, tiny, seed=0)))


def test_images_that_repeat_are_allowed_and_noted(
    classifier: Classifier, images: list[ImageInput]
) -> None:
    again = [*images, images[0], replace(images[1], label=0, name="other")]
    found = compared(classifier, again, METHODS)
    assert found.notes[:2] == (
        "2 of 6 images repeat the pixels of others",
        "grey 180 and other have the same pixels and different labels, 1 and 0: no method that "
        "does not read labels can be right at both",
    )
    for method in found.methods:
        assert method.certificates[4].radius == method.certificates[0].radius
    assert not [note for note in compared(classifier, images, METHODS[:1]).notes if note]


def test_methods_that_are_no_methods_are_noted(
    classifier: Classifier, images: list[ImageInput]
) -> None:
    aware = pair(replace(GRID, label_aware=True), "frozen")
    notes = compared(classifier, images, [aware, *METHODS[5:8]]).notes
    assert [note.split(" ")[0] for note in notes] == ["grid", "multistart_uniform", "the", "the"]
    assert "the memory of gradient ended with this run: nothing answers from it" in notes


def test_images_where_everything_abstains(grey: ImageInput) -> None:
    class Infinite(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.full((len(x), 2), torch.inf)

    nobody = Classifier(Infinite(), spec_of((1, 8, 8), 2))
    methods = [pair(GRID, "frozen"), pair(GRID, "grid_minimum"), pair(GRID, "regions")]
    methods += [pair(GRID, "memory"), pair("fixed", "global_sigma", sigma=0.3)]
    found = compared(nobody, [grey, grey], methods, sigmas=(0.3,))
    for method in found.methods:
        assert [(c.predicted, c.radius) for c in method.certificates] == [(None, 0.0)] * 2
    assert [score.abstentions for score in method_scores(found)] == [2] * 5
    assert "2 of 2 images abstain at every sigma of the curves: grey, grey" in found.notes


def test_a_selector_that_fails_ends_the_comparison(
    classifier: Classifier, images: list[ImageInput]
) -> None:
    broken = FromNetwork(network=lambda x: torch.full((len(x),), torch.nan))
    with pytest.raises(ModelFileError, match="sigma=nan"):
        compared(classifier, images, [METHODS[0], Pair(broken, Frozen())])


def test_seconds_are_those_of_the_method_alone(
    classifier: Classifier, images: list[ImageInput], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What other runs compute between two steps is not counted."""
    now = iter(range(10_000_000))
    monkeypatch.setattr("rs_core.events.time.process_time", lambda: next(now))
    stream = Compare(methods=(METHODS[0],), **QUICK).run(classifier, images, seed=0, batch_size=64)
    events = []
    for event in stream:
        events.append(event)
        for _ in range(100):
            next(now)
    last = events[-1]
    assert isinstance(last, Finished)
    assert 0 < last.result.methods[0].seconds <= len(events)


@pytest.mark.parametrize("name", SELECTORS)
def test_a_selector_keeps_to_what_it_says_of_itself(
    name: str, classifier: Classifier, images: list[ImageInput]
) -> None:
    selector = SELECTORS[name](**({"m": 20} if "multistart" in name else {}))
    found = drain(selector.run(classifier, images, seed=0))
    assert max(selection.draws for selection in found) <= selector.most_draws
    if selector.possible_sigmas is not None:
        assert {selection.sigma for selection in found} <= set(selector.possible_sigmas)
        assert list(selector.possible_sigmas) == sorted(selector.possible_sigmas)


@pytest.mark.parametrize("name", GUARANTEES)
def test_a_guarantee_keeps_to_what_it_says_of_itself(name: str, linear: MakeLinear) -> None:
    classifier, image = linear(0.5)
    picked = [replace(drain(Fixed(sigma=0.3).run(classifier, [image], seed=0))[0], rate=0.01)]
    options = CertifyOptions(n=300)
    changes = {"sigmas": (0.2, 0.3)} if name in ("grid_minimum", "cascade") else {}
    guarantee = replace(GUARANTEES[name](**vars(options)), **changes)
    (certificate,) = drain(guarantee.run(classifier, [image], picked, seed=0))
    assert certificate.draws <= guarantee.most_draws
    fixed = ("global_sigma", "frozen", "grid_minimum", "cascade", "sukenik")  # what pages compare
    assert certificate.draws == guarantee.most_draws or name not in fixed
    assert guarantee.level(1) <= guarantee.alpha


def test_norms_are_not_mixed() -> None:
    l1 = (pair("fixed", "global_lambda", sigma=0.3), pair("gradient", "frozen_lambda", norm="l1"))
    assert Compare(methods=l1, **QUICK).statements == 2
    for methods, sigmas in (((*l1, METHODS[0]), ()), (l1, (0.25,))):
        with pytest.raises(ParameterError, match="not comparable"):
            Compare(methods=methods, sigmas=sigmas, **QUICK)
    with pytest.raises(ParameterError, match="of one norm"):
        pair("gradient", "frozen", norm="l1")
    with pytest.raises(ParameterError, match="of one norm"):
        pair(GRID, "frozen_lambda")
    with pytest.raises(ParameterError, match="fixed beforehand"):
        pair("gradient", "global_lambda", norm="l1")


def test_l1_methods_are_compared_among_themselves(
    classifier: Classifier, images: list[ImageInput]
) -> None:
    found = compared(classifier, images, [pair("fixed", "global_lambda", sigma=0.3)])
    assert {c.norm for c in found.methods[0].certificates} == {"l1"}
    assert found.methods[0].badge == "A"
