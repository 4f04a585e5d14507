"""Two arrangements side by side, and what differs between them."""

from typing import Any

import streamlit as st

from rs_core.plots import (
    BADGES,
    ball_circles_figure,
    ball_graph_figure,
    degrees_figure,
    order_change_figure,
    rule_radii_figure,
)
from rs_core.plots.memory.text import (
    RULE_WORDS,
    ball_sentence,
    change_sentences,
    change_summary,
    label_text,
    total_text,
)
from rs_core.plots.text import radius_text, tidy
from rs_core.results.arrangement import Arrangement
from rs_ui.memory.certify import Mapped, arranged
from rs_ui.memory.points import lineup_of
from rs_ui.memory.world import Space
from rs_ui.panels import badge_html, chart, plain

_ORDERS = {"yours": "your order", "came": "as they came", "before": "before the last change"}
_SAID = 8


def preview_note() -> None:
    """What the balls below are, and what they would claim."""
    badge = BADGES["B"]
    st.html(
        f'<div style="display:flex; gap:8px; align-items:flex-start">{badge_html(badge)}<div>'
        f"<b>A preview.</b> What a memory, or regions, would hold if the points came in this "
        f"order. Badge <b>{badge.text}</b> is what they would get: a ball holds only for queries "
        "after it was stored or frozen, and a label that was inherited has no votes behind it."
        "</div></div>"
    )


def compare(world: Space, mapped: Mapped) -> Arrangement:
    """Both sides, in words and drawn; the left one."""
    left, right = st.columns(2)
    with left:
        one, title = _side(world, mapped, "left", "yours")
    with right:
        other, against = _side(world, mapped, "right", "came")
    names = world.spec.class_names
    if not one.meeting and len(one.order) > 1:
        why = (
            "add more points"
            if world.plane
            else "images of many pixels lie far apart, and the points in the plane do meet"
        )
        st.info(
            f"No two of these balls meet, so every order and every rule leaves them whole: {why}.",
            icon=":material/open_with:",
        )
    st.subheader("What changes from right to left")
    st.write(plain(change_summary(other, one)))
    sentences = change_sentences(mapped.points, other, one, names)
    if not sentences:
        st.info(
            "Both sides give the same answers: move a point, shuffle, or choose another rule.",
            icon=":material/swap_vert:",
        )
        return one
    for sentence in sentences[:_SAID]:
        st.write("- " + plain(sentence))
    if len(sentences) > _SAID:
        with st.expander(f"{len(sentences) - _SAID} more"):
            for sentence in sentences[_SAID:]:
                st.write("- " + plain(sentence))
    figure = order_change_figure(mapped.points, other, one, names, (against, title))
    chart(figure, "ball_change")
    return one


def _side(world: Space, mapped: Mapped, side: str, first: str) -> tuple[Arrangement, str]:
    rule = st.selectbox(
        f"Rule on the {side}",
        list(RULE_WORDS),
        format_func=lambda key: RULE_WORDS[key],
        key=f"{side}_rule",
        bind="query-params",
        persist_state="session",
    )
    order = st.selectbox(
        f"Order on the {side}",
        list(_ORDERS),
        list(_ORDERS).index(first),
        format_func=lambda key: _ORDERS[key],
        key=f"{side}_order",
        bind="query-params",
        persist_state="session",
    )
    found = arranged(mapped, rule, mapped.order(_ids(world, order)))
    for note in found.notes:
        st.warning(plain(note))
    names = world.spec.class_names
    if mapped.points.true_plane:
        chart(ball_circles_figure(mapped.points, found, names), f"circles_{side}")
        with st.expander("The same balls as a graph", icon=":material/hub:"):
            chart(ball_graph_figure(mapped.points, found, names), f"graph_{side}")
    else:
        pictures = {
            mapped.images.index(item.image): item.picture
            for item in lineup_of(world.key).items
            if item.picture and item.image in mapped.images
        }
        chart(ball_graph_figure(mapped.points, found, names, pictures), f"graph_{side}")
    return found, f"{rule.replace('_', ' ')}, {_ORDERS[order]}"


def _ids(world: Space, order: str) -> tuple[str, ...]:
    lineup = lineup_of(world.key)
    present = set(lineup.order)
    before = tuple(image for image in lineup.before if image in present)
    rest = tuple(image for image in lineup.order if image not in before)
    return {"yours": lineup.order, "came": lineup.arrived, "before": (*before, *rest)}[order]


def table(mapped: Mapped, found: Arrangement, names: tuple[str, ...]) -> None:
    """A row per ball: what it answers, how far, and why."""
    rows: dict[str, list[Any]] = {"place": [], "point": [], "answer": [], "radius": [], "why": []}
    for place, ball in enumerate(found.balls, start=1):
        limit = "" if ball.final else "at most "
        row = (
            place, tidy(mapped.points.names[ball.point]), label_text(ball.label, names),
            limit + radius_text(ball.radius), ball_sentence(ball, found, mapped.points, names),
        )  # fmt: skip
        for column, value in zip(rows.values(), row, strict=True):
            column.append(value)
    with st.expander("Every ball on the left, in words", icon=":material/table:"):
        st.dataframe(rows, hide_index=True, key="ball_table")


def online_against_lp(world: Space, mapped: Mapped) -> None:
    """The same points one after another and by linear programme; and how crowded they are."""
    order = mapped.order(lineup_of(world.key).order)
    rules = [arranged(mapped, rule, order) for rule in ("online", "strict", "label_aware")]
    st.subheader("One after another, or all at once")
    online, strict, aware = (total_text(found) for found in rules)
    st.write(
        f"One after another, in your order, the regions sum up to {online}. A linear programme "
        f"that knows all points beforehand reaches {strict} with disjoint regions, and {aware} "
        "where regions of one class may overlap. The programme does not look at the order."
    )
    left, right = st.columns([3, 2])
    with left:
        chart(rule_radii_figure(mapped.points, rules, world.spec.class_names), "ball_rules")
    with right:
        chart(degrees_figure(rules[0]), "ball_degrees")
