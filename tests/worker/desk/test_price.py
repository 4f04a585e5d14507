"""A price is what the run itself counts to, and its refusal is the one that a start gives."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from rs_core.assets import sample_path
from rs_core.classifiers import Classifier, load_classifier
from rs_core.errors import ParameterError, RsError, UnknownNameError
from rs_core.events import drain
from rs_core.images import ImageInput, load_image
from rs_core.selectors import SELECTORS, Selector
from rs_core.worker.desk.price import Price, price_of
from rs_core.worker.models import ModelCache
from rs_core.worker.request import origin_in, task_of
from rs_core.worker.tasks.base import TASKS
from rs_core.worker.tasks.kinds import GROUP_TASKS
from tests.conftest import Coin, spec_of
from tests.worker.conftest import Office

RECORDED: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "recorded_requests.json").read_text(encoding="utf-8")
)["requests"]
ALONE = ("train", "paper")  # which name no image
ASKED = {name: one for name, one in RECORDED.items() if one["ask"]["kind"] not in ALONE}
MAPS = ("points", "regions")  # steps of their first part count images where nothing is drawn
DIGITS = spec_of((1, 28, 28), 10)
COARSE = {"sigma_min": 0.1, "sigma_max": 0.5, "interval": 0.1, "n": 16}
FINE = {"sigma_min": 0.1, "sigma_max": 0.9, "interval": 0.005, "n": 64}


@pytest.fixture(scope="module")
def network(tiny: Path) -> Classifier:
    return load_classifier(tiny, device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def images(network: Classifier) -> list[ImageInput]:
    paths = {digit: sample_path(f"digit-{digit}") for digit in (7, 3, 8)}
    return [load_image(path, network.spec, label=digit) for digit, path in paths.items()]


def priced(kind: str, config: dict[str, Any], count: int = 1) -> int:
    return price_of(kind, config, DIGITS, count).passes


@pytest.mark.parametrize("name", [n for n, one in ASKED.items() if one["ask"]["kind"] not in MAPS])
def test_a_price_is_the_total_that_the_run_counts_to(
    name: str, network: Classifier, images: list[ImageInput]
) -> None:
    ask = ASKED[name]["ask"]
    own = images[: len(ask.get("images", [0]))]
    task = task_of(ask["kind"], ask["config"], origin_in({"indices": range(len(own))}))
    first = next(iter(task.run(network, own, seed=0, batch_size=64)))
    price = priced(ask["kind"], ask["config"], len(own))
    if ask["config"].get("pipeline"):  # a strip does not count an attack's own choices of sigma
        assert price > first.total > 0
    else:
        assert price == first.total


def test_every_kind_has_a_price() -> None:
    assert {one["ask"]["kind"] for one in ASKED.values()} == {*TASKS, *GROUP_TASKS}


def test_a_comparison_spends_its_price(network: Classifier, images: list[ImageInput]) -> None:
    """Methods that never stop early, a certificate of every level, and the curves."""
    config = {
        "methods": [
            {"selector": "grid", "settings": COARSE, "guarantee": "frozen"},
            {"selector": "grid", "settings": COARSE, "guarantee": "grid_minimum"},
            {"selector": "gradient", "settings": {"steps": 5, "n": 2}, "guarantee": "frozen"},
        ],
        "sigmas": [0.1, 0.2, 0.1], "n0": 10, "n": 50,
    }  # fmt: skip
    compare: Any = task_of("compare", config, origin_in({"indices": range(2)}))
    found = drain(compare.run(network, images[:2], seed=0, batch_size=64))
    parts = [one for m in found.methods for one in (*m.selections, *m.certificates)]
    parts += [point for curve in found.curves for point in curve.certificates]
    spent = sum(part.draws for part in parts)
    assert spent == 2 * (2 * 5 * 16 + 5 * 2 + (1 + 5 + 1) * 60 + 2 * 60)
    assert priced("compare", config, 2) == spent


@pytest.mark.parametrize(
    ("kind", "options"),
    [("points", {}), ("regions", {"mode": "label_aware"}), ("regions", {"mode": "online"})],
)
def test_a_map_spends_its_price_at_most(
    kind: str, options: dict[str, Any], network: Classifier, images: list[ImageInput]
) -> None:
    config = {"selector": "grid", "settings": COARSE, "n0": 10, "n": 500, **options}
    task: Any = task_of(kind, config, origin_in({"indices": range(3)}))
    found = drain(task.run(network, images, seed=0, batch_size=64))
    spent = sum(part.draws for part in (*found.selections, *found.certificates))
    price = priced(kind, config, 3)
    assert spent == 3 * (5 * 16 + 510)
    assert price == (spent + 3 * 510 if options.get("mode") == "online" else spent)


SMALL: dict[str, tuple[dict[str, Any], int]] = {
    "fixed": ({"sigma": 0.5}, 1),
    "grid": (COARSE, 5),
    "greedy_grid": ({"n": 3, "evaluations": 20}, 6),
    "gradient": ({"steps": 5, "n": 2}, 0),
    "multistart": ({"levels": 4, "m": 16}, 4),
    "multistart_uniform": ({"levels": 4, "m": 16}, 4),
    "knn": ({}, 0),
}


@pytest.mark.parametrize("name", SELECTORS)
def test_a_selector_spends_its_price_at_most(name: str, grey: ImageInput) -> None:
    settings, levels = SMALL[name]
    price = price_of("select", {"selector": name, "settings": settings}, DIGITS, 3)
    assert price.levels == levels
    if name == "knn":  # it compares with reference images, and draws nothing
        assert price.passes == 0
        return
    selector: Selector = SELECTORS[name](**settings)
    coin = Classifier(Coin(0.9, 0.3), spec_of((1, 8, 8), 2))
    (spent,) = (selection.draws for selection in drain(selector.run(coin, [grey], seed=0)))
    assert 3 * spent <= price.passes
    assert 3 * spent == price.passes or name.startswith("multistart")


def test_the_grid_of_an_earlier_version_has_its_ends() -> None:
    earlier = {"sigma_min": 0.12, "sigma_max": 0.48, "interval": 0.1, "n": 1}
    assert price_of("select", {"selector": "grid", "settings": earlier}, DIGITS, 1).levels == 5
    later = {"selector": "grid", "settings": {**earlier, "ends": False}}
    assert price_of("select", later, DIGITS, 1) == Price(passes=3, levels=3)


def test_the_desk_answers_and_nothing_is_loaded_counted_or_kept(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = office.model()
    monkeypatch.delattr(ModelCache, "classifier")
    config = {"sigmas": [0.1, 0.5], "n": 200, "n0": 50}
    assert office.ask("price", kind="sweep", model=model, config=config) == {
        "passes": 3 * 250, "levels": 0,
    }  # fmt: skip
    grid = {"selector": "grid", "settings": COARSE}
    found = office.ask("price", kind="select", model=model, config=grid, count=4)
    assert found == asdict(Price(passes=4 * 5 * 16, levels=5))
    assert office.ask("runs") == {"runs": []}


def pair(settings: dict[str, Any], guarantee: str = "frozen", **method: Any) -> dict[str, Any]:
    return {"selector": "grid", "settings": settings, "guarantee": guarantee, **method}


LONG_STEPS = {"attack": "epgd", "settings": {"steps": 10_000, "draws": 512, "sigma": 0.25}}
PIPELINE = {"sigma": None, "pipeline": True, "selector": {"selector": "grid"}}
REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    ("sweep", {"n": 1}, 1, "n=1 can never certify"),
    ("certify", {"sigma": -1}, 1, "sigma=-1"),
    ("predict", {"sigma": 0.5, "sigmas": []}, 1, "is no setting of predict"),
    ("compare", {"methods": []}, 1, "must be a list of 1 to 12"),
    ("compare", {"methods": [pair(FINE)]}, 1, "method 1 .grid.: grid would look at 161 noise"),
    ("compare", {"methods": [pair(COARSE)], "n": 3}, 1, "n=3 can never certify"),
    (
        "compare",
        {"methods": [pair({"steps": 10_000}, selector="gradient")]},
        41,
        "would look at 410,000 noise levels of 41 images: the limit is 400,000",
    ),
    ("sandwich", PIPELINE, 1, "takes 19,000 copies .* times: the limit is 10,000. Give the"),
    ("sandwich", {"sigma": 0.25, "n": 3}, 1, "n=3 can never certify"),
    ("sandwich", {"sigma": 0.25, "n": 99_999_999}, 2, "the limit is 100,000,000; give fewer"),
    ("sandwich", {"sigma": 0.25}, 51, "51 images are too many for one strip: the limit is 50"),
    ("attack", LONG_STEPS, 1, "forward passes: the limit is 10,000,000; give fewer steps"),
    ("study_frontier", {"n": 10_000_000}, 1, "forward passes: the limit is 50,000,000 here"),
    ("points", {"selector": "fixed", "n": 2}, 1, "n=2 can never certify"),
    ("regions", {"selector": "fixed", "n": 2}, 1, "n=2 can never certify"),
    ("regions", {"selector": "oracle"}, 1, "unknown selector 'oracle'"),
]


@pytest.mark.parametrize(("kind", "config", "count", "reason"), REFUSED)
def test_a_start_refuses_in_the_same_sentence(
    kind: str, config: dict[str, Any], count: int, reason: str, office: Office
) -> None:
    model, image = office.model(), office.image()
    asked: dict[str, Any] = {"kind": kind, "config": config, "model": model}
    named = {"image": image} if kind in TASKS else {"images": [image] * count}
    with pytest.raises(RsError, match=reason) as price:
        office.ask("price", **asked, count=count)
    with pytest.raises(RsError) as start:
        office.ask("start", **asked, **named)
    assert str(price.value) == str(start.value)
    assert type(price.value) is type(start.value)


@pytest.mark.parametrize("interval", [5e-324, 1e-300, 1e-9])
def test_a_grid_that_nobody_takes_is_refused_and_not_counted_out(interval: float) -> None:
    settings = {"sigma_min": 0.1, "sigma_max": 1.0, "interval": interval, "n": 1}
    with pytest.raises(ParameterError, match="interval"):
        price_of("select", {"selector": "grid", "settings": settings}, DIGITS, 1)


@pytest.mark.parametrize("count", [0, 201])
def test_no_run_has_so_many_images(count: int) -> None:
    with pytest.raises(ParameterError, match="give 1 to 200 images"):
        priced("study_noise", {}, count)


def test_large_images_are_fewer() -> None:
    with pytest.raises(ParameterError, match=r"27 images of this size .* the limit is 26"):
        price_of("points", {"selector": "fixed"}, spec_of((3, 224, 224), 10), 27)


@pytest.mark.parametrize(
    "config", [{}, {"selector": 3}, {"selector": "grid", "settings": []}, {"selector": "oracle"}]
)
def test_a_selector_is_named_in_text(config: dict[str, Any]) -> None:
    with pytest.raises((ParameterError, UnknownNameError), match="selector"):
        price_of("select", config, DIGITS, 1)


def test_what_has_no_price_is_said(office: Office) -> None:
    model = office.model()
    with pytest.raises(ParameterError, match="kind='train' does not fit: choose one of sweep"):
        office.ask("price", kind="train", model=model, config={})
    with pytest.raises(UnknownNameError, match="model"):
        office.ask("price", kind="sweep", model="nothing", config={})
