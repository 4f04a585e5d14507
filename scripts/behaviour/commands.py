"""What `rs COMMAND --json` prints, and the options that each command has."""

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rs_core.attacks import ATTACKS
from rs_core.cli import COMMANDS, main
from rs_core.guarantees import GUARANTEES
from rs_core.selectors import SELECTORS
from scripts.behaviour.files import write_answer

# A second network of the same size, for transfers.
SECOND = {"mnist-conv4": "mnist-conv4-s050", "cifar10-conv4": "cifar10-conv4-s025"}
IMAGES = {"mnist-conv4": ("digit-8", "digit-3"), "cifar10-conv4": ("cat", "dog")}
OF_EACH = {
    "certify": "--sigma 0.25 0.5 --n 500",
    "sweep": "--sigmas 0.12 0.25 0.5 --n 500",
    "select": "--selector multistart --selector-m 50 --guarantee frozen --n 500",
    "predict": "--sigma 0.25 --n 300",
    "attack": "--attack epgd --sigma 0.25 --draws 4 --steps 6 --eps 1 --confirm-n 300",
    "sandwich": "--sigma 0.25 --n 500 --steps 6 --draws 4 --rounds 3 --judged 32 --confirm-n 300",
    "transfer": "--sigma 0.25 --steps 5 --draws 2 --n 300 --eps 1",
    "regions allocate": "--selector fixed --n 500 --out regions-{place}.json",
}
SELECTIONS = {
    "fixed": "--selector-sigma 0.5",
    "grid": "--selector-interval 0.3 --selector-n 100",
    "greedy_grid": "--selector-evaluations 20 --selector-n 4",
    "gradient": "--selector-steps 10 --selector-step-size 0.01 --selector-n 8",
    "multistart": "--selector-levels 4 --selector-m 40",
    "multistart_uniform": "--selector-levels 4 --selector-m 40",
    "knn": "--selector-dataset mnist5k --selector-sigma-b 0.25 --selector-limit 500",
}
CLAIMS = {
    "global_sigma": "--selector fixed",
    "grid_minimum": "--selector multistart --selector-levels 3 --selector-m 40",
    "frozen": "--selector gradient --selector-steps 5 --selector-n 4",
    "regions": "--selector multistart --selector-m 40 --mode strict",
    "memory": "--selector multistart --selector-m 40",
    "sukenik": "--selector knn --selector-dataset mnist5k --selector-sigma-b 0.25",
    "global_lambda": "--selector fixed",
    "frozen_lambda": "--selector gradient --selector-norm l1 --selector-steps 5",
}
ASSAULTS = {
    "fgsm": "--eps 0.2",
    "pgd": "--steps 5 --restarts 2 --targets 2 --loss margin",
    "epgd": "--steps 5 --draws 4 --norm linf --eps 0.1 --check",
    "ddn": "--steps 10",
    "cw": "--steps 10 --rounds 2",
    "minimal": "--steps 8 --draws 4 --rounds 3 --judged 32",
    "square": "--queries 60 --eps 0.3",
    "gaussian": "--eps 3 --tries 5 --sigma 0.25",
}
MORE = {
    "certify idealised": "certify --sigma 0.25 --n 500 --noise idealised --bound two-sided",
    "certify sequential": "certify --sigma 0.25 --n 20000 --target-radius 0.3",
    "certify set": "certify --sigma 0.25 --n 300 --dataset mnist5k --split train --limit 3",
    "sweep idealised": "sweep --sigmas 0.25 0.5 --n 300 --noise idealised --no-simultaneous",
    "predict set": "predict --sigma 0.25 --n 200 --dataset mnist5k --split train --limit 3",
    "predict idealised": "predict --sigma 0.5 --n 300 --noise idealised",
    "select set": "select --selector multistart_uniform --selector-levels 3 --selector-m 30 "
    "--guarantee memory --n 200 --dataset mnist5k --split train --limit 3",
    "attack pipeline": "attack --attack epgd --selector multistart --selector-levels 3 "
    "--selector-m 30 --reselect 1 --steps 3 --draws 2 --confirm-n 100 --eps 2",
    "attack target": "attack --attack pgd --target 3 --steps 5 --eps 4",
    "sandwich pipeline": "sandwich --selector multistart --selector-levels 3 --selector-m 30 "
    "--pipeline --n 300 --steps 3 --draws 2 --rounds 2 --judged 16 --confirm-n 100",
    "sandwich square": "sandwich --sigma 0.5 --attack square --n 300 --steps 20 --rounds 2 "
    "--judged 16 --confirm-n 100",
    "sandwich bisection": "sandwich --sigma 0.5 --attack bisection --n 300 --steps 3 --draws 2 "
    "--rounds 2 --judged 16 --confirm-n 100",
    "regions set": "regions allocate --selector multistart --selector-levels 3 --selector-m 30 "
    "--mode label_aware --n 200 --dataset mnist5k --split train --limit 3 --out regions-set.json",
    "regions check": "regions check regions-set.json",
    "regions show": "regions show regions-set.json",
    "listed models": "models",
    "listed sets": "datasets",
    "refused name": "select --selector nothing --image digit-8",
    "refused number": "certify --sigma -1 --image digit-8",
    "refused option": "attack --colour red",
    "refused command": "colour",
}
_PLAIN = ("regions check", "regions show", "models", "datasets", "colour", "attack --colour")


