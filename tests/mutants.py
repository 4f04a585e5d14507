"""Plant a known error in the certifier and show that a test catches it: `make mutants`.

Each mutant is applied to a copy of the project; the named tests must fail on it. A mutant that
survives, or a patch that no longer applies, fails the campaign. First the tests run unharmed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("rs_core", "tests", "assets", "pyproject.toml")


@dataclass(frozen=True)
class Mutant:
    """A named error: (file, old text, new text) patches, and the tests that must notice."""

    name: str
    patches: tuple[tuple[str, str, str], ...]
    tests: tuple[str, ...]


BOUNDS, RADII = "rs_core/statistics/bounds.py", "rs_core/statistics/radius.py"
SAMPLING = "rs_core/smoothing/sampling.py"
CLASSIFIERS, PREPARATION = "rs_core/classifiers/classifier.py", "rs_core/classifiers/prepare.py"
FACTORIES, FUSED = "rs_core/classifiers/loading.py", "rs_core/classifiers/fast_inference.py"
T_FUSED = ("tests/classifiers/test_fast_inference.py",)
FINGERPRINTS, T_FINGERPRINTS = (
    "rs_core/classifiers/fingerprints.py",
    ("tests/classifiers/test_fingerprints.py",),
)
LOADING, T_INPUTS = "rs_core/images/loading.py", ("tests/images/test_inputs.py",)
CERTIFY, SWEEP = "rs_core/smoothing/certify.py", "rs_core/smoothing/sweep.py"
NOISE, DRAW_CHECKS = "rs_core/smoothing/noise.py", "rs_core/smoothing/draw_checks.py"
SEQUENTIAL, STATEMENTS = "rs_core/smoothing/sequential.py", "rs_core/smoothing/statements.py"
ANYTIME, MEDIAN = "rs_core/statistics/anytime.py", "rs_core/smoothing/median.py"
T_BOUNDS = ("tests/statistics",)
T_TRIALS = ("tests/experiments/test_attack_trial.py",)
PROBING = "rs_core/classifiers/probe.py"
T_PROBING, T_WITNESS = ("tests/classifiers/test_probe.py",), ("tests/smoothing/test_witness.py",)
T_SMOOTHING = ("tests/smoothing", "tests/classifiers/test_classifier.py")

GUARANTEES, STORE = "rs_core/guarantees", "rs_core/store"
MEMORY, SCAN = "rs_core/guarantees/memory/balls.py", "rs_core/guarantees/memory/scan.py"
REGIONS, CLAIMS = "rs_core/guarantees/regions/guarantee.py", "rs_core/guarantees/regions/claims.py"
RADII_OF, PROGRAMME = (
    "rs_core/guarantees/regions/radii.py",
    "rs_core/guarantees/regions/programme.py",
)
ALLOCATION = "rs_core/guarantees/regions/allocation.py"
ALLOCATION_FILE = "rs_core/guarantees/regions/file.py"
GRID_MINIMUM, DUAL = f"{GUARANTEES}/grid_minimum.py", f"{GUARANTEES}/dual.py"
T_GUARANTEES = (
    *("tests/guarantees/test_conformance.py", "tests/guarantees/test_false_statements.py"),
    "tests/guarantees/test_contradictions.py",
)
MOVING, ORDER = "rs_core/statistics/moving_sigma.py", "rs_core/statistics/order.py"
_AT = "tests/guarantees"
T_MEMORY = ("tests/guarantees/memory/test_balls.py", "tests/guarantees/memory/test_guarantee.py")
T_REGIONS = (
    *(
        "tests/guarantees/regions/test_allocation.py",
        "tests/guarantees/regions/test_file.py",
        "tests/guarantees/regions/test_query.py",
    ),
    *(
        "tests/guarantees/regions/test_claims.py",
        "tests/guarantees/regions/test_guarantee.py",
        "tests/guarantees/regions/test_radii.py",
    ),
    "tests/guarantees/regions/test_programme.py",
)
T_MOVING = ("tests/statistics/test_moving_sigma.py", f"{_AT}/test_conformance.py")
T_MEDIAN = (
    *("tests/statistics/test_order.py", "tests/smoothing/test_median.py"),
    *(f"{_AT}/test_dual.py", f"{_AT}/test_false_statements.py"),
)
T_L1 = (
    *("tests/statistics/test_radius.py", f"{_AT}/test_uniform_noise.py"),
    f"{_AT}/test_conformance.py",
)
SANDWICH = "rs_core/results/sandwich.py"
SANDWICHING = "rs_core/experiments/sandwich"
T_SANDWICH = (
    "tests/experiments/sandwich/test_make.py",
    "tests/experiments/sandwich/test_progress.py",
)
BALLOTS, STUDIES = "rs_core/smoothing/ballots.py", "rs_core/experiments/studies"
T_STUDIES = ("tests/smoothing/test_ballots.py", "tests/experiments/studies")
INJECTION = "rs_core/models/injected_noise.py"
T_INJECTION = ("tests/models/test_injected_noise.py",)
T_INJECTED = ("tests/classifiers/test_injected.py", "tests/smoothing/test_injected.py")
T_NOISE_TRAINING = ("tests/training/test_noise_injection.py",)
ATTACKS = "rs_core/attacks"
CONFIRMATION, PREDICTING = "rs_core/attacks/confirm.py", "rs_core/attacks/predict.py"
_TRIED = "tests/attacks"
T_CONFIRMATION = ("tests/attacks/test_confirm.py",)
T_ATTACKS = (f"{_TRIED}/test_parts.py", f"{_TRIED}/test_closed_form.py")
THIN = "rs_core/classifiers/fast_gradients.py"
T_THIN = ("tests/classifiers/test_fast_gradients.py",)
T_TARGETS = (f"{_TRIED}/test_targets.py",)

_HEAD = "\n\ndef lower_confidence_bound(n_top, n, alpha):  # mutant\n    import scipy.stats as st\n"
_HEAD += "    k, z = np.asarray(n_top, float), st.norm.isf(alpha)\n    p = k / n\n"


def bad_bound(name: str, formula: str) -> Mutant:
    """A mutant that replaces the Clopper-Pearson bound by `formula`."""
    body = f"    low = {formula}\n    low = np.where(k == 0, 0.0, np.clip(low, 0.0, 1 - 1e-12))\n"
    ending = "    return float(low) if low.ndim == 0 else low\n"
    return Mutant(name, ((BOUNDS, "", _HEAD + body + ending),), T_BOUNDS)


_FROM_N0 = """

def _from_n0(own, classifier, images, sigmas, seed, batch_size):  # mutant
    from rs_core.smoothing.certify import certificates_from_votes
    from rs_core.smoothing.sampling import draw_votes

    votes = yield from relay(
        draw_votes(
            classifier, images, sigmas, own.n, seed=seed, caller=own.name, stage="label",
            noise=own.noise, batch_size=batch_size,
        )
    )
    rows = certificates_from_votes(
        own, replace(votes, stage="certify"), votes.counts.argmax(axis=-1), own.alpha,
        classifier=classifier, images=images, seed=seed, stream=f"{own.name} 0",
        guarantee=own.badge,
    )
    draws = own.n0 + own.n
    yield Finished(tuple(tuple(replace(c, draws=draws) for c in row) for row in rows))
