import math
from typing import Any

import pytest

from rs_core.errors import ParameterError
from rs_core.smoothing import Certify, Predict, Sweep
from rs_core.worker.tasks.base import MAX_SIGMAS, build_task, config_of, content_key, share_of


def test_settings_left_out_have_their_defaults() -> None:
    assert build_task("sweep", {}) == Sweep()
    assert build_task("certify", {"sigma": 0.5}) == Certify(sigma=0.5)
    assert build_task("predict", {"sigma": 1}) == Predict(sigma=1)


def test_numbers_of_a_form_become_whole_where_they_are_counts() -> None:
    task = build_task("certify", {"sigma": 0.5, "n": 1000.0, "noise": "idealised"})
    assert task == Certify(sigma=0.5, n=1000, noise="idealised")
    assert type(task.n) is int


def test_a_configuration_round_trips() -> None:
    task = Sweep(sigmas=(0.5, 0.1, 0.5), n=500, bound="two-sided", recertify=False)
    assert build_task("sweep", config_of(task)) == task


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        *[("certify", {"sigma": sigma}) for sigma in (0, -1, math.nan, math.inf, 1e9, "1", True)],
        *[("certify", {"sigma": 1, "n": n}) for n in (0, 1, 12.5, 1e12, "100", None, 10**400)],
        *[("certify", {"sigma": 1, "alpha": alpha}) for alpha in (0, 1, -0.1, math.nan, "x")],
        *[("sweep", {"sigmas": s}) for s in ([], [0], [-1, 1], [math.nan], ["x"], 0.5, "0.5")],
        *[("sweep", {"n": n}) for n in (0, 1, 10)],
        ("sweep", {"sigmas": [0.001 * k for k in range(1, MAX_SIGMAS + 2)]}),
        ("certify", {}),
        ("certify", {"sigma": None}),
        ("sweep", {"simultaneous": "yes"}),
        ("sweep", {"bound": "wald"}),
        ("sweep", {"bound": 3}),
        ("sweep", {"colour": "red"}),
        ("predict", {"sigma": 1, "n0": 5}),
    ],
)
def test_bad_settings_are_refused_in_one_sentence(kind: str, config: dict[str, Any]) -> None:
    with pytest.raises(ParameterError) as caught:
        build_task(kind, config)
    assert str(caught.value).endswith((".", "number."))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_the_key_follows_everything_that_decides_the_result() -> None:
    parts = {"image": "a", "config": config_of(Sweep()), "seed": 0}
    assert content_key(parts) == content_key(dict(reversed(parts.items())))
    assert content_key(parts) != content_key({**parts, "seed": 1})
    assert content_key(parts) != content_key({**parts, "config": config_of(Sweep(n=500))})


def test_a_risk_is_the_sum_of_its_statements() -> None:
    assert share_of(Certify(sigma=0.5, alpha=0.01)) == (1, 0.01, ("sigma 0.5",))
    assert share_of(Sweep(alpha=0.01))[:2] == (1, pytest.approx(0.02))
    assert share_of(Sweep(alpha=0.01, recertify=False))[:2] == (1, 0.01)
    apart = Sweep(alpha=0.01, simultaneous=False, sigmas=(0.1, 0.2, 0.3))
    assert share_of(apart)[:2] == (1, pytest.approx(0.04))
