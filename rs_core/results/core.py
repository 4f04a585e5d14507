"""What the engine returns: frozen dataclasses of plain numbers, and their one JSON form.

This room is torch-free: the command line's `--json`, the worker's protocol and the run store
all use `to_json` and `from_json`. Badges are strength letters: A certified
against anyone, B conditional on a frozen state, C for a sigma held fixed, D empirical.
"""

import base64
import dataclasses
import math
import types
import typing
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np

Badge = Literal["A", "B", "C", "D"]
BADGE_WORDS: dict[str, str] = {
    "A": "Certified",
    "B": "Conditional",
    "C": "Fixed sigma",
    "D": "Empirical",
}
Outcome = Literal["certified", "refuted", "undecided"]
Stage = Literal["select", "label", "certify", "predict"]
Noise = Literal["gaussian", "gaussian-grid", "uniform", "uniform-grid"]
Norm = Literal["l2", "l1"]

T = TypeVar("T")


@dataclass(frozen=True)
class ModelSpec:
    """What a network is, how it was trained and measured: the json beside its weights.

    Fields:
        name: how people call it.
        architecture: a name of `MODELS`, a torchvision model, or free text for a wrapped module.
        input_shape: (C, H, W).
        class_names: one per logit.
        options: keyword arguments of the architecture, e.g. {"widths": [32, 64, 64, 128]}.
        mean, std: per channel, applied by the Classifier after the noise; empty for none.
        train_sigma: (low, high) of the noise it was trained with, pixels of [0,1].
        weights: the safetensors file's name.
        sha256: of that file, hex.
        provenance: recipe, data, command, seed, measured accuracies; free keys.
    """

    name: str
    architecture: str
    input_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    train_sigma: tuple[float, float] | None = None
    weights: str = ""
    sha256: str = ""
    provenance: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Votes:
    """Votes of noisy copies.

    Fields:
        counts: int64 (B, S, K+1); the last class, INVALID, took rows with NaN or infinite logits.
        sigmas: float64 (B, S), pixels of [0,1]; the lambdas of uniform noise.
        n: noisy copies per image and sigma.
        stage: what the draws may be used for.
        soft: float64 (B, S, K), softmax scores summed over the copies, where they were asked for;
            a row with NaN or infinite logits adds nothing.
        noise: under which the copies were made.
    """

    counts: np.ndarray
    sigmas: np.ndarray
    n: int
    stage: Stage
    soft: np.ndarray | None = None
    noise: Noise = "gaussian-grid"


@dataclass(frozen=True)
class Prediction:
    """Cohen et al. (2019), PREDICT: the smoothed class, or None for abstain.

    `seed_given` is as of a certificate.
    """

    predicted: int | None
    p_value: float
    top_counts: tuple[int, int]
    counts: tuple[int, ...]
    sigma: float
    n: int
    alpha: float
    noise: Noise
    precision: str
    device: str
    weights_id: str
    image_digest: str
    preprocessing: tuple[str, ...]
    seed: int
    seed_given: bool | None = None


@dataclass(frozen=True)
class Certificate:
    """One certified radius and everything needed to repeat or dispute it.

    `predicted` is None and `radius` 0 where the certifier abstains. `radius` is in pixels of
    [0,1] at the network's input size. `alpha` is the level of this one statement. `counts` are
    the K+1 votes of the certifying draws, INVALID last; `draws` counts every noisy copy spent.
    `level` is that of every single confidence bound behind the radius: alpha, or the part of it
    that one pays, such as alpha/2 of the two-sided bound; None where an older version did not
    say, or where no bound of its own stands behind it.
    `counted_at` is the sigma whose votes `counts`, `n_top` and the bounds tell, where several
    sigmas were certified and the weakest of them speaks for all; None where it is `sigma`.
    `details` are what else repeats it, as JSON values: of `dual` the id of h, its noise and draws,
    the grid, and the votes at every sigma; None where there is nothing, or an older version.
    `noise` is "gaussian" or "uniform" (float32 draws, taken as exactly so; uniform on
    [-sigma, sigma] in each value, with `norm` "l1"), or "gaussian-grid" or "uniform-grid" (drawn
    in float64 and rounded to the pixels' grid, where sums are exact); seed, `stream` (which caller
    drew), image, weights, precision and device repeat it. `seed_given` says whether somebody gave
    the seed, which is then part of the claim, or it was drawn (`rs_core.seed_origin`); None where
    nobody said.
    """

    predicted: int | None
    radius: float
    norm: str
    p_lower: float
    p_upper_runner_up: float | None
    sigma: float
    n_top: int
    n0: int
    n: int
    alpha: float
    bound: str
    guarantee: Badge
    statement: str
    counts: tuple[int, ...]
    draws: int
    noise: Noise
    stream: str
    precision: str
    device: str
    weights_id: str
    image_digest: str
    preprocessing: tuple[str, ...]
    seed: int
    level: float | None = None
    seed_given: bool | None = None
    counted_at: float | None = None
    details: dict[str, Any] | None = None


