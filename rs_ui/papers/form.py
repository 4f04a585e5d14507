"""Which table is to be repeated here, in which size, and what that costs."""

from typing import Any

import streamlit as st

from rs_core.errors import UnknownNameError
from rs_ui import teaching
from rs_ui.client.worker import WorkerError
from rs_ui.panels import error_box, plain
from rs_ui.runs import cache, run, session
from rs_ui.runs.page import start_button
from rs_ui.runs.run import cached_call, call
from rs_ui.runs.session import Subject

PAGE = "paper"
_TABLE, _SIZE, _LIMIT = "paper_table", "paper_size", "paper_limit"
_SHARED: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}


def controls(subject: Subject | None) -> None:
    """The form, with the price and Start at its end.

    Args:
        subject: the sidebar's; its seed and device hold here.
    """
    tables = {one["name"]: one for one in cache.description()["tables"]}
    with _box():
        named = st.query_params.get(_TABLE)
        if named is not None and named not in tables:
            error_box(str(UnknownNameError("table", named[:60], tables)))
        names = sorted(tables, key=lambda name: bool(tables[name]["missing"]))  # at hand: first
        # Shown by their ids, which are what the address holds, whatever data are at hand.
        name = st.selectbox("Table", names, key=_TABLE, **_SHARED)
        if name is None:
            st.info("Choose a table.")
            return
        table = tables[name]
        size = _size(table)
        facts = table["sizes"][size]
        _say(table, facts)
        config = {"table": name, "size": size, "limit": _limit(table, facts)}
        _start(config, table, subject)


def _box() -> Any:
    """Where the form is: open, or folded away above a run that is shown."""
    if session.run_id(PAGE) is None:
        return st.container(border=True)
    return st.expander("Repeat another table", icon=":material/add:")


def _size(table: dict[str, Any]) -> str:
    sizes = list(table["sizes"])
    if len(sizes) < 2 or teaching.hides({_SIZE: sizes[0]}):
        return str(sizes[0])
    size: str = st.segmented_control(
        "Size", sizes, default=sizes[0], required=True, key=_SIZE, **_SHARED,
        help="Small is made for two cores; paper has the paper's own settings, for a GPU.",
    )  # fmt: skip
    return size


def _say(table: dict[str, Any], facts: dict[str, Any]) -> None:
    """What the table is, before anything is computed."""
    st.markdown(f"**{plain(table['paper'])}: {plain(table['title'])}**")
    claims, rows = len(table["claims"]), len(table["rows"])
    st.caption(
        f"{rows} row{'s' * (rows != 1)}, {claims} claim{'s' * (claims != 1)}, "
        f"{facts['images']:,} images with n={facts['n']:,}"
        + "".join(f" · {plain(note)}" for note in facts["notes"])
    )


def _limit(table: dict[str, Any], facts: dict[str, Any]) -> int | None:
    """How many images are certified; None for all of them."""
    if teaching.hides({_LIMIT: None}):
        return None
    limit = st.number_input(
        "Certify only so many images",
        1, facts["images"], None, key=_LIMIT, placeholder=f"all {facts['images']:,}", **_SHARED,
        help="For a quick look; trainings take as long as ever.",
    )  # fmt: skip
    if limit is not None and limit < table["fewest_images"]:
        st.caption(f"Below {table['fewest_images']} images no claim can be told.")
    return None if limit is None else int(limit)


def _start(config: dict[str, Any], table: dict[str, Any], subject: Subject | None) -> None:
    """The button, beside it the price, below why nothing can be started."""
    missing = " and ".join(table["missing"])
    price: dict[str, Any] | str = (
        f"This table needs {missing}, which does not come along: let the environment variable "
        "RS_DATA name a folder that holds the files, and start the app again."
    )
    if not missing:
        price = _price(config)
    cost = "" if isinstance(price, str) else f"{price['words']}, with no other run"
    started = False
    with start_button(PAGE, "Repeat this table", cost, enabled=bool(cost)) as pressed:
        if pressed:
            started = _started(config, subject)
    if started:
        st.rerun()  # the form was drawn for a page that shows no run
    if isinstance(price, str):
        error_box(price)
    run.show_refusal(PAGE, config)


def _price(config: dict[str, Any]) -> dict[str, Any] | str:
    """What a run would cost, or why there can be none; each kind of work is sampled once."""
    with st.spinner("Measuring how fast this machine is ..."):
        found: dict[str, Any] | str = cached_call(
            "paper_price", tuple(config.values()), lambda: call("price_table", config=config)
        )
    return found


def _started(config: dict[str, Any], subject: Subject | None) -> bool:
    seed = subject.seed if subject else run.own_seed()
    device = subject.device if subject else "auto"
    try:
        reply = call("start", kind=PAGE, config=config, seed=seed, device=device)
    except WorkerError as error:
        run.keep_refusal(PAGE, str(error))
        return False
    run.keep_refusal(PAGE, None)
    session.keep_run(PAGE, reply["job"])
    return True
