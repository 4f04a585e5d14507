"""The sidebar that all pages share: which image, which network, which settings."""

import dataclasses
from typing import Any

import streamlit as st

from rs_core.plots.text import class_text
from rs_core.results import ModelSpec, from_json
from rs_ui import teaching
from rs_ui.client.worker import WorkerError
from rs_ui.inputs.fields import number_text
from rs_ui.inputs.models import name_of, note_missing, offered_models, upload_model
from rs_ui.inputs.picture import Picture, choose_inversion, choose_picture, decode, fits
from rs_ui.inputs.presets import fit_model, fit_sample
from rs_ui.inputs.subject import subject_from
from rs_ui.panels import error_box, image_pair, plain
from rs_ui.runs import cache, run, session
from rs_ui.shell.share import offer_deletion, share_link

_DEFAULT_ALPHA, _LOWEST_ALPHA, _HIGHEST_ALPHA = 0.001, 1e-5, 0.1
_LARGEST_SEED = 2**53 - 1


def draw_sidebar() -> None:
    """Draw it and remember what it chose; the last choice stays where the new one is no good."""
    try:
        offer, drawn = cache.description(), run.own_seed()
    except WorkerError as error:
        error_box(str(error))
        return
    models = offered_models(offer)
    if not models:
        error_box("No network is installed: install RS Lab again, or use your own model below.")
    teaching.switch()
    st.subheader("Image")
    chosen = choose_picture(offer["samples"], lambda: fit_model(offer))
    picture = chosen or session.remembered("picture")
    if chosen is None and picture is not None:
        st.caption(f"Nothing here yet: {plain(picture.name)} stays until there is.")
    place = st.container()
    st.subheader("Network")
    note_missing(models)
    if "model" not in st.session_state and "model" not in st.query_params:
        fit_model(offer)  # an address may name a preset alone
    if session.remembered("picked") in models:
        st.session_state["model"] = session.remembered("picked")
        session.remember("picked", None)
    model = st.selectbox(
        "Network",
        list(models),
        key="model",
        bind="query-params",
        format_func=lambda key: name_of(key, models[key]) if key in models else key,
        label_visibility="collapsed",
        on_change=lambda: fit_sample(offer),
    )
    upload_model()
    settings = _settings(offer, drawn)
    if model is not None:
        _choose(place, picture, offer, model, from_json(ModelSpec, models[model]), settings)
    st.divider()
    share_link(picture, settings["seed"])
    offer_deletion()


def _choose(
    place: Any,
    picture: Picture | None,
    offer: dict[str, Any],
    model: str,
    spec: ModelSpec,
    settings: dict[str, Any],
) -> None:
    """Decode the picture for the network; draw the pair, or the reason why there is none."""
    with place:
        label = _true_class(picture, offer, model, spec)
        invert = choose_inversion(picture, spec.input_shape[0])
        held = session.subject()
        if picture is None:
            session.remember("unkept", None)
        reply = None if picture is None else decode(picture, model, label, invert)
        session.remember("passed_over", None if picture is None else picture.name)
        if reply is not None and picture is not None and fits(reply, picture, spec):
            session.remember("passed_over", None)
            label = picture.label_for(spec, reply["label"])
            held = subject_from(reply, label=label, model=model, spec=spec, **settings)
            session.remember("picture", picture)
        elif held is not None:
            held = dataclasses.replace(held, **settings)
        session.keep_subject(held)
        if held is not None:
            image_pair(held)


def say_passed_over() -> None:
    """Says on the page that the sidebar's image was not taken: a phone's sidebar may be closed."""
    name, held = session.remembered("passed_over"), session.subject()
    if name is not None:
        still = "" if held is None else f" This page is still about {plain(held.name)}."
        st.warning(f"{plain(name)} could not be taken: the sidebar says why.{still}")


def _true_class(
    picture: Picture | None, offer: dict[str, Any], model: str, spec: ModelSpec
) -> int | None:
    if picture is None:
        return None
    if picture.sample:
        sample = next(s for s in offer["samples"] if s["name"] == picture.name)
        st.caption(f"{plain(sample['title'])} · {plain(sample['author'])} · {sample['licence']}")
        return None
    if picture.image:
        return None
    names = spec.class_names
    return st.selectbox(
        "True class, if you know it",
        range(len(names)),
        index=None,
        format_func=lambda k: class_text(k, names),
        placeholder="not given",
        key=f"label_{model}",
        persist_state="session",
    )


def _settings(offer: dict[str, Any], drawn: int) -> dict[str, Any]:
    defaults = {"alpha": _DEFAULT_ALPHA, "seed": drawn, "device": "auto"}
    if teaching.hides(defaults):
        return defaults
    with st.expander("Seed, risk, device", icon=":material/settings:"):
        alpha = _number(
            "alpha",
            "Risk alpha: how often a statement may be false",
            (_LOWEST_ALPHA, _HIGHEST_ALPHA),
            _DEFAULT_ALPHA,
            step=_DEFAULT_ALPHA,
            format="%.6g",
        )
        seed = _number(
            "seed",
            "Seed: names the noise",
            (0, _LARGEST_SEED),
            drawn,
            help="The same seed gives the same numbers. This one was drawn for your browser. One "
            "that you give is named beside radii: who knows it can choose an image for it.",
        )
        device = st.selectbox(
            "Device", _devices(offer), key="device", bind="query-params", persist_state="session"
        )
    return {"alpha": float(alpha), "seed": int(seed), "device": device or "auto"}


def _number(
    name: str, label: str, limits: tuple[float, float], default: float, **shown: Any
) -> float:
    """What the widget holds; the last number within the limits, with a sentence, otherwise.

    A widget with limits would turn red, and say nothing.
    """
    value = st.number_input(
        label, None, None, default, key=name, bind="query-params", persist_state="session", **shown
    )
    low, high = limits
    if value is not None and low <= value <= high:
        session.remember(f"last_{name}", value)
        return float(value) if isinstance(default, float) else int(value)
    last: float = session.remembered(f"last_{name}", default)
    said = "is no number" if value is None else f"{number_text(value)} is out of range"
    error_box(
        f"{name} {said}: give a number of at least {number_text(low)} and at most "
        f"{number_text(high)}; {number_text(last)} stays."
    )
    return last


def _devices(offer: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(["auto", *offer["devices"]]))