def record_commands(folder: Path) -> None:
    """Write what each command of the tables prints."""
    for name, words in _commands():
        out, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            code = main(words)
        answer = {"command": " ".join(words), "code": code, "complaint": errors.getvalue()}
        write_answer(folder / f"{name.replace(' ', '-')}.json", answer | {"out": _read(out)})


def record_help(folder: Path) -> None:
    """Write what `--help` prints, with the options that each choice brings along."""
    asked = {name: name for name in ("", *COMMANDS)}
    asked |= {f"select {name}": f"select --selector {name}" for name in SELECTORS}
    asked |= {f"select {name}": f"select --guarantee {name}" for name in GUARANTEES}
    asked |= {f"attack {name}": f"attack --attack {name}" for name in ATTACKS}
    folder.mkdir(parents=True)
    for name, words in asked.items():
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
            main([*words.split(), "--help"])
        (folder / f"{name.replace(' ', '-') or 'rs'}.txt").write_text(out.getvalue(), "utf-8")


def _commands() -> Iterator[tuple[str, list[str]]]:
    for command, options in OF_EACH.items():
        for model, images in IMAGES.items():
            for image in images:
                words = f"{command} {options.format(place=image)} --image {image}"
                if command == "transfer":
                    words += f" --sources {model} --targets {SECOND[model]} {model}"
                else:
                    words += f" --model {model}"
                yield f"{command} {image}", _machine(words)
    one = "--image digit-8"
    for name in SELECTORS:
        options = SELECTIONS.get(name, "")
        yield f"select by {name}", _machine(f"select --selector {name} {options} {one}")
    for name in GUARANTEES:
        options = CLAIMS.get(name, "--selector fixed")
        words = f"select {options} --guarantee {name} --n 500 {one}"
        yield f"select for {name}", _machine(words)
    for name in ATTACKS:
        options = ASSAULTS.get(name, "")
        yield f"attack with {name}", _machine(f"attack --attack {name} {options} {one}")
    for name, words in MORE.items():
        alone = "--dataset" in words or "--image" in words
        yield (
            name,
            words.split()
            if words.startswith(_PLAIN)
            else _machine(words if alone else f"{words} {one}"),
        )


def _machine(words: str) -> list[str]:
    return f"{words} --seed 5 --precision fp32 --device cpu --json".split()


def _read(out: io.StringIO) -> Any:
    try:
        return json.loads(out.getvalue())
    except ValueError:
        return out.getvalue().splitlines()
