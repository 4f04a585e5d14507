"""Studies as runs of the worker: built from JSON, alive while they run, whole when they end."""

from typing import Any

import numpy as np
import pytest

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError, UnknownNameError
from rs_core.experiments.studies import Frontier
from rs_core.fields import describe_fields
from rs_core.images import image_from_array
from rs_core.models import build_network
from rs_core.plots.study.text import VOTE_WORDS
from rs_core.results import from_json
from rs_core.results.study import FrontierStudy, NoiseStudy, StrengthStudy
from rs_core.smoothing.ballots import VOTES
from rs_core.worker.desk.describe import describe
from rs_core.worker.tasks.base import Origin
from rs_core.worker.tasks.study import STUDIES, study_task
from tests.conftest import spec_of
from tests.worker.conftest import Office
from tests.worker.tasks.test_groups import sampled, start

FAST: dict[str, dict[str, Any]] = {
    "study_noise": {
        "sigmas": [0.0, 0.3], "samples": [1, 4], "votes": ["rank"], "attacks": ["none", "pgd"],
        "steps": 2,
    },
    "study_strength": {"eps": [0, 0.5], "steps": 2, "draws": 2, "vote": "soft"},
    "study_frontier": {
        "sigmas": [0.25], "gammas": [0.3], "weak_steps": 2, "strong_steps": 2, "draws": 2,
        "n": 64, "reselect": 1,
        "selectors": [{"selector": "greedy_grid", "settings": {"evaluations": 2}}],
    },
}  # fmt: skip
RESULTS = {
    "study_noise": NoiseStudy, "study_strength": StrengthStudy, "study_frontier": FrontierStudy,
}  # fmt: skip
POINTS = {"study_noise": 8, "study_strength": 6, "study_frontier": 4}
HERE = Origin("MNIST test", (4, 9))


@pytest.mark.parametrize("kind", STUDIES)
def test_a_study_runs_and_its_curves_grow(office: Office, kind: str) -> None:
    office.bench._turn_seconds = 1e-9
    job = start(office, sampled(office, "7", "3"), kind=kind, config=FAST[kind], seed=2)
    seen = []
    while office.bench.turn():
        step = office.follow(job)["step"]
        if step is not None:
            assert step["phase"]
            seen.append(len(step["partial"]["points"]))
    found = office.follow(job)
    study = from_json(RESULTS[kind], found["result"])
    assert len(study.points) == POINTS[kind]
    assert seen == sorted(seen)
    assert 0 < seen[-1] < POINTS[kind]
    assert study.about.images == 2
    assert study.about.seed == 2
    asked = found["about"]["config"]
    assert all(asked[name] == value for name, value in FAST[kind].items() if name != "selectors")
    assert [one["selector"] for one in asked.get("selectors", [])] == [
        one["selector"] for one in FAST[kind].get("selectors", [])
    ]
    assert (found["questions"], found["risk"]) == (0, 0.0)


@pytest.mark.parametrize("kind", STUDIES)
def test_a_config_builds_the_same_study_again(kind: str) -> None:
    task = study_task(kind, FAST[kind], HERE)
    again = study_task(kind, task.config(), HERE)
    assert again == task
    assert task.study.dataset == "MNIST test"
    assert task.study.indices == (4, 9)


@pytest.mark.parametrize(
    ("kind", "config", "match"),
    [
        ("study_noise", {"votes": "hard"}, "votes"),
        ("study_noise", {"votes": [1]}, "votes"),
        ("study_noise", {"attacks": ["ddn"]}, "attacks"),
        ("study_noise", {"dataset": "x"}, "no setting"),
        ("study_noise", {"strengths": ["weaker"]}, "no setting"),
        ("study_strength", {"votes": ["hard"]}, "no setting"),
        ("study_strength", {"selectors": []}, "no setting"),
        ("study_frontier", {"selectors": "grid"}, "selectors"),
        ("study_frontier", {"selectors": [{"settings": {}}]}, "selector 1"),
        ("study_frontier", {"selectors": [{"selector": "grid", "folder": "x"}]}, "selector 1"),
        ("study_frontier", {"selectors": [{"selector": "grid"}] * 7}, "at most 6"),
        ("study_frontier", {"gammas": [0]}, "gammas"),
    ],
)
def test_configs_that_make_no_sense_are_refused(
    kind: str, config: dict[str, Any], match: str
) -> None:
    with pytest.raises(ParameterError, match=match):
        study_task(kind, config, HERE)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnknownNameError):
        study_task("study_noise", {"votes": ["loud"]}, HERE)
    with pytest.raises(UnknownNameError):
        study_task("study_frontier", {"selectors": [{"selector": "oracle"}]}, HERE)


def test_what_would_take_hours_is_refused(office: Office) -> None:
    with pytest.raises(ParameterError, match=r"forward passes: the limit is 50,000,000"):
        start(office, sampled(office), kind="study_frontier", config={"n": 10_000_000})


def test_a_network_with_noise_of_its_own_is_asked_more_often_and_priced_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without noise a plain network is asked once for an image, such a one for every copy."""
    shape = (1, 8, 8)
    image = image_from_array(np.zeros((8, 8, 1), np.uint8), spec_of(shape, 2), label=1)
    config = {"sigmas": [0.0], "samples": [64], "votes": ["hard"], "attacks": ["none"]}
    task = study_task("study_noise", config, Origin("toy", (0,)))
    monkeypatch.setattr("rs_core.worker.tasks.study.MAX_PASSES", 10)
    options = {"widths": [4, 4, 4, 8]}
    plain, noisy = (
        Classifier(build_network(name, shape, 2, options), spec_of(shape, 2))
        for name in ("conv4", "conv4-cpni")
    )
    task.check(plain, [image])
    with pytest.raises(ParameterError, match="64 forward passes: the limit is 10"):
        task.check(noisy, [image])


def test_images_without_labels_are_refused(office: Office) -> None:
    nameless = office.ask("decode", model=office.model(), name="x.png", data=_png(), label=None)[
        "image"
    ]
    with pytest.raises(ParameterError, match="no label"):
        start(office, [nameless], kind="study_noise", config=FAST["study_noise"])


def _png() -> str:
    import base64
    from io import BytesIO

    from PIL import Image

    out = BytesIO()
    Image.new("L", (28, 28), 40).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def test_forms_and_words_are_offered() -> None:
    forms = describe()["forms"]
    assert [field["name"] for field in forms["study_frontier"]] == [
        facts.name for facts in describe_fields(Frontier)
    ]
    assert "dataset" not in {field["name"] for field in forms["study_noise"]}
    assert list(VOTE_WORDS) == list(VOTES)
