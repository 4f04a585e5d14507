"""The worker's description of a dataclass becomes widgets; what they hold becomes its settings.

Bounds, units and help come from the description. The engine checks every value again.
"""

import math
import re
from collections.abc import Collection, Mapping
from typing import Any

import streamlit as st

from rs_ui import teaching
from rs_ui.panels import error_box, plain

_MOST_NUMBERS = 64
_PLACES = "%.6g"
_COMMA = re.compile(r"\d,\d")
NONE = "none"  # of several kinds
_OUTSIDE = object()  # in place of a number that is out of its range


def form(
    fields: list[dict[str, Any]],
    *,
    prefix: str,
    first: Collection[str],
    given: Collection[str],
    title: str = "More settings",
) -> dict[str, Any] | None:
    """The settings that the widgets hold; None while one of them makes no sense.

    Args:
        fields: one description per field.
        prefix: of the widgets' keys and so of their names in the address.
        first: fields that are always shown, in this order; the others open on request.
        given: fields that are set elsewhere.
        title: of what opens.
    """
    by_name = {field["name"]: field for field in fields}
    values = {name: _widget(by_name[name], f"{prefix}_{name}") for name in first if name in by_name}
    rest = [name for name in by_name if name not in first and name not in given]
    defaults = {name: by_name[name]["default"] for name in rest}
    if teaching.hides({f"{prefix}_{name}": value for name, value in defaults.items()}):
        values |= defaults
    elif rest:
        with st.expander(title, icon=":material/tune:"):
            values |= {name: _widget(by_name[name], f"{prefix}_{name}") for name in rest}
        _tell_hidden({name: values[name] for name in rest}, defaults, title)
    needed = [value for name, value in values.items() if not _is_optional(by_name[name])]
    bad = any(value is None for value in needed) or any(v is _OUTSIDE for v in values.values())
    return None if bad else values


def _tell_hidden(values: Mapping[str, Any], defaults: Mapping[str, Any], title: str) -> None:
    """Which of the settings that may be out of sight make no sense, or are not as they come."""
    outside = [name for name, value in values.items() if value is _OUTSIDE]
    if outside:
        error_box(f"Out of range, under {title}: {', '.join(outside)}.")
    changed = [
        name
        for name, value in values.items()
        if value != (tuple(defaults[name]) if isinstance(value, tuple) else defaults[name])
    ]
    if changed:
        st.caption(plain(f"Changed under {title}: {', '.join(changed)}."))


def _is_optional(field: Mapping[str, Any]) -> bool:
    """Whether a field may be left empty, which then is its value."""
    return field["default"] is None and not field["required"]


def _widget(field: Mapping[str, Any], key: str) -> Any:
    label = _label(field)
    shared: dict[str, Any] = {"key": key, "bind": "query-params", "persist_state": "session"}
    default = field["default"]
    match field["kind"]:
        case "bool":
            return st.toggle(label, value=bool(default), **shared)
        case "choice":
            options = list(field["choices"])
            name, words = field["name"].capitalize(), plain(field["help"])
            return st.selectbox(name, options, options.index(default), help=words, **shared)
        case "int":
            start = None if default is None else int(default)
            step = max((start or 0) // 10, 1)
            return _held(st.number_input(label, None, None, start, step, **shared), field)
        case "float":
            value = None if default is None else float(default)
            number = st.number_input(label, None, None, value, format=_PLACES, **shared)
            return _held(number, field)
        case "one_of":
            return _one_of(field, key, shared)
        case "floats":
            text = ", ".join(f"{value:g}" for value in default)
            return _numbers(st.text_input(label, value=text, **shared), field)
    return st.text_input(label, value=default, **shared)


def _one_of(field: Mapping[str, Any], key: str, shared: dict[str, Any]) -> Any:
    """The name of one of several kinds, with the settings of that kind; None for none of them."""
    kinds = field["variants"]
    name = st.selectbox(
        field["name"].replace("_", " ").capitalize(), [NONE, *kinds], help=plain(field["help"]),
        format_func=lambda kind: kind.replace("_", " "), **shared,
    )  # fmt: skip
    if name not in kinds:
        return None
    st.caption(plain(kinds[name]["about"]))
    own = kinds[name]["fields"]
    # A list that is empty by default is nothing that a form could show.
    first = [one["name"] for one in own if one["kind"] != "floats" or one["default"] is not None]
    values = form(own, prefix=f"{key}_{name}", first=first, given=[one["name"] for one in own])
    return _OUTSIDE if values is None else {"name": name, **values}


def _label(field: Mapping[str, Any]) -> str:
    unit = f", {field['unit']}" if field["unit"] else ""
    # As it is: a screen reader would read the backslashes of `plain` out.
    words = field["help"]
    return f"{words[:1].upper()}{words[1:]} ({field['name']}{unit})"


def _held(value: float | None, field: Mapping[str, Any]) -> Any:
    """The number, or a sentence beside it.

    A widget with limits would turn red, and go on with the number before.
    """
    if value is None or is_inside(value, field):
        return value
    error_box(
        f"{field['name']}={number_text(value)} is out of range: give a number {range_text(field)}."
    )
    return _OUTSIDE


def _numbers(text: str, field: Mapping[str, Any]) -> tuple[float, ...] | None:
    """The numbers of a list, or None with a sentence beside the field."""
    words = text.replace(";", ",").replace(",", " ").split()
    try:
        found = tuple(float(word) for word in words)
    except ValueError:
        bad = next(word for word in words if not _is_number(word))
        error_box(
            f"{bad[:40]!r} is not a number: separate numbers by commas, e.g. 0.12, 0.25, 0.5."
        )
        return None
    if not 1 <= len(found) <= _MOST_NUMBERS:
        error_box(f"{len(found)} numbers: give 1 to {_MOST_NUMBERS}, separated by commas.")
        return None
    for value in found:
        if not is_inside(value, field):
            point = " Decimals have a point, as in 0.25." if _COMMA.search(text) else ""
            error_box(f"{value:g} is out of range: give numbers {range_text(field)}.{point}")
            return None
    return found


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def is_inside(value: float, field: Mapping[str, Any]) -> bool:
    """Whether a number is within the limits of its field."""
    low, high = _limit(field, "low"), _limit(field, "high")
    above = low is None or value > low or (value == low and not field["low_open"])
    below = high is None or value < high or (value == high and not field["high_open"])
    return math.isfinite(value) and above and below


def range_text(field: Mapping[str, Any]) -> str:
    """The limits, after "give a number"."""
    low, high = _limit(field, "low"), _limit(field, "high")
    if low is not None and low == high:
        return f"of exactly {number_text(low)}"
    parts = []
    if low is not None:
        parts.append(f"{'above' if field['low_open'] else 'of at least'} {number_text(low)}")
    if high is not None:
        most = "at most" if parts else "of at most"
        parts.append(f"{'below' if field['high_open'] else most} {number_text(high)}")
    return " and ".join(parts) or "that are finite"


def number_text(number: float) -> str:
    """A number as people write it: 100,000,000 and not 1e+08."""
    whole = isinstance(number, int) or (abs(number) < 1e15 and number == int(number))
    return f"{int(number):,}" if whole else f"{number:g}"


def _limit(field: Mapping[str, Any], end: str) -> float | None:
    limit = field[end]
    return None if limit is None or not math.isfinite(limit) else float(limit)
