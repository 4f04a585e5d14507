"""The page: the preset image's finished radius curve."""

import json
import subprocess
import sys
from typing import Any

import streamlit as st

from rs_core.plots import radius_figure
from rs_core.results import RadiusCurve, from_json


@st.cache_data(show_spinner="Certifying the preset digit at twelve noise levels ...")
def preset_curve() -> dict[str, Any]:
    """The preset's curve as JSON, computed by a child process: this one never imports torch."""
    command = [sys.executable, "-m", "rs_core", "sweep", "--n", "2000", "--json"]
    finished = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(finished.stdout)
    return found


st.set_page_config(page_title="RS Lab", page_icon="\u25ce")
st.title("How much noise suits this image?")
st.write(
    "One image, many noisy copies, one vote: the share of copies that agree certifies a radius "
    "within which no perturbation changes the smoothed answer. The curve shows that radius for "
    "each noise level sigma, in pixels of [0,1]."
)
curve = from_json(RadiusCurve, preset_curve())
st.plotly_chart(
    radius_figure(curve), key="radius-curve", alt="certified radius against noise level sigma"
)
if curve.best is not None:
    st.write(f"Best noise level, certified again on fresh draws: {curve.best.statement}")
st.write("Your own image: `rs sweep --image photo.png --model cifar10-conv4 --html curve.html`")
