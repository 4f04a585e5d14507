"""What is to be trained: data set, network, recipe, probe images."""

from typing import Any

import streamlit as st

from rs_ui import teaching
from rs_ui.client.worker import WorkerError
from rs_ui.inputs.fields import NONE, form
from rs_ui.inputs.models import name_of, offered_models
from rs_ui.panels import error_box, plain
from rs_ui.runs import cache, run, session
from rs_ui.runs.page import start_button
from rs_ui.runs.run import call
from rs_ui.runs.session import Subject
from rs_ui.runs.status import duration
from rs_ui.train.probes import Probes, choose_probes

_FIRST = ("sigma", "epochs")
_OWN = "per_image"  # sigmas of the images' own
_MAY_BE_EMPTY = ("int", "float", "one_of")  # and lists may not
_EPOCHS = 8  # enough to see curves grow, and a minute or two on two cores
_SIGMA = 0.25  # where a recipe's own is 0, at which no probe image can be certified
_BUDGET: dict[str, Any] = {
    "name": "minutes", "kind": "float", "default": 0.0, "required": False, "unit": "",
    "help": "budget: it ends with the epoch under way, 0 for no limit", "low": 0.0,
    "high": 100_000.0, "low_open": False, "high_open": False,
}  # fmt: skip
_SHARED: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}
_MORE_SETS = (
    "Other sets: let the environment variable RS_DATA name a folder that holds the files of MNIST, "
    "Fashion-MNIST or CIFAR-10, and start the app again."
)


def controls(subject: Subject | None) -> None:
    """The form, with Start at its end.

    Args:
        subject: the sidebar's; its image may be followed, and its seed, risk and device hold here.
    """
    offer = cache.description()
    sets = {one["name"]: one for one in offer["trainable_sets"]}
    if not sets:
        error_box("No data set is installed: install RS Lab again, or set RS_DATA to a folder.")
        return
    with _box():
        chosen = _choices(offer, sets)
        if None in chosen.values():
            if chosen.get("base", "") is not None:
                st.info("Choose a data set, a network and a recipe.")
            return
        config = _config(offer, chosen)
        probes = choose_probes(sets[chosen["dataset"]], subject)
        start(config, probes, subject, sets[chosen["dataset"]])


def _box() -> Any:
    """Where the form is: open, or folded away above a training that is shown."""
    if session.run_id(PAGE) is None:
        return st.container(border=True)
    return st.expander("Start another training", icon=":material/add:")


def _choices(offer: dict[str, Any], sets: dict[str, dict[str, Any]]) -> dict[str, str | None]:
    """The data set, the network, the recipe."""
    recipes, columns = offer["recipes"], st.columns(3)
    dataset = columns[0].selectbox(
        "Data set", list(sets), _place(sets, "mnist5k"), key="train_dataset", **_SHARED,
        format_func=lambda name: sets[name]["title"] if name in sets else name, help=_MORE_SETS,
    )  # fmt: skip
    networks = offer["networks"]
    architecture = columns[1].selectbox(
        "Network to train", networks, _place(networks, "conv4"), key="train_architecture", **_SHARED
    )
    recipe = columns[2].selectbox(
        "Recipe", list(recipes), _place(recipes, "gaussian"), key="train_recipe", **_SHARED,
        format_func=lambda name: name.replace("_", " "), on_change=_take_defaults, args=(recipes,),
    )  # fmt: skip
    if recipe in recipes:
        st.caption(plain(recipes[recipe]["about"]))
    if dataset in sets:
        one = sets[dataset]
        st.caption(
            f"{one['train']:,} images to learn from; {one['held_out']:,} others measure after each "
            "epoch and are never learned from."
        )
    chosen = {"dataset": dataset, "architecture": architecture, "recipe": recipe}
    if dataset in sets and recipe in recipes and recipes[recipe]["needs_base"]:
        chosen["base"] = _base(offer, sets[dataset])
    return chosen


def _base(offer: dict[str, Any], dataset: dict[str, Any]) -> str | None:
    """The network that is learned about: one that knows the data set's classes."""
    able = {
        name_of(key, spec): key
        for key, spec in offered_models(offer).items()
        if list(spec["input_shape"]) == list(dataset["input_shape"])
        and list(spec["class_names"]) == list(dataset["class_names"])
    }
    if not able:
        st.info(
            f"No network here knows the classes of {plain(dataset['title'])}: train one first, or "
            "choose another data set."
        )
        return None
    found = st.selectbox(
        "Network whose radii teach", list(able), key="train_base", **_SHARED,
        help="Every training image is certified by it at each of the sigmas, once, before the "
        "first epoch.",
    )  # fmt: skip
    return able.get(found)


