import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from rs_core.results import (
    Certificate,
    Decision,
    ModelSpec,
    Prediction,
    RadiusCurve,
    Votes,
    from_json,
    to_json,
)

CERTIFICATE = Certificate(
    predicted=3, radius=0.25, norm="l2", p_lower=0.9, p_upper_runner_up=None, sigma=0.5, n_top=950,
    n0=100, n=1000, alpha=1e-3, bound="clopper-pearson", guarantee="A", statement="...",
    counts=(950, 50, 0), draws=1100, noise="gaussian", stream="certify 0",
    precision="fp32", device="cpu", weights_id="ab",
    image_digest="cd",
    preprocessing=("resized",), seed=0,
)  # fmt: skip
PREDICTION = Prediction(
    predicted=None, p_value=0.2, top_counts=(55, 45), counts=(55, 45, 0), sigma=0.5, n=100,
    alpha=1e-3, noise="gaussian", precision="fp32", device="cpu", weights_id="ab",
    image_digest="cd", preprocessing=(), seed=0,
)  # fmt: skip
SPEC = ModelSpec(
    name="m", architecture="conv4", input_shape=(1, 28, 28), class_names=("a", "b"),
    options={"widths": [1, 2]}, mean=(0.1,), std=(0.2,), train_sigma=(0.0, 1.0),
)  # fmt: skip


@pytest.mark.parametrize(
    "result",
    [
        CERTIFICATE,
        PREDICTION,
        SPEC,
        RadiusCurve((CERTIFICATE, CERTIFICATE), 0.001, True, best=CERTIFICATE),
        RadiusCurve((CERTIFICATE,), 0.001, False),
        Decision("certified", 0.5, CERTIFICATE),
    ],
    ids=lambda r: type(r).__name__,
)
def test_results_survive_json(result: object) -> None:
    assert from_json(type(result), json.loads(json.dumps(to_json(result)))) == result


@given(arrays(np.int64, array_shapes(min_dims=3, max_dims=3, max_side=4)))
def test_arrays_survive_json(counts: np.ndarray) -> None:
    votes = Votes(counts, np.array([[0.5]]), 10, "certify")
    back = from_json(Votes, json.loads(json.dumps(to_json(votes))))
    assert (back.counts == counts).all()
    assert back.counts.dtype == np.int64
    assert back.stage == "certify"


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_json_never_holds_nan_or_infinity(value: float) -> None:
    text = json.dumps(to_json({"x": value, "y": (np.float64(value),)}), allow_nan=False)
    back = json.loads(text)
    expected = value if math.isfinite(value) else None
    assert back == {"x": expected, "y": [expected]}
