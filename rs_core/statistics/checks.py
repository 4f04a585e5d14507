"""The room's argument checks: numbers or arrays in, float64 arrays out, else `ParameterError`."""

import numpy as np

from rs_core.errors import ParameterError

Numbers = float | np.ndarray

MOST_DRAWS = 10**9
"""Above this the incomplete beta function is no longer exact enough to call a bound exact."""


def as_array(name: str, value: Numbers, wanted: str) -> np.ndarray:
    """A float64 array of finite numbers.

    Raises:
        ParameterError: names the argument, what was given and what is wanted.
    """
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ParameterError(f"{name}={value!r} is not a number: give {wanted}.") from None
    if not np.isfinite(array).all():
        raise ParameterError(f"{name} holds {_first(array, ~np.isfinite(array))}: give {wanted}.")
    return array


def as_probability(name: str, value: Numbers) -> np.ndarray:
    """A float64 array strictly between 0 and 1."""
    wanted = "numbers above 0 and below 1"
    array = as_array(name, value, wanted)
    refuse_where(name, array, (array <= 0) | (array >= 1), wanted)
    return array


def as_count(name: str, value: Numbers, low: int = 0) -> np.ndarray:
    """A float64 array of whole numbers from `low` to `MOST_DRAWS`."""
    wanted = f"whole numbers from {low} to {MOST_DRAWS:,}"
    array = as_array(name, value, wanted)
    outside = (array < low) | (array > MOST_DRAWS) | (array != np.floor(array))
    refuse_where(name, array, outside, wanted)
    return array


def as_tally(n_top: Numbers, n: Numbers) -> tuple[np.ndarray, np.ndarray]:
    """(n_top, n) as float64 arrays of whole numbers with 0 <= n_top <= n and n >= 1."""
    draws = as_count("n", n, low=1)
    top = as_count("n_top", n_top)
    if (top > draws).any():
        found = _first(*np.broadcast_arrays(top, top > draws))
        raise ParameterError(f"n_top={found} is above n: give at most as many votes as draws.")
    return top, draws


def as_positive(name: str, value: Numbers) -> np.ndarray:
    """A float64 array of finite numbers above 0."""
    wanted = "numbers above 0"
    array = as_array(name, value, wanted)
    refuse_where(name, array, array <= 0, wanted)
    return array


def refuse_where(name: str, array: np.ndarray, outside: np.ndarray, wanted: str) -> None:
    """Nothing, unless some number of `array` is `outside`.

    Raises:
        ParameterError: names the argument, the first such number and what is wanted.
    """
    if outside.any():
        raise ParameterError(f"{name}={_first(array, outside)} is out of range: give {wanted}.")


def as_given(values: np.ndarray) -> float | np.ndarray:
    """A plain float for a zero-dimensional array, otherwise the array."""
    return float(values) if np.ndim(values) == 0 else values


def _first(array: np.ndarray, chosen: np.ndarray) -> str:
    return f"{float(array[chosen].flat[0]):.17g}"