@dataclass(frozen=True)
class Selection:
    """The sigma that a selector proposes for one image. It certifies nothing.

    Fields:
        selector: its name in `SELECTORS`.
        sigma: pixels of [0,1].
        candidates: (sigma, score) in the order in which they were looked at; the score is the
            selector's own estimate, usually of the radius.
        draws: noisy copies spent.
        notes: what should be known of this choice, e.g. that it ran into a bound.
        rate: Lipschitz constant of ln sigma(x) per pixel unit, where the selector has one.
        norm: of the radii that it was picked for: "l2" is Gaussian noise, "l1" uniform noise on
            [-sigma, sigma]; None where no noise was looked at.
        seed, seed_given: of its draws; None where nobody said.
    """

    selector: str
    sigma: float
    candidates: tuple[tuple[float, float], ...]
    draws: int
    notes: tuple[str, ...] = ()
    rate: float | None = None
    norm: Norm | None = "l2"
    seed: int | None = None
    seed_given: bool | None = None


@dataclass(frozen=True)
class RadiusCurve:
    """Certified radius against sigma for one image, in ascending sigma.

    `alpha` is the error of the whole curve when `simultaneous` (each point paid alpha/S), of
    each point alone otherwise. `best` is a fresh certificate at the sigma with the largest
    radius, badge C; None when every point abstains or it was not asked for.
    """

    certificates: tuple[Certificate, ...]
    alpha: float
    simultaneous: bool
    best: Certificate | None = None


@dataclass(frozen=True)
class Decision:
    """Answer of the sequential test of "radius >= target_radius" for one class at one sigma.

    The class is the one that the n0 draws chose, and p its probability under the noise.
    "certified": the radius reaches the target. "refuted": at level alpha, p is below what the
    target needs, so this route cannot certify it; another class or bound still might.
    "undecided": neither was shown within n draws, or the n0 draws were INVALID.
    """

    outcome: Outcome
    target_radius: float
    certificate: Certificate


def to_json(value: Any) -> Any:
    """A result as JSON values: dataclasses become objects, NaN and infinities null.

    Arrays become `{"dtype", "shape", "base64"}`. Field names are the dataclass's own.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        raw = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"dtype": str(value.dtype), "shape": list(value.shape), "base64": raw}
    if isinstance(value, np.generic):
        return to_json(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    return value


def from_json(kind: type[T], data: Any) -> T:
    """The inverse of `to_json` for a result dataclass (null becomes NaN where a float stood).

    A field that an older version did not write has its default.
    """
    return typing.cast(T, _decode(kind, data))


def _decode(kind: Any, data: Any) -> Any:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        return kind(
            **{
                f.name: _decode(hints[f.name], data[f.name])
                for f in dataclasses.fields(kind)
                if f.name in data or f.default is dataclasses.MISSING
            }
        )
    if kind is np.ndarray:
        flat = np.frombuffer(base64.b64decode(data["base64"]), dtype=data["dtype"])
        return flat.reshape(data["shape"]).copy()
    if origin is tuple:
        items = [args[0]] * len(data) if args[-1] is Ellipsis else args
        return tuple(_decode(item, entry) for item, entry in zip(items, data, strict=True))
    if origin in (types.UnionType, typing.Union):
        if data is None and type(None) in args:
            return None
        return _decode(next(a for a in args if a is not type(None)), data)
    if kind is float:
        return math.nan if data is None else float(data)
    return data