def _fields(recipes: dict[str, Any], recipe: str) -> list[dict[str, Any]]:
    """What may be set of a recipe, with this page's defaults."""
    fields: list[dict[str, Any]] = recipes[recipe]["fields"]
    first = {"epochs": _EPOCHS}
    first |= {f["name"]: f["default"] or _SIGMA for f in fields if f["name"] == "sigma"}
    return [{**field, "default": first.get(field["name"], field["default"])} for field in fields]


def _take_defaults(recipes: dict[str, Any]) -> None:
    """Another recipe has settings of its own; epochs stay as they are, and so does sigma, unless
    the network picks from sigmas, which its own may not be below."""
    recipe = st.session_state["train_recipe"]
    stays = _FIRST[1:] if recipes[recipe]["needs_base"] else _FIRST
    for field in _fields(recipes, recipe):
        if field["name"] not in stays and field["kind"] != "floats":
            default = NONE if field["kind"] == "one_of" else field["default"]
            st.session_state[f"{PAGE}_{field['name']}"] = default


def _place(names: Any, usual: str) -> int:
    return list(names).index(usual) if usual in names else 0


def _config(offer: dict[str, Any], chosen: dict[str, Any]) -> dict[str, Any] | None:
    """The training's settings; None while one makes no sense."""
    fields = _fields(offer["recipes"], str(chosen["recipe"]))
    lists = [f["name"] for f in fields if f["default"] is None and f["kind"] not in _MAY_BE_EMPTY]
    budget = [] if teaching.hides({"train_minutes": 0.0}) else [_BUDGET]
    own = () if teaching.hides({f"{PAGE}_{_OWN}": NONE}) else (_OWN,)
    first = (*_FIRST, _BUDGET["name"], *own)
    settings = form([*fields, *budget], prefix=PAGE, first=first, given=lists)
    if settings is None:
        return None
    minutes = settings.pop(_BUDGET["name"], _BUDGET["default"])
    return {**chosen, "settings": settings, "minutes": minutes}


PAGE = "train"


def start(
    config: dict[str, Any] | None,
    probes: Probes | None,
    subject: Subject | None,
    dataset: dict[str, Any],
) -> None:
    """The button, beside it the cost, below why the worker refused.

    Args:
        config, probes: None while a setting makes no sense, and Start can do nothing.
        subject: the sidebar's; its seed, risk and device hold here.
        dataset: what is trained on, as the worker describes it.
    """
    cost, started = cost_text(config, dataset) if config is not None else "", False
    enabled = config is not None and probes is not None
    with start_button(PAGE, "Start the training", cost, enabled=enabled) as pressed:
        if pressed and config is not None and probes is not None:
            started = _started(config, probes, subject)
    if started:
        st.rerun()  # the form was drawn for a page that shows no training
    run.show_refusal(PAGE, config, probes, *(subject.settings if subject else ()))


def cost_text(config: dict[str, Any], dataset: dict[str, Any]) -> str:
    """How many images are learned from, and how long that takes at an earlier training's pace."""
    epochs, images = int(config["settings"]["epochs"]), int(dataset["train"])
    text = f"{epochs:,} x {images:,} images, forward and backward"
    if "base" in config:
        own, images_in_all = config["settings"], images + int(dataset["held_out"])
        copies = images_in_all * len(own["sigmas"]) * int(own["radius_n"])
        text = f"{copies:,} forward passes for the radii, then {text}"
    pace = session.remembered(pace_name(config))
    return f"{text}, about {duration(epochs * images / pace)} at an earlier pace" if pace else text


def pace_name(config: dict[str, Any]) -> str:
    """Under which name the images per second of such a training are put aside."""
    return "pace_" + "_".join(config[part] for part in ("dataset", "architecture", "recipe"))


def _started(config: dict[str, Any], probes: Probes, subject: Subject | None) -> bool:
    seed, device = (subject.seed, subject.device) if subject else (0, "auto")
    risk = {"alpha": subject.alpha} if subject else {}
    asked = {**config, **risk, "probes": list(probes.ids), "labels": list(probes.labels)}
    try:
        reply = call("start", kind="train", config=asked, seed=seed, device=device)
    except WorkerError as error:
        session.remember("train_probes", None)  # one of them may have been deleted
        run.keep_refusal(PAGE, str(error))
        return False
    run.keep_refusal(PAGE, None)
    session.keep_run(PAGE, reply["job"])
    return True
