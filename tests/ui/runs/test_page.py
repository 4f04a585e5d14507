"""What a page with one run decides: when Start may be pressed, and what stands below it."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from rs_ui.client.worker import WorkerError
from rs_ui.runs import cache
from rs_ui.runs.page import FinishedRun, RunPage
from rs_ui.runs.status import Status

LEAST = 5  # copies; fewer are refused


@dataclass(frozen=True)
class Found:
    copies: int


@dataclass(frozen=True)
class FoundTwice:
    copies: int
    times: int = 2


@dataclass
class Desk:
    """A worker with runs that last until they are told to end."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    refusal: str = ""  # of a start, whatever its price said

    def call(self, verb: str, **fields: Any) -> dict[str, Any]:
        self.calls.append((verb, fields))
        reply: dict[str, Any] = getattr(self, f"_{verb}")(fields)
        return reply

    def verbs(self) -> list[str]:
        return [verb for verb, _ in self.calls]

    def _price(self, fields: dict[str, Any]) -> dict[str, Any]:
        copies = fields["config"]["n"]
        if copies < LEAST:
            raise WorkerError(f"n={copies} can never certify: give {LEAST}.", "ParameterError")
        return {"passes": copies * fields["count"], "levels": 0}

    def _start(self, fields: dict[str, Any]) -> dict[str, Any]:
        if self.refusal:
            raise WorkerError(self.refusal)
        job = f"job-{len(self.jobs)}"
        images = fields.get("images") or [fields["image"]]
        about = {**fields, "image_ids": images, "labels": [None] * len(images), "device": "cpu"}
        self.jobs[job] = {"state": "running", "about": about}
        return {"job": job, "state": "running"}

    def _follow(self, fields: dict[str, Any]) -> dict[str, Any]:
        if fields["job"] not in self.jobs:
            raise WorkerError("run not found: it was deleted.")
        about, state = self.jobs[fields["job"]]["about"], self.jobs[fields["job"]]["state"]
        done = state == "finished"
        return {
            "state": state, "done": 1, "total": 10, "step": {} if state == "running" else None,
            "result": {"copies": about["config"]["n"]} if done else None, "error": None,
            "seconds": 1.0, "about": about, "questions": 1, "risk": 0.0, "at_least": False,
            "looks": 1,
        }  # fmt: skip


def live(status: Status) -> None:
    import streamlit as st

    st.caption(f"live {status.done}")


def finished(done: FinishedRun[Any]) -> None:
    import streamlit as st

    st.caption(f"finished {done.job}: {done.result}")


SHARED: dict[str, Any] = {
    "live": live, "finished": finished, "icon": ":material/bolt:", "promise": "It takes a while.",
}  # fmt: skip
PAGES: dict[str, RunPage[Any]] = {
    "set": RunPage(name="set", results={"set": Found}, noun="toss", keeps=True, **SHARED),
    "one": RunPage(
        name="one",
        results={"one": Found},
        noun="throw",
        press="press Start to throw {name}",
        one_image=("This throw is of", "a throw"),
        lost="Nothing is known.",
        **SHARED,
    ),
    "many": RunPage(
        name="many",
        results={"many_a": Found, "many_b": FoundTwice},
        noun="cast",
        address="cast",
        **SHARED,
    ),
}
PAGES["alone"] = replace(PAGES["one"], name="alone", results={"alone": Found}, alone=True)


def script() -> None:
    import numpy as np
    import streamlit as st

    from rs_core.results import ModelSpec
    from rs_ui.runs import session
    from tests.ui.runs.test_page import PAGES

    session.keep_owner("a" * 64)
    spec = ModelSpec("m", "conv4", (1, 2, 2), ("a", "b"), weights="m-01.safetensors")
    name = st.text_input("image", "a_b.png", key="image")
    pixels = np.zeros((1, 2, 2), np.float32)
    subject = session.Subject(
        f"id {name}", name, pixels, b"", (), None, False, "m", spec, 3, 0.001, "auto"
    )
    session.keep_subject(subject)
    page = PAGES[st.selectbox("page", list(PAGES), key="page")]
    copies = st.number_input("n", value=10, key="n")
    kind = st.selectbox("kind", list(page.results), key=f"kind_{page.name}")
    images = (subject.image,) if page.one_image else ("i", "j")
    config = {"n": copies, "alpha": 0.001} if copies else None
    page.show(page.start_row(subject, images, config, kind=kind))


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk()
    monkeypatch.setattr(cache, "worker", lambda: made)
    return made


def opened(page: str, **params: str) -> AppTest:
    app = AppTest.from_function(script, default_timeout=20)
    app.session_state["page"] = page
    app.query_params.update(params)
    return checked(app.run())


def checked(app: AppTest) -> AppTest:
    assert not app.exception, [e.value for e in app.exception]
    return app


def press(app: AppTest) -> AppTest:
    (start,) = [b for b in app.button if str(b.key).startswith("start_")]
    return checked(start.click().run())


def copies(app: AppTest, count: int) -> AppTest:
    return checked(app.number_input(key="n").set_value(count).run())


def infos(app: AppTest) -> list[str]:
    return [info.value.replace("\\", "") for info in app.info]


def captions(app: AppTest) -> list[str]:
    return [caption.value for caption in app.caption]


def test_what_stands_here_before_the_first_run(desk: Desk) -> None:
    assert infos(opened("set")) == ["No toss yet: press Start. It takes a while."]
    one = opened("one")
    assert infos(one) == ["No throw yet: press Start to throw a_b.png. It takes a while."]
    assert "a\\_b" in one.info[0].value, "a name is no markup"
    assert "start" not in desk.verbs()