"""
T_MINIMUM = (f"{_AT}/test_minimum.py",)
CASCADE, CASCADE_TERMS = f"{GUARANTEES}/cascade/guarantee.py", "rs_core/statistics/cascade.py"
DUAL_RS, T_DUAL_RS = f"{GUARANTEES}/dual_rs/guarantee.py", (f"{_AT}/dual_rs/test_guarantee.py",)
RADII_LABELS, T_RADII = "rs_core/training/radii.py", ("tests/training/test_radii.py",)
DUAL_RS_RECIPE = "rs_core/training/recipes/dual_rs.py"
T_CASCADE = (f"{_AT}/cascade/test_guarantee.py", "tests/statistics/test_cascade.py")


CONSISTENCY = "rs_core/training/recipes/consistency.py"
PER_IMAGE = "rs_core/training/per_image"
T_PER_IMAGE = ("tests/training/per_image",)
T_LOSSES = ("tests/training/test_losses.py",)
WHOLENESS, T_WHOLENESS = "rs_core/images/wholeness.py", ("tests/images/test_wholeness.py",)

MUTANTS = (
    Mutant(
        "a claim of a paper that holds whatever its margin",
        (("rs_core/papers/verdicts.py", "or abs(difference) <= margin:", "or difference == 0:"),),
        ("tests/papers/test_verdicts.py",),
    ),
    Mutant(
        "a difference between trainings without the error over seeds",
        (("rs_core/statistics/paired.py", "if self.seeds < 2:", "if True:"),),
        ("tests/statistics/test_paired.py",),
    ),
    Mutant(
        "a torn line of a table's log that is taken for a whole one",
        (("rs_core/papers/folder.py", 'raw[: raw.rfind(b"\\n") + 1]', "raw"),),
        ("tests/papers/test_runner.py",),
    ),
    Mutant(
        "an image of a table that counts as finished with half of what is kept of it",
        (
            (
                "rs_core/papers/folder.py",
                "done = done if done == len(indices) else done - done % chunk",
                "done = len(picks)",
            ),
        ),
        ("tests/papers/test_runner.py",),
    ),
    Mutant(
        "a picked sigma certified on the draws that were looked at",
        ((CERTIFY, "        if not self.picked:", "        if True:"),),
        ("tests/guarantees/test_looking.py",),
    ),
    Mutant(
        "a picked sigma that shares its draws with other picked ones",
        ((CERTIFY, 'f"picked sigma={self.sigma!r} n0', 'f"picked n0'),),
        ("tests/guarantees/test_looking.py",),
    ),
    Mutant(
        "a given seed that the sentence does not name",
        (("rs_core/seed_origin.py", 'if given and hasattr(value, "statement"):', "if False:"),),
        ("tests/test_seed_origin.py",),
    ),
    Mutant(
        "a second seed that is no second look",
        (("rs_core/worker/request.py", 'return f"{look}, seed {seed}"', "return look"),),
        ("tests/worker/test_looks.py",),
    ),
    Mutant(
        "images counted by their ids, and not by their pixels",
        (
            (
                "rs_core/worker/request.py",
                'dict.fromkeys(image["digest"] for',
                "dict.fromkeys(str(image) for",
            ),
        ),
        ("tests/worker/test_looks.py",),
    ),
    Mutant(
        "one seed for every command",
        (("rs_core/cli/seeds.py", "found or (drawn_seed(), False)", "found or (0, False)"),),
        ("tests/cli/test_seeds.py",),
    ),
    Mutant(
        "networks: mean and std are not in a file's name",
        ((FINGERPRINTS, "len(spec.class_names), spec.mean, spec.std", "len(spec.class_names)"),),
        T_FINGERPRINTS,
    ),
    Mutant(
        "networks: a plain attribute is not in the name",
        (
            (
                FINGERPRINTS,
                "for key, value in vars(part).items() if key not in blank",
                "for key, value in ()",
            ),
        ),
        T_FINGERPRINTS,
    ),
    Mutant(
        "networks: classes are told apart by name only",
        ((FINGERPRINTS, "        if _is_foreign(kind):\n", "        if False:\n"),),
        T_FINGERPRINTS,
    ),
    Mutant(
        "networks: parts met before are all the same",
        ((FINGERPRINTS, 'f"again {self._seen[id(value)]}"', '"again"'),),
        T_FINGERPRINTS,
    ),
    Mutant(
        "networks: a factory's classifier runs where it likes",
        ((FACTORIES, "return _as_asked(made, reference, device, precision)", "return made"),),
        T_FINGERPRINTS,
    ),
    Mutant(
        "networks: fused layers vote where a value may overflow",
        ((FUSED, "if not largest_value(network) < _LIMIT:", "if False:"),),
        T_FUSED,
    ),
    Mutant(
        "networks: fused layers are believed",
        ((CLASSIFIERS, "            if not torch.equal(plain, found):", "            if False:"),),
        T_FUSED,
    ),
    Mutant(
        "networks: a sum is as large as its largest part",
        ((FUSED, "sum(given) if plain else math.inf", "max(given)"),),
        T_FUSED,
    ),
    Mutant(
        "images: a digest is believed",
        (
            (
                LOADING,
                '"digest", _digest(self.pixels)',
                '"digest", self.digest or _digest(self.pixels)',
            ),
        ),
        T_INPUTS,
    ),
    Mutant(
        "images: pixels can be written to",
        (
            (LOADING, "held = np.frombuffer(", "held = np.frombuffer(bytearray("),
            (LOADING, '.tobytes(), dtype="<f4")', '.tobytes()), dtype="<f4")'),
        ),
        T_INPUTS,
    ),
    Mutant(
        "images: pixels outside [0,1] pass",
        ((LOADING, "        check_floats(pixels, self.name)\n", ""),),
        T_INPUTS,
    ),
    Mutant(
        "images: copies can be written to",
        ((LOADING, "def __reduce__(self) -> tuple[type", "def _reduced(self) -> tuple[type"),),
        T_INPUTS,
    ),
    bad_bound(
        "Wilson",
        "(p + z*z/(2*n) - z*np.sqrt(p*(1-p)/n + z*z/(4*n*n))) / (1 + z*z/n)",
    ),
    bad_bound("Jeffreys", "st.beta.ppf(alpha, k + 0.5, n - k + 0.5)"),
    bad_bound("Wald", "p - z*np.sqrt(p*(1-p)/n)"),
    bad_bound("Clopper-Pearson at 2 alpha", "st.beta.ppf(2*alpha, k, n - k + 1)"),
    bad_bound("Clopper-Pearson off by one", "st.beta.ppf(alpha, k + 1, n - k)"),
    Mutant(
        "votes reused for selection",
        ((SWEEP, 'caller="sweep", part=1', 'caller="sweep"'),),
        T_SMOOTHING,
    ),
    Mutant(
        "label chosen on the certifying votes",
        ((CERTIFY, 'stage="label"', 'stage="certify"'),),
        T_SMOOTHING,
    ),
    Mutant(
        "stage of the votes not checked",
        ((CERTIFY, 'if votes.stage != "certify":', "if False:"),),
        T_SMOOTHING,
    ),
    Mutant(
        "seed reset in every block",
        ((SAMPLING, "min(size, n - offset), key,", "min(size, n - offset), 7,"),),
        T_SMOOTHING,
    ),
    Mutant(
        "peeking with a fixed-n bound",
        (
            (
                "rs_core/smoothing/sequential.py",
                "outcome = sequential_test(int(counts[label]), drawn, p0, self.alpha)",
                "from rs_core.statistics import lower_confidence_bound as lcb, "
                "upper_confidence_bound as ucb\n"
                "                n_top = int(counts[label])\n"
                "                outcome = 'certified' if lcb(n_top, drawn, self.alpha) > p0 else "
                "'refuted' if ucb(n_top, drawn, self.alpha) < p0 else 'undecided'",
            ),
        ),
        T_SMOOTHING,
    ),
    Mutant(
        "NaN logits vote for class 0",
        (
            (
                SAMPLING,
                "torch.where(valid, logits.argmax(dim=-1), classes)",
                "logits.argmax(dim=-1)",
            ),
        ),
        T_SMOOTHING,
    ),
    Mutant(
        "told sigma: the sweep's sigmas are told in the wrong order",
        (
            (
                "rs_core/smoothing/noise.py",
                "pixels.new_tensor(sigmas)",
                "pixels.new_tensor(sigmas[::-1])",
            ),
        ),
        T_SMOOTHING,
    ),
    Mutant(
        "told sigma: a proof across sigmas takes a network that sees sigma",
        ((f"{GUARANTEES}/sukenik.py", "if classifier.takes_sigma:", "if False:"),),
        T_SMOOTHING,
    ),
    Mutant(
        "train-mode batch norm",
        (
            (
                PREPARATION,
                "network.float().to(device).eval()",
                "network.float().to(device).train()",
            ),
            (PREPARATION, "if not asked and not random:", "if False:"),
            (PREPARATION, "not random and _asked_as_it_came(network, spec, device)", "not random"),
            (PREPARATION, ".eval().requires_grad_(False)", ".train().requires_grad_(False)"),
            (CLASSIFIERS, "        self._check()\n", ""),
            (PREPARATION, "        folded = fuse(network)\n", "        return network\n"),
        ),
        T_SMOOTHING,
    ),
    Mutant(
        "normalise before the noise",
        (
            (CLASSIFIERS, "pixels = torch.addcmul(self._shift, pixels, self._scale)", "pass"),
            (
                SAMPLING,
                "noisy_rows(pixels, z,",
                "noisy_rows(pixels if classifier._scale is None else torch.addcmul("
                "261120 * classifier._shift, pixels, classifier._scale), z,",
            ),
        ),
        T_SMOOTHING,
    ),
    Mutant(
        "x cast to bf16 before the noise",
        ((SAMPLING, "noisy_rows(pixels, z,", "noisy_rows(pixels.bfloat16().float(), z,"),),
        T_SMOOTHING,
    ),
    Mutant(
        "simultaneous curve pays alpha at every point",
        ((SWEEP, "self.alpha / len(self.sigmas) if self.simultaneous else", ""),),
        T_SMOOTHING,
    ),
    Mutant(
        "badge A for a sigma picked for this image",
        ((SWEEP, 'guarantee="C"', 'guarantee="A"'),),
        T_SMOOTHING,
    ),
    Mutant(
        "live band at twice its level",
        (
            (
                SWEEP,
                "anytime_lower_bound(self.n_top, self.n_done, self.point_alpha / 2)",
                "self.n_top / (self.n_done + 1)",
            ),
        ),
        T_SMOOTHING,
    ),
    Mutant(
        "exact noise is drawn in float32",
        (
            (
                NOISE,
                "keyed_generator(key).standard_normal(out=buffer.numpy())",
                "buffer.copy_(buffer.float().normal_(generator=_torch_generator(classifier, 0)))",
            ),
        ),
        T_SMOOTHING,
    ),
    Mutant(
        "threads share one network object",
        ((CLASSIFIERS, "thread_copy(self.module)", "self.module"),),
        T_SMOOTHING,
    ),
    Mutant(
        "seeds hashed to 63 bits, of which 32 arrive",
        (("rs_core/seeding.py", "(slot << 28)", "(slot << 40)"),),
        ("tests/test_seeding.py", *T_SMOOTHING),
    ),
    Mutant(
        "batch-mates are not checked",
        ((PROBING, "    for change in changes:\n", "    for change in changes[:0]:\n"),),
        (*T_PROBING, *T_SMOOTHING),
    ),
    Mutant(
        "rows may differ by a fiftieth",
        ((PROBING, "0.0 if device.type", "0.02 if device.type"),),
        T_PROBING,
    ),
    Mutant(
        "the tolerance is of the largest logit",
        ((PROBING, "share * sizes.maximum(least)", "share * sizes.max()"),),
        T_PROBING,
    ),
    Mutant(
        "a network is asked once before it is traced",
        ((PROBING, "for call in range(calls):", "for call in range(0):"),),
        T_PROBING,
    ),
    Mutant(
        "random draws are not noticed",
        ((PROBING, "drawn.add(name)", "pass"),),
        T_PROBING,
    ),
    Mutant(
        "a network that stays in training mode is taken",
        ((PREPARATION, "    if stuck:\n", "    if False:\n"),),
        T_PROBING,
    ),
    Mutant(
        "no pass is asked for again",
        ((SAMPLING, "            own.hold()\n", "            pass\n"),),
        T_WITNESS,
    ),
    Mutant(
        "sequential: no pass is asked for again",
        (("rs_core/smoothing/sequential.py", "        witness.hold()\n", ""),),
        T_WITNESS,
    ),
    Mutant(
        "one thread's copy is asked again, not all",
        (
            (
                "rs_core/smoothing/witness.py",
                "        self._copies[id(copy)] = copy\n",
                "        self._copies.setdefault(0, copy)\n",
            ),
        ),
        T_WITNESS,
    ),
    Mutant(
        "padding rows of the last block vote",
        ((SAMPLING, "logits[:rows].view", "logits[-rows:].view"),),
        T_SMOOTHING,
    ),
    Mutant(
        "memory: a ball is not cut by another label's",
        ((MEMORY, "radius if near is None else max(near.gap, 0.0)", "radius"),),
        T_MEMORY,
    ),
    Mutant(
        "memory: no end to the room inside a ball",
        ((MEMORY, "near.radius - near.distance * (1 + self.shrink)", "near.radius"),),
        T_MEMORY,
    ),
    Mutant(
        "memory: radii are not shrunk",
        ((MEMORY, "shrink: ClassVar[float] = 1e-9", "shrink: ClassVar[float] = 0.0"),),
        T_MEMORY,
    ),
    Mutant(
        "memory: above the Monte Carlo radius inside a ball",
        ((MEMORY, "min(radius, self._room(near))", "self._room(near)"),),
        T_MEMORY,
    ),
    Mutant(
        "memory: an answer that is not on disk",
        ((MEMORY, "self._file.append(ball, points)", "pass"),),
        T_MEMORY,
    ),
    Mutant(
        "memory: others' answers are not read first",
        (
            (
                MEMORY,
                "        with self._file.writing():\n            self._catch_up()\n",
                "        with self._file.writing():\n",
            ),
        ),
        T_MEMORY,
    ),
    Mutant(
        "memory: the scan trusts float32",
        (
            (SCAN, "- 2 * dots - slack", "- 2 * dots"),
            (SCAN, "apart - 4 * _UNIT * lengths", "apart"),
        ),
        T_MEMORY,
    ),
    Mutant(
        "memory: the scan takes float32 distances for bounds",
        ((SCAN, "wide * (1 - steps / (1 - steps)) - self._values * _TINY", "wide"),),
        T_MEMORY,
    ),
    Mutant(
        "memory: the scan stops at its first batch",
        ((SCAN, "start, size = start + len(taken), size * 2", "start = len(wanted)"),),
        T_MEMORY,
    ),
    Mutant(
        "memory: abstentions are no obstacles",
        (
            (
                SCAN,
                "others & (bounds < within)",
                "others & (bounds < within) & (self._labels[: self.count] != _ABSTAIN)",
            ),
        ),
        T_MEMORY,
    ),
    Mutant(
        "memory: an edited row is believed",
        (("rs_core/guarantees/memory/file.py", "_seal(tuple(facts), raw) == seal", "True"),),
        T_MEMORY,
    ),
    Mutant(
        "memory: votes shown behind an inherited label",
        (
            (
                "rs_core/guarantees/memory/guarantee.py",
                'if backed and ball.kind != "inherited":',
                "if True:",
            ),
        ),
        T_MEMORY,
    ),
    Mutant(
        "regions: same labels keep apart, others meet",
        (
            (
                RADII_OF,
                "labels[overlaps.first] != labels[overlaps.second]",
                "labels[overlaps.first] == labels[overlaps.second]",
            ),
        ),
        T_REGIONS,
    ),
    Mutant(
        "regions: what was chosen after looking certifies on the same draws",
        ((REGIONS, "part=part, settled=settled,", "part=part,"),),
        T_REGIONS,
    ),
    Mutant(
        "regions: any network may ask",
        (
            (
                "rs_core/guarantees/regions/query.py",
                "if classifier.weights_id != allocation.weights_id:",
                "if False:",
            ),
        ),
        T_REGIONS,
    ),
    Mutant(
        "regions: online balls do not see each other",
        (
            (RADII_OF, "min(radii[k], free.min(initial=np.inf))", "radii[k]"),
            (RADII_OF, "    check_constraints(overlaps, found, radii, owners)\n", ""),
        ),
        T_REGIONS,
    ),
    Mutant(
        "regions: the solver's tolerance is kept and not looked at",
        (
            (PROGRAMME, "found * factor", "found"),
            (
                PROGRAMME,
                "    check_constraints(overlaps, found, radii, np.arange(overlaps.count))\n",
                "",
            ),
        ),
        T_REGIONS,
    ),
    Mutant(
        "regions: a solver far off is mended in silence",
        ((PROGRAMME, "_TOLERANCE = 1e-5", "_TOLERANCE = 1e5"),),
        T_REGIONS,
    ),
    Mutant(
        "programme: its optimum hangs on who came first",
        ((RADII_OF, "own = own_order(points, radii, labels)", "own = np.arange(len(radii))"),),
        T_REGIONS,
    ),
    Mutant(
        "programme: the fair optimum is the solver's vertex",
        (
            (
                "rs_core/statistics/packing.py",
                "np.append(np.zeros(members), -1.0)",
                "np.zeros(members + 1)",
            ),
        ),
        ("tests/statistics/test_packing.py",),
    ),
    Mutant(
        "programme: the fair optimum gives up some of the sum",
        (
            ("rs_core/statistics/packing.py", "[-pairs[tight], None]", "[-0 * pairs[tight], None]"),
            (
                "rs_core/statistics/packing.py",
                "-packing.distance[tight] *",
                "-0.0 * packing.distance[tight] *",
            ),
        ),
        ("tests/statistics/test_packing.py",),
    ),
    Mutant(
        "regions: an insider keeps the radius of its own sigma",
        ((CLAIMS, "radius = min(there.radius, float(layout.radii[k]))", "radius = own[k].radius"),),
        T_REGIONS,
    ),
    Mutant(
        "regions: an insider's own draws may contradict the label",
        ((CLAIMS, "if there.predicted != own[owner].predicted:", "if False:"),),
        T_REGIONS,
    ),
    Mutant(
        "regions: label-aware statements each pay alpha",
        ((REGIONS, "self.alpha / max(count, 1)", "self.alpha"),),
        T_REGIONS,
    ),
    Mutant(
        "regions: by degree two certificates for the price of one",
        (
            (
                REGIONS,
                'return self.alpha / 2 if self.mode == "online" and self.order != "given" else '
                "self.alpha",
                "return self.alpha",
            ),
        ),
        T_REGIONS,
    ),
    Mutant(
        "regions: a second certificate on the first one's draws",
        ((REGIONS, "inherited, 1)", "inherited, 0)"),),
        T_REGIONS,
    ),
    Mutant(
        "regions: a changed allocation is believed",
        ((ALLOCATION, 'if self.hash not in ("", content):', "if False:"),),
        T_REGIONS,
    ),
    Mutant(
        "regions: regions that meet pass the check",
        ((ALLOCATION, "        if wrong.any():", "        if False:"),),
        T_REGIONS,
    ),
    Mutant(
        "regions: a radius may exceed its certificate",
        (("rs_core/guarantees/regions/backing.py", "or radii[k] > backing.radius * ROUNDING", ""),),
        ("tests/guarantees/regions/test_backing.py",),
    ),
    Mutant(
        "regions: a certificate's radius is believed without its votes",
        (("rs_core/guarantees/regions/backing.py", "backing.radius > most * ROUNDING or ", ""),),
        ("tests/guarantees/regions/test_backing.py",),
    ),
    Mutant(
        "regions: certificates may pay more than the allocation says",
        (("rs_core/guarantees/regions/backing.py", "if paid > risk * ROUNDING or ", "if "),),
        ("tests/guarantees/regions/test_backing.py",),
    ),
    Mutant(
        "regions: certificates are no part of the hash",
        ((ALLOCATION, "(field.name in _ADDED and not value)", "field.name in _ADDED"),),
        ("tests/guarantees/regions/test_backing.py",),
    ),
    Mutant(
        "regions: a fallback reaches into a region",
        (
            (
                ALLOCATION,
                "room = min(fallback.radius, float(outside.min(initial=np.inf)))",
                "room = fallback.radius",
            ),
        ),
        T_REGIONS,
    ),
    Mutant(
        "regions: an answer reaches beyond its region",
        (
            (
                ALLOCATION,
                "room = self.radii[index] * (1 - SHRINK) - distance[index]",
                "room = self.radii[index]",
            ),
        ),
        T_REGIONS,
    ),
    Mutant(
        "regions: an edited file is believed",
        ((ALLOCATION_FILE, "said == _seal(content) and content.keys()", "content.keys()"),),
        T_REGIONS,
    ),
    Mutant(
        "regions: another network answers",
        ((ALLOCATION_FILE, "        if mine != its:", "        if False:"),),
        T_REGIONS,
    ),
    Mutant(
        "regions: a frozen file is replaced",
        ((ALLOCATION_FILE, "    if os.path.lexists(path):", "    if False:"),),
        T_REGIONS,
    ),
    Mutant(
        "programme: the process outlives its stream",
        (
            (
                PROGRAMME,
                "                process.kill()\n                process.wait()\n",
                "                pass\n",
            ),
        ),
        T_REGIONS,
    ),
    Mutant(
        "programme: the process outlives its parent",
        (("rs_core/statistics/packing.py", "    os._exit(1)", "    return"),),
        T_REGIONS,
    ),
    Mutant(
        "programme: a dead process counts as done",
        (
            (
                PROGRAMME,
                "        if known < count and ended is not None:",
                "        if ended:\n"
                "            return\n        if known < count and ended is not None:",
            ),
        ),
        T_REGIONS,
    ),
    Mutant(
        "programme: no end at the time limit",
        ((PROGRAMME, "or time.monotonic() >= deadline", "or time.monotonic() >= deadline + 60"),),
        T_REGIONS,
    ),
    Mutant(
        "moving sigma: Cohen's radius",
        ((MOVING, "    low = 0.0\n    for step", "    return most\n    low = 0.0\n    for step"),),
        T_MOVING,
    ),
    Mutant(
        "moving sigma: only the larger end of the range",
        ((MOVING, "for sign in (-1.0, 1.0):", "for sign in (1.0,):"),),
        T_MOVING,
    ),
    Mutant(
        "moving sigma: only the smaller end of the range",
        ((MOVING, "for sign in (-1.0, 1.0):", "for sign in (-1.0,):"),),
        T_MOVING,
    ),
    Mutant(
        "moving sigma: NaN is no other class",
        (
            (
                MOVING,
                "if not 0 <= found <= 1:  # NaN: fail closed\n            return 1.0",
                "if not 0 <= found <= 1:\n            found = 0.0",
            ),
            (
                MOVING,
                "if gap == 0:  # the two noises differ by less than a float can tell: fail closed\n"
                "            return 1.0",
                "if gap == 0:\n            continue",
            ),
        ),
        T_MOVING,
    ),
    Mutant(
        "moving sigma: a selector without a slope",
        (
            ("rs_core/guarantees/sukenik.py", "if selection.rate is None:", "if False:"),
            (
                "rs_core/guarantees/sukenik.py",
                "selection.rate, values",
                "selection.rate or 0, values",
            ),
        ),
        T_MOVING,
    ),
    Mutant(
        "moving sigma: the slope is taken for half",
        (
            (
                "rs_core/guarantees/sukenik.py",
                "selection.rate, values",
                "selection.rate / 2, values",
            ),
        ),
        T_MOVING,
    ),
    Mutant(
        "median: the upper position is one too low",
        ((ORDER, "binom.isf(level, count, p_upper)) + 1", "binom.isf(level, count, p_upper))"),),
        T_MEDIAN,
    ),
    Mutant(
        "median: the lower position is one too high",
        ((ORDER, "lower = count - int(", "lower = count + 1 - int("),),
        T_MEDIAN,
    ),
    Mutant(
        "median: beyond the sample its ends are bounds",
        (
            (
                ORDER,
                "lower if lower >= 1 else None, upper if upper <= count else None",
                "max(lower, 1), min(upper, count)",
            ),
        ),
        T_MEDIAN,
    ),
    Mutant(
        "median: the attacker does not move",
        ((ORDER, "shift = distance / noise", "shift = 0.0"),),
        T_MEDIAN,
    ),
    Mutant(
        "median: the deployed one is taken for the population's",
        (("rs_core/guarantees/dual.py", "            beta=self.beta,\n", ""),),
        T_MEDIAN,
    ),
    Mutant(
        "dual: only the ends of the reachable sigmas",
        (
            (
                "rs_core/guarantees/dual.py",
                "tuple(sigma for sigma in self.sigmas if low <= sigma <= high)",
                "(low, high)",
            ),
        ),
        T_MEDIAN,
    ),
    Mutant(
        "dual: the radius may exceed the distance",
        (("rs_core/guarantees/dual.py", "min(weakest.radius, self.distance)", "weakest.radius"),),
        T_MEDIAN,
    ),
    Mutant(
        "dual: at distance 0 the class is an abstention",
        (
            (
                "rs_core/guarantees/dual.py",
                "predicted = weakest.predicted if agree else None",
                "predicted = weakest.predicted if agree and self.distance else None",
            ),
        ),
        T_MEDIAN,
    ),
    Mutant(
        "multistart_uniform: negative radii in the mean",
        (
            (
                "rs_core/selectors/multistart.py",
                "np.maximum(np.reshape(radii, (len(levels), len(images))), 0.0)",
                "np.reshape(radii, (len(levels), len(images)))",
            ),
        ),
        ("tests/selectors/test_multistart.py",),
    ),
    Mutant(
        "l1: twice the radius",
        (
            (
                RADII,
                "width * np.maximum(lower - _as_upper(p_upper), 0.0)",
                "width * np.maximum(2 * lower - 2 * _as_upper(p_upper), 0.0)",
            ),
        ),
        T_L1,
    ),
    Mutant(
        "l1: the other class is not subtracted",
        (
            (
                CERTIFY,
                "l1_radius(votes.sigmas, p_lower, 1 - p_lower)",
                "l1_radius(votes.sigmas, p_lower, np.full_like(p_lower, 1e-9))",
            ),
        ),
        T_L1,
    ),
    Mutant(
        "l1: half the noise that is named",
        (("rs_core/smoothing/noise.py", "uniform_(-1.0, 1.0", "uniform_(-0.5, 0.5"),),
        T_L1,
    ),
    Mutant(
        "l1: Gaussian votes",
        (
            (
                NOISE,
                'exact_uniform if noise == "uniform-grid" else exact_normal',
                "exact_normal",
            ),
        ),
        T_L1,
    ),
    Mutant(
        "l1: votes are certified under any noise",
        ((CERTIFY, "if votes.noise != options.noise_kind:", "if False:"),),
        T_L1,
    ),
    Mutant(
        "l1: called an l2 radius",
        ((CERTIFY, "        norm=options.norm,\n", '        norm="l2",\n'),),
        T_L1,
    ),
    Mutant(
        "l1: a lambda for l2 radii and the reverse",
        (
            (
                "rs_core/guarantees/base.py",
                "if selection.norm not in (None, self.norm):",
                "if False:",
            ),
        ),
        T_L1,
    ),
    Mutant(
        "l1: badge A for a lambda that was picked",
        (
            (
                "rs_core/guarantees/fixed_sigma.py",
                "if picked or len({s.sigma for s in selections}) > 1:",
                "if False:",
            ),
        ),
        T_L1,
    ),
    Mutant(
        "sandwich: every confirmation at alpha",
        ((CONFIRMATION, "return self.alpha / self.confirmations", "return self.alpha"),),
        T_SANDWICH,
    ),
    Mutant(
        "sandwich: the attack at another sigma than the certificate",
        (
            (
                "rs_core/experiments/sandwich/group.py",
                "replace(result, sigma=sigma)",
                "replace(result, sigma=2 * sigma)",
            ),
        ),
        T_SANDWICH,
    ),
    Mutant(
        "sandwich: a hollow success counts as confirmed",
        (
            (
                SANDWICH,
                "if attack is None or not attack.confirmed:",
                "if attack is None or not attack.success:",
            ),
        ),
        T_SANDWICH,
    ),
    Mutant(
        "sandwich: a nearer 8-bit copy counts although fresh noise did not confirm it",
        (
            (
                SANDWICH,
                "min(attack.l2, attack.stored_l2) if attack.stored_confirmed else attack.l2",
                "min(attack.l2, attack.stored_l2)",
            ),
        ),
        ("tests/results/test_sandwich.py",),
    ),
    Mutant(
        "sandwich: the live lower end at a fixed n",
        (
            (
                "rs_core/experiments/sandwich/progress.py",
                "p_lower = anytime_lower_bound(",
                "from rs_core.statistics import lower_confidence_bound as fixed_n\n"
                "            p_lower = fixed_n(",
            ),
        ),
        T_SANDWICH,
    ),
    Mutant(
        "sandwich: badge A for a sigma that was picked",
        (
            (
                "rs_core/guarantees/fixed_sigma.py",
                'badge: ClassVar[Badge] = "C"',
                'badge: ClassVar[Badge] = "A"',
            ),
        ),
        T_SANDWICH,
    ),
    Mutant(
        "sandwich: grid certificates, confirmed under other noise",
        ((CONFIRMATION, "noise=noise_kind(self.noise)", 'noise="gaussian"'),),
        T_SANDWICH,
    ),
    Mutant(
        "sandwich: crossing ends are mended",
        (
            (
                SANDWICH,
                "return 0.0 if self.misclassified else self.certificate.radius",
                "cap = confirmed_norm(self.attack)\n"
                "        return min(self.certificate.radius, cap or self.certificate.radius) "
                "if not self.misclassified else 0.0",
            ),
        ),
        T_SANDWICH,
    ),
    Mutant(
        "trial: the shown vote reuses the confirmation's noise",
        (("rs_core/experiments/attack_trial.py", 'caller="shift"', 'caller="confirm"'),),
        T_TRIALS,
    ),
    Mutant(
        "trial: a pipeline is confirmed at a frozen sigma",
        (
            (
                "rs_core/experiments/attack_trial.py",
                "replace(self.confirm, selector=self.attack.selector)",
                "self.confirm",
            ),
        ),
        T_TRIALS,
    ),
    Mutant(
        "trial: an attack's own opinion counts as broken",
        (("rs_core/plots/attack/text.py", "if result.confirmed:", "if result.success:"),),
        ("tests/plots/attack/test_text.py",),
    ),
    Mutant(
        "votes: of a network with noise of its own certify",
        (
            (
                "rs_core/smoothing/draw_checks.py",
                "if not classifier.random or classifier.draws_per_copy:",
                "if True:",
            ),
        ),
        T_STUDIES,
    ),
    Mutant(
        "votes: the copies of one pass share a network's own noise",
        (
            (
                "rs_core/smoothing/injected.py",
                "torch.cat([classifier(row[None], sigma) for row, sigma in pairs])",
                "classifier(rows, sigmas)",
            ),
        ),
        T_STUDIES,
    ),
    Mutant(
        "injected noise: votes of a draw that the batch shares certify",
        (
            (
                "rs_core/classifiers/injected.py",
                "if not isinstance(module, NoiseInjecting) or not module.draws_per_copy:",
                "if not isinstance(module, NoiseInjecting):",
            ),
        ),
        T_INJECTED,
    ),
    Mutant(
        "injected noise: a foreign layer of our network is trusted",
        (
            (
                "rs_core/classifiers/injected.py",
                "own and not any(",
                "not any(",
            ),
        ),
        T_INJECTED,
    ),
    Mutant(
        "injected noise: every block repeats the first one's",
        (
            (
                SAMPLING,
                "asked_by_chance(classifier, block.own)",
                "asked_by_chance(classifier, 0)",
            ),
        ),
        ("tests/smoothing/test_injected.py",),
    ),
    Mutant(
        "injected noise: a row's answer may hang on its batch-mates",
        (
            (
                "rs_core/classifiers/classifier.py",
                "check = check_draws if self.draws_per_copy else check",
                "pass",
            ),
        ),
        T_INJECTED,
    ),
    Mutant(
        "injected noise: one answer to an image without noise counts",
        (("rs_core/smoothing/draw_checks.py", "if classifier.random:", "if False:"),),
        ("tests/smoothing/test_injected.py",),
    ),
    Mutant(
        "cpni: the rows of a batch share their draws",
        ((INJECTION, "draws = 1 if self._shared else len(inputs)", "draws = 1"),),
        T_INJECTION,
    ),
    Mutant(
        "cpni: the rows of a batch share the factor's draws",
        (
            (
                INJECTION,
                "_normals(self.alpha_f, draws, rank)",
                "_normals(self.alpha_f, 1, rank).expand(draws, -1)",
            ),
        ),
        T_INJECTION,
    ),
    Mutant(
        "cpni: the covariance as printed, L^T L",
        ((INJECTION, "self.alpha_f.to(z2.dtype).T", "self.alpha_f.to(z2.dtype)"),),
        T_INJECTION,
    ),
    Mutant(
        "cpni: the diagonal is not scaled by std",
        ((INJECTION, "(std * self.alpha_d).abs()", "(std * 0 + self.alpha_d).abs()"),),
        T_INJECTION,
    ),
    Mutant(
        "cpni: the diagonal's deviation follows std, not its variance",
        ((INJECTION, ".clamp(min=_LEAST).sqrt()", ".clamp(min=_LEAST)"),),
        T_INJECTION,
    ),
    Mutant(
        "cpni: activations by the deviation of the whole batch",
        (
            (
                INJECTION,
                "rows.float().std(dim=1, correction=0, keepdim=True)",
                "rows.float().std(correction=0)",
            ),
        ),
        T_INJECTION,
    ),
    Mutant(
        "cpni: the first convolution has no noisy weights beside noisy activations",
        (
            (
                "rs_core/models/injected_networks.py",
                "sizes.get(name) if name != convolutions[0] else None",
                "sizes.get(name)",
            ),
        ),
        T_INJECTION,
    ),
    Mutant(
        "cpni: the input's noise is fixed",
        ((INJECTION, "values + self.strength * _n", "values + self.strength.detach() * _n"),),
        T_INJECTION,
    ),
    Mutant(
        "cpni: loading draws from the process's generators",
        (
            (
                "rs_core/models/pricing.py",
                "if injects_noise(network) else nullcontext()",
                "if False else nullcontext()",
            ),
        ),
        T_INJECTION,
    ),
    Mutant(
        "noise_injection: the process's generators decide",
        (
            (
                "rs_core/training/state.py",
                "with self.view.own_noise(generator), self.autocast():",
                "with self.autocast():",
            ),
        ),
        T_NOISE_TRAINING,
    ),
    Mutant(
        "noise_injection: assigned sigmas hang on the process's generators",
        (("rs_core/training/per_image/sigmas.py", "network.own_noise(generator), ", ""),),
        T_NOISE_TRAINING,
    ),
    Mutant(
        "noise_injection: every step has the same noise",
        (
            (
                "rs_core/training/view.py",
                "with fixed_chance(int(seed), generator.device):",
                "with fixed_chance(0, generator.device):",
            ),
        ),
        T_NOISE_TRAINING,
    ),
    Mutant(
        "epgd averages probabilities, not gradients of losses",
        (
            (
                "rs_core/training/recipes/adversarial.py",
                'expectation="loss"',
                'expectation="probability"',
            ),
        ),
        T_NOISE_TRAINING,
    ),
    Mutant(
        "epgd follows one copy's gradient",
        (
            (
                "rs_core/training/recipes/adversarial.py",
                "noise=batch.noise_planes(),",
                "noise=batch.noise_planes()[:, :1],",
            ),
        ),
        T_NOISE_TRAINING,
    ),
    Mutant(
        "gauss: the share that is attacked is the other one",
        (
            (
                "rs_core/training/recipes/noise_injection.py",
                "share < self.attacked_share",
                "share > self.attacked_share",
            ),
        ),
        T_NOISE_TRAINING,
    ),
    Mutant(
        "gauss: one coin for the whole batch",
        (
            (
                "rs_core/training/recipes/noise_injection.py",
                "torch.rand(len(batch), generator",
                "torch.rand(1, generator",
            ),
        ),
        T_NOISE_TRAINING,
    ),
    Mutant(
        "votes: NaN is class 0",
        ((BALLOTS, "np.isfinite(logits).all(axis=-1)", "np.ones(logits.shape[:2], bool)"),),
        T_STUDIES,
    ),
    Mutant(
        "votes: the last index wins a tie among copies' places",
        ((BALLOTS, 'np.argsort(-logits, axis=-1, kind="stable")', "logits.argsort()[..., ::-1]"),),
        T_STUDIES,
    ),
    Mutant(
        "studies: every M counts all copies",
        (("rs_core/experiments/studies/attacks.py", "rule(logits[:, :count])", "rule(logits)"),),
        T_STUDIES,
    ),
    Mutant(
        "studies: misclassified images are spared",
        (("rs_core/experiments/studies/attacks.py", "spare=False", "spare=True"),),
        T_STUDIES,
    ),
    Mutant(
        "studies: an abstention counts as right where the top class is",
        (
            (
                "rs_core/experiments/studies/pipelines.py",
                "Finished([one.predicted for one in said])",
                "Finished([int(np.argmax(one.counts)) for one in said])",
            ),
        ),
        T_STUDIES,
    ),
    Mutant(
        "transfer: an abstention is not lost",
        (
            (
                f"{ATTACKS}/transfer.py",
                "[one.predicted != image.label for image",
                "[one.predicted not in (None, image.label) for image",
            ),
        ),
        (f"{_TRIED}/test_planted.py",),
    ),
    Mutant(
        "studies: images are judged as they were",
        (
            (
                "rs_core/experiments/studies/attacks.py",
                "torch.from_numpy(result.adversarial))",
                "torch.from_numpy(image.pixels))",
            ),
        ),
        T_STUDIES,
    ),
    Mutant(
        "studies: a selector network is attacked at a frozen sigma",
        (
            (
                "rs_core/experiments/studies/pipelines.py",
                'own["reselect"] = 1',
                'own["reselect"] = 0',
            ),
        ),
        T_STUDIES,
    ),
    Mutant(
        "attack: what it believes counts as confirmed",
        (
            (
                CONFIRMATION,
                "    if said.predicted is None:\n",
                "    if result.success:\n        return True\n    if said.predicted is None:\n",
            ),
        ),
        T_CONFIRMATION,
    ),
    Mutant(
        "attack: confirmed on its own noise",
        (
            (
                "rs_core/seeding.py",
                "    digest = blake2b(digest_size=size)\n",
                "    if path[:1] in (('attack',), ('confirm',)):\n        path = ()\n"
                "    digest = blake2b(digest_size=size)\n",
            ),
            (PREDICTING, 'stage="predict"', 'stage="select"'),
        ),
        T_CONFIRMATION,
    ),
    Mutant(
        "attack: every PREDICT at the whole level",
        ((CONFIRMATION, "return self.alpha / self.confirmations", "return self.alpha"),),
        T_CONFIRMATION,
    ),
    Mutant(
        "attack: a majority is confirmed without a test",
        ((PREDICTING, "sure = p_value <= level and", "sure ="),),
        T_CONFIRMATION,
    ),
    Mutant(
        "attack: lambda of uniform noise is taken for a sigma",
        (("rs_core/attacks/base.py", "check_gaussian(self.selector)", "pass"),),
        ("tests/attacks/test_settings.py",),
    ),
    Mutant(
        "attack: any class counts for a class to reach",
        ((CONFIRMATION, "if result.goal is not None:", "if False:"),),
        T_CONFIRMATION,
    ),
    Mutant(
        "attack: the 8-bit copy inherits confirmation",
        ((CONFIRMATION, "stored_confirmed=_flips(judged[i], one)", "stored_confirmed=True"),),
        T_CONFIRMATION,
    ),
    Mutant(
        "attack: steps are not projected",
        (
            (
                "rs_core/attacks/loop.py",
                "self.ball.project(torch.addcmul(points, per_image(length), uphill))",
                "torch.addcmul(points, per_image(length), uphill).clamp_(0, 1)",
            ),
        ),
        T_ATTACKS,
    ),
    Mutant(
        "attack: towards the label, away from the target",
        (
            (
                "rs_core/attacks/objective.py",
                "return entropy if self.targets is None else -entropy",
                "return -entropy if self.targets is None else entropy",
            ),
        ),
        T_ATTACKS,
    ),
    Mutant(
        "attack: the gradient through a dilated convolution forgets the dilation",
        ((THIN, "shift = tap * dilation - padding", "shift = tap - padding"),),
        T_THIN,
    ),
    Mutant(
        "attack: fresh draws are the same in every step",
        (
            (
                f"{ATTACKS}/targets.py",
                "step = step if self.fresh or purpose != ASCEND else 0",
                "step = 0",
            ),
        ),
        T_ATTACKS,
    ),
    Mutant(
        "attack: judged on the noise that was climbed",
        (
            (
                f"{ATTACKS}/targets.py",
                "seeds = block_seeds(self.seeds[image], purpose,",
                "seeds = block_seeds(self.seeds[image], ASCEND,",
            ),
        ),
        T_ATTACKS,
    ),
    Mutant(
        "sampling: noise one per cent weaker than named",
        ((NOISE, "scale = STEPS * sigma", "scale = STEPS * sigma * 0.99"),),
        T_SMOOTHING,
    ),
    Mutant(
        "sampling: all images of one run share their noise",
        ((SAMPLING, "path = caller, image.digest,", 'path = caller, "",'),),
        T_SMOOTHING,
    ),
    Mutant(
        "sampling: every look draws the first blocks again",
        ((SAMPLING, "n, size), start // size", "n, size), 0"),),
        T_SMOOTHING,
    ),
    Mutant(
        "sampling: draws that name a class certify it, too",
        ((SAMPLING, "_STAGES.index(stage) *", "max(_STAGES.index(stage), 2) *"),),
        T_SMOOTHING,
    ),
    Mutant(
        "exact: noise is cut off, not rounded",
        ((NOISE, "z * scale).round_()", "z * scale).floor_()"),),
        T_SMOOTHING,
    ),
    Mutant(
        "exact: pixels stay off the grid",
        ((NOISE, "in_steps(image.pixels)", "(STEPS * image.pixels)"),),
        T_SMOOTHING,
    ),
    Mutant(
        "two-sided: INVALID is no other class",
        (
            (
                BOUNDS,
                "n_other = votes.max(axis=-1, where=~is_top, initial=0.0)",
                "n_other = votes[..., :-1].max(axis=-1, where=~is_top[..., :-1], initial=0.0)",
            ),
        ),
        (*T_BOUNDS, *T_SMOOTHING),
    ),
    Mutant(
        "PREDICT with a one-sided test",
        ((BOUNDS, "np.minimum(1.0, 2.0 * tail)", "np.minimum(1.0, tail)"),),
        (*T_BOUNDS, *T_SMOOTHING),
    ),
    Mutant(
        "sequential: stops at 1/(2 alpha)",
        (
            (
                ANYTIME,
                'threshold = -float(np.log(as_probability("alpha", alpha)))',
                'threshold = -float(np.log(2 * as_probability("alpha", alpha)))',
            ),
        ),
        (*T_BOUNDS, *T_SMOOTHING),
    ),
    Mutant(
        "sequential: futility looks at the other side",
        (
            (
                ANYTIME,
                "log_e_value_below(n_top, n, p0) >=",
                "log_e_value_below(n_top, n, 1 - p0) >=",
            ),
        ),
        (*T_BOUNDS, *T_SMOOTHING),
    ),
    Mutant(
        "sequential: the radius is that of an n fixed beforehand",
        (
            (
                SEQUENTIAL,
                "p_lower = float(anytime_lower_bound(int(counts[label]) if valid else 0, drawn, "
                "self.alpha))",
                "from rs_core.statistics import lower_confidence_bound\n"
                "        p_lower = float(lower_confidence_bound(int(counts[label]) if valid else "
                "0, drawn, self.alpha))",
            ),
        ),
        T_SMOOTHING,
    ),
    Mutant(
        "sweep: the best sigma is certified at a point's level",
        (
            (
                SWEEP,
                "np.array([[top.sigma]]), self.alpha,",
                "np.array([[top.sigma]]), self.point_alpha,",
            ),
        ),
        T_SMOOTHING,
    ),
    Mutant(
        "sweep: the best sigma keeps the votes that chose it",
        ((SWEEP, 'caller="sweep", part=1,', 'caller="sweep", part=0,'),),
        T_SMOOTHING,
    ),
    Mutant(
        "sentence: the radius is rounded to nearest",
        ((STATEMENTS, "{floor_decimals(radius, 3)} (pixels", "{radius:.3f} (pixels"),),
        T_SMOOTHING,
    ),
    Mutant(
        "sentence: the risk is rounded to nearest",
        ((STATEMENTS, "risk = ceil_digits(alpha, 3)", 'risk = f"{alpha:.3g}"'),),
        T_SMOOTHING,
    ),
    Mutant(
        "grid_minimum: a pick one per cent off the declared ones",
        (
            (
                GRID_MINIMUM,
                "np.isclose(selection.sigma, self.sigmas, rtol=1e-9,",
                "np.isclose(selection.sigma, self.sigmas, rtol=1e-2,",
            ),
        ),
        T_GUARANTEES,
    ),
    Mutant(
        "grid_minimum: a range one per cent off the selector's",
        (
            (
                "rs_core/experiments/pairs.py",
                "np.isclose(sigma, guarantee.sigmas, rtol=1e-9,",
                "np.isclose(sigma, guarantee.sigmas, rtol=1e-2,",
            ),
        ),
        ("tests/experiments/test_compare.py",),
    ),
    Mutant(
        "grid_minimum: a sigma one per cent off its grid is certified",
        (
            (
                GRID_MINIMUM,
                "sigmas = np.tile(self.sigmas, ",
                "sigmas = 1.01 * np.tile(self.sigmas, ",
            ),
        ),
        T_MINIMUM,
    ),
    Mutant(
        "grid_minimum: bounds from the draws that named the class",
        (
            (
                GRID_MINIMUM,
                "self.fresh(classifier, images, sigmas, self.alpha, seed=seed, "
                "batch_size=batch_size)",
                "_from_n0(self, classifier, images, sigmas, seed, batch_size)",
            ),
            (GRID_MINIMUM, "", _FROM_N0),
        ),
        T_MINIMUM,
    ),
    Mutant(
        "dual: bounds from the draws that named the class",
        (
            (DUAL, "            self.fresh(\n", "            _from_n0(\n                self,\n"),
            (
                DUAL,
                "                self.alpha,\n                seed=seed,",
                "                seed=seed,",
            ),
            (DUAL, "", _FROM_N0),
        ),
        T_MINIMUM,
    ),
    Mutant(
        "dual: the largest sigma within reach is left out",
        ((DUAL, "if low <= sigma <= high)", "if low <= sigma < high or sigma == low)"),),
        T_MEDIAN,
    ),
    Mutant(
        "dual: the smallest sigma within reach is left out",
        ((DUAL, "if low <= sigma <= high)", "if low < sigma <= high or sigma == high)"),),
        T_MINIMUM,
    ),
    Mutant(
        "two-sided: each side at alpha",
        ((BOUNDS, 'as_probability("alpha", alpha) / 2', 'as_probability("alpha", alpha)'),),
        ("tests/statistics/test_bounds.py",),
    ),
    Mutant(
        "training: copies pay for more than they disagree about",
        ((CONSISTENCY, "self.agreement * (cross - entropy)", "self.agreement * cross"),),
        T_LOSSES,
    ),
    Mutant(
        "training: a mean softmax that is certain costs more",
        ((CONSISTENCY, "+ self.entropy_weight * entropy", "- self.entropy_weight * entropy"),),
        T_LOSSES,
    ),
    Mutant(
        "probes: the most that could be certified is of the named class alone",
        (
            (
                "rs_core/training/probes.py",
                "n_most = max(certificate.counts[:-1])",
                "n_most = certificate.n_top",
            ),
        ),
        ("tests/training/test_probes.py",),
    ),
    Mutant(
        "cascade: scales above the one that answers are not looked at",
        ((CASCADE_TERMS, "terms[k, :, k + 1 :] = silent[k + 1 :].T", "pass"),),
        T_CASCADE,
    ),
    Mutant(
        "cascade: the likeliest class itself is among the others that a scale must keep out",
        (
            (
                CASCADE_TERMS,
                "np.where(is_most, ordered[:, -2:-1]",
                "np.where(is_most, ordered[:, -1:]",
            ),
        ),
        T_CASCADE,
    ),
    Mutant(
        "cascade: any but the likeliest class, whoever that is, is kept out",
        (
            (
                CASCADE_TERMS,
                "ordered[:, -2:-1], ordered[:, -1:])",
                "ordered[:, -2:-1], ordered[:, -2:-1])",
            ),
        ),
        T_CASCADE,
    ),
    Mutant(
        "cascade: the runner-up of the n0 copies alone is kept out",
        (
            (
                CASCADE,
                "terms = cascade_terms(",
                "rivals = [int(np.argsort(np.delete(row, label))[-1]) for row in first]\n"
                "        rivals = [rival + (rival >= label) for rival in rivals]\n"
                "        upper = np.stack([np.where(np.isin(np.arange(len(row)), (rival, label)), "
                "row, 1e-9) for row, rival in zip(upper, rivals, strict=True)])\n"
                "        terms = cascade_terms(",
            ),
        ),
        T_CASCADE,
    ),
    Mutant(
        "cascade: alpha shared out among the scales",
        ((CASCADE, "votes.n, self.alpha)", "votes.n, self.alpha / len(self.sigmas))"),),
        T_CASCADE,
    ),
    Mutant(
        "cascade: INVALID is no other class",
        (
            (
                CASCADE,
                "upper = upper_confidence_bound(counts, votes.n, self.alpha)",
                "upper = upper_confidence_bound(counts, votes.n, self.alpha)\n"
                "        upper[:, -1] = 1e-9",
            ),
        ),
        T_CASCADE,
    ),
    Mutant(
        "cascade: bounds from the draws that named the scale",
        ((CASCADE, 'self.n, stage="certify", **drawn', 'self.n, stage="label", **drawn'),),
        T_CASCADE,
    ),
    Mutant(
        "cascade: PREDICT tests one side",
        (
            (
                f"{GUARANTEES}/cascade/predict.py",
                "2 * float(side) * len(counts)",
                "float(side) * len(counts)",
            ),
        ),
        (f"{_AT}/cascade/test_predict.py",),
    ),
    Mutant(
        "cascade: PREDICT forgets how many scales it asks",
        ((f"{GUARANTEES}/cascade/predict.py", "2 * float(side) * len(counts)", "2 * float(side)"),),
        (f"{_AT}/cascade/test_predict.py",),
    ),
    Mutant(
        "cascade: PREDICT asks the next scale where copies do not tell",
        (
            (
                f"{GUARANTEES}/cascade/predict.py",
                "                return scale, None, p_value\n            if is",
                "                continue\n            if is",
            ),
        ),
        (f"{_AT}/cascade/test_predict.py",),
    ),
    Mutant(
        "dual_rs: the radius of the class alone",
        ((DUAL_RS, "radius = min(own.radius, distance)", "radius = own.radius"),),
        T_DUAL_RS,
    ),
    Mutant(
        "dual_rs: the larger of the two radii",
        ((DUAL_RS, "radius = min(own.radius, distance)", "radius = max(own.radius, distance)"),),
        T_DUAL_RS,
    ),
    Mutant(
        "dual_rs: the picker certifies what its own votes say",
        (
            (
                DUAL_RS,
                "labels = np.array(places, dtype=np.int64)[:, None]",
                "labels = votes.counts.argmax(axis=-1)",
            ),
        ),
        T_DUAL_RS,
    ),
    Mutant(
        "dual_rs: the picker votes on draws that choose",
        ((DUAL_RS, 'picks", stage="certify"', 'picks", stage="select"'),),
        T_DUAL_RS,
    ),
    Mutant(
        "dual_rs: an expert of another sigma votes",
        ((DUAL_RS, "expert = self.experts[place]", "expert = self.experts[place - 1]"),),
        T_DUAL_RS,
    ),
    Mutant(
        "dual_rs: alpha halved",
        (
            (
                DUAL_RS,
                "bound_radii(self.bound, votes, labels, self.alpha)",
                "bound_radii(self.bound, votes, labels, self.alpha / 2)",
            ),
        ),
        T_DUAL_RS,
    ),
    Mutant(
        "dual_rs: PREDICT asks the class at the picker's noise",
        ((f"{GUARANTEES}/dual_rs/predict.py", "sigma=self.sigmas[pick.predicted]", "sigma=noise"),),
        T_DUAL_RS,
    ),
    Mutant(
        "radii: of the class with most votes, whatever the image's own",
        (
            (
                RADII_LABELS,
                "own = np.take_along_axis(counts, data.labels[rows][:, None, None], "
                "axis=-1)[..., 0]",
                "own = counts.max(axis=-1)",
            ),
        ),
        T_RADII,
    ),
    Mutant(
        "radii: a share of votes in place of its bound",
        (
            (
                RADII_LABELS,
                "lower = lower_confidence_bound(own, self.n, self.alpha)",
                "lower = own / (self.n + 1)",
            ),
        ),
        T_RADII,
    ),
    Mutant(
        "radii: of other images in the folder are taken",
        ((RADII_LABELS, "FILE_NAME.format(key[:16])", 'FILE_NAME.format("")'),),
        T_RADII,
    ),
    Mutant(
        "dual_rs: the temperature multiplies",
        ((DUAL_RS_RECIPE, "batch.targets / self.temperature", "batch.targets * self.temperature"),),
        ("tests/training/test_losses.py",),
    ),
    Mutant(
        "dual_rs: labels harder than the softmax of radii",
        (
            (
                DUAL_RS_RECIPE,
                "(batch.targets / self.temperature).softmax(dim=1)",
                "torch.nn.functional.one_hot(batch.targets.argmax(dim=1), "
                "batch.targets.shape[1]).float()",
            ),
        ),
        ("tests/training/test_losses.py",),
    ),
    Mutant(
        "dual_rs: copies have the labels of other images",
        (
            (
                DUAL_RS_RECIPE,
                "soft.repeat_interleave(batch.copies, dim=0)",
                "soft.repeat(batch.copies, 1)",
            ),
        ),
        ("tests/training/test_losses.py",),
    ),
    Mutant(
        "grid_minimum: the second smallest radius",
        (
            (
                GRID_MINIMUM,
                "weakest = min(row, key=lambda c: c.radius)",
                "weakest = sorted(row, key=lambda c: c.radius)[min(1, len(row) - 1)]",
            ),
        ),
        T_GUARANTEES,
    ),
    Mutant(
        "grid_minimum: a declared sigma is left out",
        (
            (
                GRID_MINIMUM,
                "sigmas = np.tile(self.sigmas, ",
                "sigmas = np.tile(self.sigmas[:-1] or self.sigmas, ",
            ),
        ),
        T_GUARANTEES,
    ),
    Mutant(
        "grid_minimum: sigmas that name different classes agree",
        (
            (
                GRID_MINIMUM,
                "agree = len({c.predicted for c in row}) == 1 and weakest",
                "agree = weakest",
            ),
        ),
        T_GUARANTEES,
    ),
    Mutant(
        "dual: the second smallest radius",
        (
            (
                DUAL,
                "weakest = min(row, key=lambda c: c.radius)",
                "weakest = sorted(row, key=lambda c: c.radius)[min(1, len(row) - 1)]",
            ),
        ),
        T_MEDIAN,
    ),
    Mutant(
        "dual: an even number of draws pays no beta",
        ((DUAL, "beta=self.beta,", "beta=self.beta if self.n_h % 2 else None,"),),
        T_MEDIAN,
    ),
    Mutant(
        "dual: h is not tried",
        ((DUAL, "        check_scalar(self.network, classifier)\n", ""),),
        T_MEDIAN,
    ),
    Mutant(
        "dual: h draws other noise than f",
        ((DUAL, "caller=self.name, noise=self.noise_kind,", "caller=self.name,"),),
        T_MEDIAN,
    ),
    Mutant(
        "median: who drifts is not found out",
        (
            (
                MEDIAN,
                "        if not agree(torch.from_numpy(found)",
                "        if False and not agree(torch.from_numpy(found)",
            ),
        ),
        T_MEDIAN,
    ),
    Mutant(
        "median: draws without an answer count as small ones",
        ((MEDIAN, "for end in (-np.inf, np.inf)", "for end in (-np.inf, -np.inf)"),),
        T_MEDIAN,
    ),
    Mutant(
        "median: one side of Dvoretzky, Kiefer and Wolfowitz",
        ((ORDER, "math.log(2 / float(", "math.log(1 / float("),),
        T_MEDIAN,
    ),
    Mutant(
        "median: the mean of the two in the middle",
        (
            (
                MEDIAN,
                "median=float(below[(count - 1) // 2]),",
                "median=float(np.median(below)),",
            ),
        ),
        T_MEDIAN,
    ),
    Mutant(
        "memory: points of radius 0 are no obstacles",
        (
            (
                SCAN,
                "wanted = np.flatnonzero(others & ",
                "others = others & (self._radii[: self.count] > 0)\n"
                "        wanted = np.flatnonzero(others & ",
            ),
        ),
        T_MEMORY,
    ),
    Mutant(
        "programme: radii are shrunk the wrong way",
        (
            (
                PROGRAMME,
                "room = overlaps.distance * (1 - SHRINK)",
                "room = overlaps.distance * (1 + SHRINK)",
            ),
        ),
        T_REGIONS,
    ),
    Mutant(
        "knn: squared distances",
        (
            (
                "rs_core/selectors/knn.py",
                "return float(exact.mean())",
                "return float((exact**2).mean())",
            ),
        ),
        ("tests/selectors",),
    ),
    Mutant(
        "knn: an image of the set leaves itself out",
        (
            (
                "rs_core/selectors/knn.py",
                "return float(exact.mean())",
                "return float(exact[exact > 0].mean())",
            ),
        ),
        ("tests/selectors",),
    ),
    Mutant(
        "compare: certified on the votes that chose",
        (
            (
                "rs_core/guarantees/base.py",
                'caller=f"{self.name} {settled}".strip(), guarantee=self.badge',
                'caller="grid", guarantee=self.badge',
            ),
            (SAMPLING, "_STAGES.index(stage) *", "(0 if stage == 'certify' else 3) *"),
        ),
        ("tests/experiments/test_compare.py", *T_GUARANTEES),
    ),
    Mutant(
        "sandwich: confirmed under its certificate's noise",
        (
            (
                "rs_core/attacks/predict.py",
                'caller="confirm", stage="predict"',
                'caller="certify", stage="certify"',
            ),
        ),
        (*T_SANDWICH, *T_CONFIRMATION),
    ),
    Mutant(
        "attack: an INVALID majority answers the next class",
        (
            (
                "rs_core/attacks/predict.py",
                "first, second = np.argsort(-counts, kind=",
                "first, second = np.argsort(-counts[:-1], kind=",
            ),
        ),
        T_CONFIRMATION,
    ),
    Mutant(
        "sukenik: the dimension is the number of pixels of one channel",
        (
            (
                "rs_core/guarantees/sukenik.py",
                "np.prod(classifier.spec.input_shape)",
                "np.prod(classifier.spec.input_shape[1:])",
            ),
        ),
        T_MOVING,
    ),
    Mutant(
        "missing PNG rows shown black",
        ((WHOLENESS, "    if missing > 0:\n", "    if False:\n"),),
        T_WHOLENESS,
    ),
    Mutant(
        "missing JPEG pixels shown grey",
        ((WHOLENESS, "if seen != {_fingerprint(image)}:", "if False:"),),
        T_WHOLENESS,
    ),
    Mutant(
        "missing JPEG scans not missed",
        ((WHOLENESS, "if not told.is_complete:", "if False:"),),
        T_WHOLENESS,
    ),
    Mutant(
        "missing JPEG restarts not missed",
        ((WHOLENESS, "if self.interval and restarts <", "if False and restarts <"),),
        T_WHOLENESS,
    ),
    Mutant(
        "pixels load after the metadata that swallows their failure",
        (
            (
                "rs_core/images/decoding.py",
                "    image.load()\n    turn, said = _turn(image, tags)",
                "    turn, said = _turn(image, tags)\n    image.load()",
            ),
        ),
        T_WHOLENESS,
    ),
    Mutant(
        "16-bit channels cut to their upper byte",
        (("rs_core/images/deep.py", "high += beyond > 128", "high += beyond > 255"),),
        ("tests/images/test_deep.py",),
    ),
    Mutant(
        "a log's reader forgets the shares of the two-sided bound",
        (
            (
                "rs_core/evaluation/scores.py",
                'return len(row.counts) if row.bound == "two-sided" else 1',
                "return 1",
            ),
        ),
        ("tests/evaluation/test_scores.py",),
    ),
    Mutant(
        "a log's reader infers alpha from anytime rows",
        (("rs_core/evaluation/scores.py", '"clopper-pearson", "two-sided"):', "row.bound):"),),
        ("tests/evaluation/test_scores.py",),
    ),
    Mutant(
        "the two-sided bound's level is said to be alpha",
        (
            (
                "rs_core/smoothing/options.py",
                'return alpha / 2 if bound == "two-sided" else alpha',
                "return alpha",
            ),
        ),
        ("tests/cli/outputs/test_origins.py",),
    ),
    Mutant(
        "a table is gone on from with other settings",
        (("rs_core/cli/outputs/resume.py", "        if there != here:", "        if False:"),),
        ("tests/cli/outputs/test_resume.py",),
    ),
    Mutant(
        "two commands write one table",
        (("rs_core/cli/outputs/growing.py", "if not lock_alone(file.fileno()):", "if False:"),),
        ("tests/cli/outputs/test_growing.py",),
    ),
    Mutant(
        "a result that was changed on disk is believed",
        ((f"{STORE}/documents.py", "if raw != _HEAD", "if not raw and raw != _HEAD"),),
        ("tests/store/test_damage.py",),
    ),
    Mutant(
        "a result that lost its checksum is believed",
        ((f"{STORE}/runs.py", "must_be_sealed=run.sealed", "must_be_sealed=False"),),
        ("tests/store/test_damage.py",),
    ),
    Mutant(
        "a damaged count of questions is none at all",
        ((f"{STORE}/questions.py", "return (folder / LOST).exists()", "return False"),),
        ("tests/store/test_questions.py",),
    ),
    Mutant(
        "a clock that is ahead for a moment is believed",
        ((f"{STORE}/calendar.py", "seen, believed = now, seen", "seen, believed = now, now"),),
        ("tests/store/test_calendar.py", "tests/store/limits/test_eviction.py"),
    ),
    Mutant(
        "insta's limits as printed: a step down may reach 0, one up jumps to the top",
        (
            (
                f"{PER_IMAGE}/insta.py",
                "(level[own] + move).clamp(1, self.levels)",
                "torch.where(move > 0, self.levels, level[own] + move)",
            ),
        ),
        T_PER_IMAGE,
    ),
    Mutant(
        "insta moves up where the next variance is worse",
        ((f"{PER_IMAGE}/insta.py", "radius[:, 0] < radius[:, 1]", "radius[:, 0] > radius[:, 1]"),),
        T_PER_IMAGE,
    ),
    Mutant(
        "insta moves up where the next variance answers another class",
        ((f"{PER_IMAGE}/insta.py", "right[:, 0] & right[:, 1] &", "right[:, 0] &"),),
        T_PER_IMAGE,
    ),
    Mutant(
        "the grid of pretrain_finetune without its ends",
        (
            (
                f"{PER_IMAGE}/pretrain_finetune.py",
                "interval=self.interval)",
                "interval=self.interval, ends=False)",
            ),
        ),
        T_PER_IMAGE,
    ),
    Mutant(
        "pretrain_finetune counts radii of wrong classes",
        (
            (
                f"{PER_IMAGE}/pretrain_finetune.py",
                "(radius * (answers == labels[:, None]).cpu())",
                "radius",
            ),
        ),
        T_PER_IMAGE,
    ),
    Mutant(
        "data_dependent goes down",
        (
            (
                f"{PER_IMAGE}/data_dependent.py",
                "(sigmas + self.step_size",
                "(sigmas - self.step_size",
            ),
        ),
        T_PER_IMAGE,
    ),
    Mutant(
        "sigmas ascend from the recipe's, not from where they were left",
        (
            (
                f"{PER_IMAGE}/sigmas.py",
                "batch, own[batch.rows], self._sigma",
                "batch, own[batch.rows] * 0 + self._sigma, self._sigma",
            ),
        ),
        T_PER_IMAGE,
    ),
    Mutant(
        "sigmas of other images are taken for these",
        (
            (
                "rs_core/training/checkpoints/sigma_file.py",
                "if digest != data_sha256:",
                "if False:",
            ),
        ),
        T_PER_IMAGE,
    ),
    Mutant(
        "the attack's radius forgets the image's sigma",
        (
            (
                "rs_core/training/recipes/smoothadv.py",
                "* self._warmth(batch.epoch) * batch.sigmas",
                "* self._warmth(batch.epoch)",
            ),
        ),
        ("tests/training/test_losses.py",),
    ),
)


def run_tests(home: Path, tests: tuple[str, ...]) -> tuple[bool, str]:
    """Whether the tests pass in `home`, and the first failure's line."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider"]
    # Hypothesis has no deadlines under CI: one that passes under load only would catch a mutant.
    calm = {**os.environ, "CI": "1"}
    found = subprocess.run([*command, *tests], cwd=home, capture_output=True, text=True, env=calm)
    failed = [line for line in found.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return found.returncode == 0, failed[0] if failed else found.stdout[-300:]


def apply(home: Path, mutant: Mutant) -> None:
    """Patch the copy; an empty old text appends."""
    for name, old, new in mutant.patches:
        path = home / name
        text = path.read_text(encoding="utf-8")
        if old not in text:
            raise SystemExit(f"{mutant.name}: the patch of {name} no longer applies")
        path.write_text(text.replace(old, new) if old else text + new, encoding="utf-8")


def main(words: list[str]) -> int:
    """0 when every mutant whose name holds one of the words (all, without words) is caught."""
    survivors = []
    chosen = [m for m in MUTANTS if not words or any(word in m.name for word in words)]
    with tempfile.TemporaryDirectory() as folder:
        every = dict.fromkeys(test for mutant in chosen for test in mutant.tests)
        for mutant in (Mutant("no mutant", (), tuple(every)), *chosen):
            home = Path(folder) / "copy"
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir()
            for part in PARTS:
                source = ROOT / part
                ignore = shutil.ignore_patterns("__pycache__")
                if source.is_dir():
                    shutil.copytree(source, home / part, ignore=ignore)
                else:
                    shutil.copy(source, home / part)
            apply(home, mutant)
            passed, detail = run_tests(home, mutant.tests)
            expected = not mutant.patches
            word = "ok" if passed == expected else "SURVIVED" if passed else "FAILS UNHARMED"
            print(f"{word:<10}{mutant.name:<48}{'' if passed else detail[:110]}", flush=True)
            if passed != expected:
                survivors.append(mutant.name)
    print(f"{len(chosen)} mutants, {len(survivors)} not as expected")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
