import re
from collections.abc import Iterator
from typing import Any

from streamlit.testing.v1 import AppTest

from rs_core.results import to_json
from rs_core.training import RECIPES
from rs_core.worker.desk.describe import describe
from rs_core.worker.training.config import recipe_fields, train_task


def page(recipe: str) -> None:
    import streamlit as st

    from rs_core.results import to_json
    from rs_core.worker.training.config import recipe_fields
    from rs_ui.inputs.fields import form

    fields = to_json(recipe_fields(recipe))
    lists = [f["name"] for f in fields if f["default"] is None and f["kind"] == "floats"]
    settings = form(fields, prefix="x", first=("sigma", "epochs"), given=lists)
    st.session_state["settings"] = settings


def shown(recipe: str, **address: str) -> AppTest:
    app = AppTest.from_function(page, kwargs={"recipe": recipe})
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def settings(app: AppTest) -> dict[str, Any]:
    found: dict[str, Any] = app.session_state["settings"]
    return found


def test_an_untouched_form_holds_every_recipes_defaults() -> None:
    for name, recipe in RECIPES.items():
        found = to_json(settings(shown(name)))  # as it goes over the pipe
        base = {"base": "mnist-conv4"} if recipe.needs_base else {}
        asked = {"dataset": "mnist5k", "architecture": "conv4", "recipe": name, "settings": found}
        assert train_task(asked | base).recipe == recipe(epochs=found["epochs"])
        fields = to_json(recipe_fields(name))
        empty = {f["name"] for f in fields if f["kind"] == "floats" and f["default"] is None}
        assert set(found) == {f["name"] for f in fields} - empty


def test_a_number_without_a_default_may_stay_empty() -> None:
    app = shown("smoothadv")
    assert settings(app)["sigma_low"] is None
    app.number_input(key="x_sigma_low").set_value(0.2).run()
    assert settings(app)["sigma_low"] == 0.2
    app.number_input(key="x_sigma_low").set_value(None).run()
    assert settings(app)["sigma_low"] is None
    assert settings(shown("macer", x_sigma_low="0.1"))["sigma_low"] == 0.1


def test_a_number_out_of_range_is_said_and_starts_nothing() -> None:
    for name, wrong, right in (("epochs", 0, 3), ("momentum", 1.0, 0.5), ("sigma_low", 11.0, None)):
        app = shown("smoothadv")
        app.number_input(key=f"x_{name}").set_value(wrong).run()
        assert settings(app) is None
        assert any("is out of range" in e.value for e in app.error)
        app.number_input(key=f"x_{name}").set_value(right).run()
        assert settings(app)[name] == right
        assert not app.error


def test_changed_settings_are_told_where_they_are_out_of_sight() -> None:
    app = shown("smoothadv")
    assert not app.caption
    app.number_input(key="x_momentum").set_value(0.5).run()
    app.number_input(key="x_sigma").set_value(0.5).run()
    (told,) = app.caption
    assert "momentum" in told.value
    assert "sigma" not in told.value


def described(values: Any) -> Iterator[str]:
    """The help text of every field that any form of the app is made from."""
    if isinstance(values, dict):
        if "help" in values and "kind" in values:
            yield values["help"]
        values = list(values.values())
    for value in values if isinstance(values, list) else ():
        yield from described(value)


def test_no_help_text_is_markup() -> None:
    """Labels show them as they are: what `plain` escapes, a screen reader would read out."""
    texts = list(described(to_json(describe())))
    assert len(texts) > 100
    markup = re.compile(r"[`$<~\[\]\\]|\*\S|\b__|:\w+:|^[-+#>]")
    assert [text for text in texts if markup.search(text)] == []
