"""The networks on offer: the shipped ones, and those that this session brought along."""

import base64
from typing import Any

import streamlit as st

from rs_core.plots.text import tidy
from rs_core.results import ModelSpec, from_json
from rs_core.results.picker import is_picker
from rs_core.strict_json import parse_json
from rs_ui.client.worker import WorkerError
from rs_ui.panels import error_box, plain
from rs_ui.runs import cache, session

_LONGEST_NAME = 80


def offered_models(offer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The worker's key of every network for pictures and its spec: those that know the first
    preset come first, the person's own last. One that picks sigma classifies no picture."""
    first = offer["samples"][0]
    pictures = [spec for spec in offer["models"] if min(spec["input_shape"][1:]) > 1]
    ranked = sorted(pictures, key=lambda spec: not knows(spec, first))
    found = {spec["name"]: spec for spec in ranked} | own_models()
    return {key: spec for key, spec in found.items() if not is_picker(spec["class_names"])}


def name_of(key: str, spec: dict[str, Any]) -> str:
    """What the list calls a network: a person's own one also by the first digits of its id.

    Streamlit tells options apart by their text alone, and an upload may bear any name.
    """
    name = tidy(spec["name"])[:_LONGEST_NAME]
    own = key.partition(":")[2]
    return f"{name} (yours, {own[:8]})" if own else name


def note_missing(models: dict[str, dict[str, Any]]) -> None:
    """Says so where the address names a network that is not here, until another one is chosen."""
    named = st.query_params.get("model")
    if named and "model" not in st.session_state:
        known = named in {name_of(key, spec) for key, spec in models.items()}
        session.remember("model_missing", None if known else named[:_LONGEST_NAME])
    missing = session.remembered("model_missing")
    if missing:
        st.warning(
            f"The address names the network {plain(missing)}, which is not here: it was deleted, "
            "or it is somebody else's. Another one stands in."
        )


def knows(spec: dict[str, Any], sample: dict[str, Any]) -> bool:
    """Whether a network has the true class of a sample; its name begins with its data set's."""
    return any(spec["name"].startswith(family) for family in sample["labels"])


def spec_of(reference: str) -> ModelSpec:
    """The network that a run names by its key or by its weights' full stem; bare if unknown."""
    offer = cache.description()
    shipped = {spec["name"]: spec for spec in offer["models"]}
    for name, spec in (shipped | offered_models(offer)).items():
        if reference in (name, spec["weights"].removesuffix(".safetensors")):
            return from_json(ModelSpec, spec)
    return ModelSpec(reference, "", (0, 0, 0), ())


def upload_model() -> None:
    """Controls that bring a network along: its safetensors and the json beside it."""
    with st.expander("Use your own network", icon=":material/upload_file:"):
        files = st.file_uploader(
            "A .safetensors file and its .json",
            type=["safetensors", "json"],
            accept_multiple_files=True,
            max_upload_size=10,
            key=session.fresh_key("model_files"),
        )
        st.caption(
            "The json names the architecture, classes, mean, std and input size, as "
            "`rs export` and `rs train` write it. Pickles are refused."
        )
        if len(files) == 2:
            _offer({file.name.rsplit(".", 1)[-1].lower(): file for file in files})
        elif files:
            error_box(f"{len(files)} file(s): give one .safetensors and one .json.")
        unreadable_models()


def _offer(files: dict[str, Any]) -> None:
    known = own_models()
    seen = session.remembered("model_files", {})
    try:
        key = (files["safetensors"].file_id, files["json"].file_id)
    except KeyError:
        error_box("two files of one kind: give one .safetensors and one .json.")
        return
    if key not in seen:
        seen = {key: _ask(files)}
        session.remember("model_files", seen)
    answer = seen[key]
    if isinstance(answer, str):
        error_box(answer)
    elif answer["model"] not in known:
        session.remember("models", known | {answer["model"]: answer["spec"]})
        session.remember("picked", answer["model"])
        st.rerun()
    else:
        st.caption(f"{plain(answer['spec']['name'])} is in the list of networks.")


def _ask(files: dict[str, Any]) -> dict[str, Any] | str:
    """The worker's answer, or the sentence that says why it refuses."""
    try:
        spec = parse_json(files["json"].getvalue())
        if not isinstance(spec, dict):
            raise ValueError("it is another value")
        weights = base64.b64encode(files["safetensors"].getvalue()).decode()
        owner = session.owner()
        return cache.worker().call("upload_model", owner=owner, weights=weights, spec=spec)
    except (ValueError, RecursionError) as error:
        name = files["json"].name
        return (
            f"{name} holds no JSON object ({error}): give the file that was saved with the weights."
        )
    except WorkerError as error:
        return str(error)


def own_models() -> dict[str, dict[str, Any]]:
    """The networks that this browser brought, now or before a reload; asked for once."""
    if session.remembered("models") is None:
        _take(cache.worker().call("models", owner=session.owner()))
    held: dict[str, dict[str, Any]] = session.remembered("models")
    return held


def unreadable_models() -> None:
    """Networks of this person that can no longer be read, each with its reason and a way out."""
    for key, reason in session.remembered("unreadable", {}).items():
        error_box(f"Your network {key.partition(':')[2][:8]} cannot be used: {reason}")
        st.button("Delete this network", key=f"delete_{key}", on_click=_delete, args=(key,))


def _delete(key: str) -> None:
    try:
        _take(cache.worker().call("delete_model", owner=session.owner(), model=key))
    except WorkerError as error:
        session.remember("models", None)  # asked for again: another tab may have deleted it
        st.toast(plain(str(error)))


def _take(listed: dict[str, Any]) -> None:
    session.remember("models", listed["models"])
    session.remember("unreadable", listed["unreadable"])
