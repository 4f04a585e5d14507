"""The same points under the rules for regions: one after another against the programme."""

import streamlit as st

from rs_core.plots import degrees_figure, rule_radii_figure
from rs_core.plots.memory.text import total_text
from rs_ui.arranged import Mapped, arranged
from rs_ui.curves import chart
from rs_ui.lineup import lineup_of
from rs_ui.worlds import World


def online_against_lp(world: World, mapped: Mapped) -> None:
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