def test_the_cost_counts_images_where_there_may_be_several(desk: Desk) -> None:
    assert captions(opened("set")) == ["2 images: at most 20 forward passes"]
    assert captions(opened("one")) == ["10 forward passes"]


@pytest.mark.parametrize("page", PAGES)
def test_what_cannot_start_says_why_and_nothing_of_pressing(desk: Desk, page: str) -> None:
    app = copies(opened(page), LEAST - 1)
    assert app.button(key=f"start_{page}").disabled
    assert [error.value.replace("\\", "") for error in app.error] == [
        f"n={LEAST - 1} can never certify: give {LEAST}."
    ]
    assert infos(app) == [f"No {PAGES[page].noun} yet. It takes a while."]
    app = copies(app, 0)
    assert app.button(key=f"start_{page}").disabled
    assert not app.error
    assert "press" not in infos(app)[0].lower()
    assert not copies(app, LEAST).button(key=f"start_{page}").disabled


@pytest.mark.parametrize("page", PAGES)
def test_no_note_says_press_while_that_is_refused(desk: Desk, page: str) -> None:
    app = press(opened(page))
    assert not infos(app)
    assert len([text for text in infos(copies(app, 20)) if "press" in text]) == 1
    (note,) = infos(copies(app, LEAST - 1))
    assert "press" not in note.lower()
    assert note.endswith(("than the controls show now.", "have changed since."))


def test_a_number_typed_with_the_click_that_is_refused_starts_nothing(desk: Desk) -> None:
    app = opened("set")
    app.number_input(key="n").set_value(LEAST - 1)
    press(app)
    assert "start" not in desk.verbs()
    assert not copies(app, LEAST + 1).query_params, "the click is not kept for later"


def test_a_start_names_its_images_and_stands_in_the_address(desk: Desk) -> None:
    sends: dict[str, dict[str, Any]] = {
        "set": {"images": ["i", "j"]},
        "one": {"images": ["id a_b.png"]},
        "alone": {"image": "id a_b.png"},
    }
    for page, asked in sends.items():
        app = press(opened(page))
        (sent,) = [fields for verb, fields in desk.calls if verb == "start"]
        assert sent.items() >= {"kind": page, "model": "m", "seed": 3, **asked}.items()
        assert sent["config"] == {"n": 10, "alpha": 0.001}
        assert app.query_params["run"] == next(reversed(desk.jobs))
        assert "live 1" in captions(app)
        desk.calls.clear()


def test_a_refused_start_is_said_until_something_else_is_asked(desk: Desk) -> None:
    desk.refusal = "20 runs are open already: wait."
    app = checked(press(opened("set")).run())
    assert "open already" in app.error[0].value
    assert "run" not in app.query_params
    assert not copies(app, 11).error


def test_the_kind_decides_what_is_read_and_another_is_no_change(desk: Desk) -> None:
    app = press(opened("many"))
    assert "run" not in app.query_params
    job = app.query_params["cast"]
    assert not infos(app)
    app.selectbox(key="kind_many").set_value("many_b")
    assert not infos(copies(app, 11))
    assert app.query_params["cast"] == job
    press(app)
    for run in desk.jobs.values():
        run["state"] = "finished"
    assert f"finished {app.query_params['cast']}: {FoundTwice(11)}" in captions(app.run())
    assert f"finished {job}: {Found(10)}" in captions(opened("many", cast=job))


def test_a_run_of_another_page_is_refused_and_not_kept(desk: Desk) -> None:
    job = press(opened("set")).query_params["run"]
    app = opened("one", run=job)
    assert "a run of another page, no one" in app.error[0].value
    assert "run" not in app.query_params
    assert infos(app.run())[0].startswith("No throw yet")


def test_an_end_without_result_is_said(desk: Desk) -> None:
    for page, lost in (("set", "Nothing of it was kept."), ("one", "Nothing is known.")):
        app = press(opened(page))
        run = desk.jobs[app.query_params["run"]]
        run["state"] = "cancelled"
        assert infos(checked(app.run())) == [f"Cancelled after 1 of 10 forward passes. {lost}"]
        run["state"] = "failed"
        assert "The run failed" in checked(app.run()).error[0].value
        assert not [text for text in captions(app) if text.startswith(("live", "finished"))]


@pytest.mark.parametrize(("page", "kept"), [("set", True), ("one", False), ("many", False)])
def test_a_large_result_is_fetched_once_and_others_stay_fresh(
    desk: Desk, page: str, kept: bool
) -> None:
    app = press(opened(page))
    for run in desk.jobs.values():
        run["state"] = "finished"
    app.run()
    before = desk.verbs().count("follow")
    assert "finished job-0" in " ".join(captions(checked(app.run())))
    assert (desk.verbs().count("follow") == before) == kept
    copies(app, 12)
    assert "live 1" in captions(press(app)), "the next run is another one"


def test_a_run_of_another_image_is_named_as_such(desk: Desk) -> None:
    app = press(opened("one"))
    app.text_input(key="image").set_value("c.png").run()
    (note,) = [warning.value.replace("\\", "") for warning in checked(app).warning]
    assert note.startswith("This throw is of a_b.png with m, seed 3, alpha 0.001. Press Start")
    assert not infos(app)
    (note,) = [warning.value for warning in copies(app, LEAST - 1).warning]
    assert "Press" not in note
