"""Studies on a page: settings that are sent, curves that grow, a finished study and its files."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from rs_core.experiments.studies import Frontier, NoiseCurve, StrengthCurve
from rs_core.fields import describe_fields
from rs_core.results import from_json, to_json
from rs_core.results.study import (
    AttackFacts,
    FrontierPoint,
    FrontierStudy,
    NoisePoint,
    NoiseStudy,
    StrengthPoint,
    StrengthStudy,
    StudySet,
)
from rs_ui.runs import cache
from rs_ui.study import view
from tests.pages.conftest import Open
from tests.pages.fake_worker import FakeWorker

ABOUT = StudySet("tiny", "w", "MNIST test", (0, 50), 0, ("a note",))
PGD = AttackFacts("pgd", "l2", 0.5, 20, 1, 2.5)
STUDIES: dict[str, Any] = {
    "study_noise": NoiseStudy(
        ABOUT, (PGD,), 0.5,
        (NoisePoint("pgd", 0.1, "hard", 8, 1), NoisePoint("pgd", 0.2, "hard", 8, 2)),
    ),
    "study_strength": StrengthStudy(
        ABOUT, (PGD,), 0.25, 8, "hard", (StrengthPoint("plain", "pgd", 0.5, 1),)
    ),
    "study_frontier": FrontierStudy(
        ABOUT, (AttackFacts("weaker", "l2", float("nan"), 40, 1, 2.5),), 1000, 1e-3,
        (FrontierPoint("fixed", "sigma 0.25", 0.25, "weaker", 0.3, 2, 1, 0, 1),),
    ),
}  # fmt: skip
FORMS = {
    "study_noise": NoiseCurve, "study_strength": StrengthCurve, "study_frontier": Frontier,
}  # fmt: skip


class StudyWorker(FakeWorker):
    """The fake worker with studies: one step with half of the points, then the end."""

    def describe(self) -> dict[str, Any]:
        told = super().describe()
        told["forms"] |= {kind: to_json(describe_fields(made)) for kind, made in FORMS.items()}
        return told

    def _start(self, owner: str, kind: str, config: dict[str, Any], **asked: Any) -> Any:
        ids = asked.pop("images")
        about = {"kind": kind, "config": config, "image_ids": ids, **asked, "device": "cpu"}
        self.jobs[f"job-{kind}"] = {
            "owner": owner, "about": about, "state": "running", "followed": 0,
        }  # fmt: skip
        self.asked["", "i", about["model"]] = {}
        self.asked[owner, "i", about["model"]] = {}
        return {"job": f"job-{kind}", "state": "queued"}

    def _follow(self, owner: str, job: str) -> dict[str, Any]:
        run = self._job(owner, job)
        run["followed"] += 1
        if run["state"] == "running" and run["followed"] > self.steps:
            run["state"] = "finished"
        study = to_json(STUDIES[run["about"]["kind"]])
        done = run["state"] == "finished"
        part = {**study, "points": study["points"][:1]}
        return {
            "job": job, "state": run["state"], "done": 10, "total": 1000, "error": None,
            "step": None if done else {"phase": "PGD on the network", "partial": part},
            "result": study if done else None, "seconds": 0.5, "about": run["about"],
            "questions": 0, "risk": 0.0, "at_least": False, "looks": 0,
        }  # fmt: skip


def page() -> None:
    import numpy as np

    from rs_core.results import ModelSpec
    from rs_ui.runs import session
    from rs_ui.study import form

    session.keep_owner("a" * 64)
    digits, file = tuple("0123456789"), "m-12.safetensors"
    spec = ModelSpec("mnist-conv4", "conv4", (1, 28, 28), digits, weights=file)
    pixels = np.zeros((1, 28, 28), np.float32)
    form.show(
        session.Subject(
            "i", "seven", pixels, b"", (), 7, False, "mnist-conv4", spec, 3, 1e-3, "auto"
        )
    )


@pytest.fixture
def study_worker(worker: FakeWorker, monkeypatch: pytest.MonkeyPatch) -> StudyWorker:
    fake = StudyWorker()
    monkeypatch.setattr(cache, "Worker", lambda: fake)
    return fake


def opened(kind: str = "study_noise", **params: str) -> AppTest:
    app = AppTest.from_function(page, default_timeout=20)
    app.query_params.update(params)
    app.run()
    if kind != "study_noise":
        app.button_group(key="study_kind").set_value(kind).run()
    assert not app.exception, [e.value for e in app.exception]
    return app


def press(app: AppTest) -> AppTest:
    app.button(key="start_study").click().run()
    assert not app.exception, [e.value for e in app.exception]
    return app


def sent(worker: FakeWorker) -> dict[str, Any]:
    return next(fields for verb, fields in worker.calls[::-1] if verb == "start")


def test_the_price_is_said_before_the_start_or_why_there_is_none(study_worker: StudyWorker) -> None:
    app = opened()
    cost = NoiseCurve().cost(20)
    assert f"20 images: at most {cost:,} forward passes" in [c.value for c in app.caption]
    app.number_input(key="study_noise_steps").set_value(10_000)
    app.number_input(key="study_noise_draws").set_value(10_000).run()
    (refusal,) = [error.value.replace("\\", "") for error in app.error]
    assert "this study would take" in refusal
    assert app.button(key="start_study").disabled
    (told,) = [info.value for info in app.info]
    assert told.startswith("No study yet. The curves grow")


def test_nothing_runs_before_start(study_worker: StudyWorker) -> None:
    app = opened()
    assert study_worker.count("start") == 0
    assert any("No study yet" in info.value for info in app.info)


def test_the_attack_lab_has_them_in_its_second_part(
    open_app: Open, study_worker: StudyWorker
) -> None:
    app = open_app("attack", attack_part="On a set")
    assert not app.exception, [e.value for e in app.exception]
    assert any("No study yet" in info.value for info in app.info)
    assert not app.button(key="start_study").disabled


@pytest.mark.parametrize("kind", STUDIES)
def test_a_study_is_asked_for_and_shown(study_worker: StudyWorker, kind: str) -> None:
    app = press(opened(kind))
    asked = sent(study_worker)
    assert asked["kind"] == kind
    assert asked["seed"] == 3
    assert len(asked["images"]) == 20
    made = FORMS[kind]()
    for name, value in asked["config"].items():
        default = [] if name == "selectors" else getattr(made, name)
        assert value == (list(default) if isinstance(default, tuple) else default), name
    assert app.query_params["study"] == f"job-{kind}"
    assert "run" not in app.query_params
    badge = [html.proto.body for html in app.main.get("html")]
    assert any("D Empirical" in body for body in badge)
    assert any("no radius is certified" in text.value for text in app.markdown)
    (chart,) = app.get("plotly_chart")
    assert json.loads(chart.proto.spec)["layout"]["meta"]["alt"]
    files = [button.proto.label for button in app.get("download_button")]
    assert files == ["TSV", "JSON", "Report"]


def test_a_live_study_draws_what_there_is(study_worker: StudyWorker) -> None:
    study_worker.steps = 100
    app = press(opened())
    (chart,) = app.get("plotly_chart")
    assert json.loads(chart.proto.spec)["data"][0]["x"] == [0.1]
    assert any(caption.value == "PGD on the network" for caption in app.caption)


def test_words_are_sent_as_chosen(study_worker: StudyWorker) -> None:
    app = opened()
    app.button_group(key="study_noise_votes").set_value(["rank", "top2"]).run()
    press(app)
    assert sent(study_worker)["config"]["votes"] == ["rank", "top2"]
    app.button_group(key="study_noise_votes").set_value([]).run()
    assert app.button(key="start_study").disabled


def test_selectors_are_sent_by_name(study_worker: StudyWorker) -> None:
    app = opened("study_frontier")
    app.button_group(key="study_frontier_selectors").set_value(["grid"]).run()
    press(app)
    assert sent(study_worker)["config"]["selectors"] == [{"selector": "grid", "settings": {}}]


def test_other_controls_than_the_runs_are_named(study_worker: StudyWorker) -> None:
    def others() -> list[str]:
        return [i.value for i in app.info if "than the controls show now" in i.value]

    app = press(opened())
    assert not others()
    app.button_group(key="study_noise_votes").set_value(["rank"]).run()
    assert "has other settings than" in others()[0]
    app.button_group(key="study_kind").set_value("study_frontier").run()
    assert not others(), "another kind of study is no other setting of this one"


def test_a_refusal_stands_by_the_button(study_worker: StudyWorker) -> None:
    study_worker.refuse["start"] = "images have no label: give labelled ones."
    app = press(opened())
    assert any("no label" in error.value for error in app.error)


def test_a_run_of_another_kind_is_no_study(study_worker: StudyWorker) -> None:
    app = opened(study="job-nobody")
    assert any("run not found" in error.value for error in app.error)
    assert "study" not in app.query_params


def test_files_hold_every_point() -> None:
    for kind, study in STUDIES.items():
        rows = view.tsv_text(study).splitlines()
        assert len(rows) == 1 + len(study.points)
        assert "D" in rows[1].split("\t")
        assert "not a guarantee" in rows[1]
        assert rows[0].split("\t")[-5:] == ["seed", "dataset", "split", "version", "command"]
        assert rows[1].split("\t")[-1] == "rs app"
        text = view.report_text(study, {"model": "m", "device": "cpu", "config": {}})
        assert "D Empirical" in text
        assert from_json(view.RESULTS[kind], to_json(study)).points == study.points
