"""Plant a known error in the certifier and show that a test catches it: `make mutants`.

Each mutant is applied to a copy of the project; the named tests must fail on it. A mutant that
survives, or a patch that no longer applies, fails the campaign. First the tests run unharmed.
"""

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
CLASSIFIERS, PREPARATION = "rs_core/classifiers.py", "rs_core/preparation.py"
CERTIFY, SWEEP = "rs_core/smoothing/certify.py", "rs_core/smoothing/sweep.py"
T_BOUNDS = ("tests/statistics",)
T_SMOOTHING = ("tests/smoothing", "tests/test_classifiers.py")

_HEAD = "\n\ndef lower_confidence_bound(n_top, n, alpha):  # mutant\n    import scipy.stats as st\n"
_HEAD += "    k, z = np.asarray(n_top, float), st.norm.isf(alpha)\n    p = k / n\n"


def bad_bound(name: str, formula: str) -> Mutant:
    """A mutant that replaces the Clopper-Pearson bound by `formula`."""
    body = f"    low = {formula}\n    low = np.where(k == 0, 0.0, np.clip(low, 0.0, 1 - 1e-12))\n"
    ending = "    return float(low) if low.ndim == 0 else low\n"
    return Mutant(name, ((BOUNDS, "", _HEAD + body + ending),), T_BOUNDS)


MUTANTS = (
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
        ((SAMPLING, "min(size, n - offset), block_seed)", "min(size, n - offset), base)"),),
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
        "train-mode batch norm",
        (
            (
                PREPARATION,
                "network.cpu().float().eval()",
                "network.cpu().float().train()",
            ),
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
                "torch.add(pixels, z, alpha=s)",
                "torch.add(pixels if classifier._scale is None else torch.addcmul("
                "classifier._shift, pixels, classifier._scale), z, alpha=s)",
            ),
        ),
        T_SMOOTHING,
    ),
    Mutant(
        "x cast to bf16 before the noise",
        (
            (
                SAMPLING,
                "torch.add(pixels, z, alpha=s)",
                "torch.add(pixels.bfloat16().float(), z, alpha=s)",
            ),
        ),
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
        "rigorous mode draws float32",
        ((SAMPLING, "torch.float64 if precise else torch.float32", "torch.float32"),),
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
        T_SMOOTHING,
    ),
    Mutant(
        "batch-mates are not checked",
        (("rs_core/probing.py", "for mate in mates[1:]:", "for mate in mates[1:1]:"),),
        T_SMOOTHING,
    ),
    Mutant(
        "padding rows of the last block vote",
        ((SAMPLING, "(_stacked(noisy, padding))[:rows]", "(_stacked(noisy, padding))[-rows:]"),),
        T_SMOOTHING,
    ),
)


def run_tests(home: Path, tests: tuple[str, ...]) -> tuple[bool, str]:
    """Whether the tests pass in `home`, and the first failure's line."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider"]
    found = subprocess.run([*command, *tests], cwd=home, capture_output=True, text=True)
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
        for mutant in (Mutant("no mutant", (), (*T_BOUNDS, *T_SMOOTHING)), *chosen):
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
