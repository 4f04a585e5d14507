"""Every sentence that claims something about chance names the simulation that counts its errors."""

import ast
import tomllib

import pytest

from tests.claims import CLAIM, ROOT, claims, sentences

REGISTER = tomllib.loads((ROOT / "tests" / "claims.toml").read_text(encoding="utf-8"))
FOUND = list(claims())
SIMULATED = {
    sentence: tuple(entry["by"])
    for entry in REGISTER["simulated"]
    for sentence in entry["sentences"]
}
TESTS = sorted({test for tests in SIMULATED.values() for test in tests})


@pytest.mark.parametrize("wing", sorted({file.rpartition("/")[0] for file, _ in FOUND}))
def test_every_claim_has_a_simulation_or_a_reason(wing: str) -> None:
    own = [sentence for file, sentence in FOUND if file.rpartition("/")[0] == wing]
    assert not [s for s in own if s not in SIMULATED and s not in REGISTER["explained"]]


def test_the_register_names_no_sentence_that_is_gone() -> None:
    printed = {sentence for _, sentence in FOUND}
    assert not {*SIMULATED, *REGISTER["explained"]} - printed
    assert not SIMULATED.keys() & REGISTER["explained"].keys()


@pytest.mark.parametrize("test", TESTS)
def test_a_simulation_is_there(test: str) -> None:
    file, _, name = test.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(
    "planted",
    [
        "x = f'no change can alter this; P(it is false) \u2264 {alpha}'",
        "x = 'all radii hold together'",
        "x = 'it holds ' + 'against anyone'",
        "say(f'false with probability {p}')",
    ],
)
def test_a_planted_claim_is_found(planted: str) -> None:
    (sentence,) = sentences(ast.parse(planted))
    assert CLAIM.search(sentence)
    assert sentence not in SIMULATED
    assert sentence not in REGISTER["explained"]


@pytest.mark.parametrize(
    "silent", ["raise E('probability above 1')", "param(1, help='probability of x')"]
)
def test_errors_and_options_claim_nothing(silent: str) -> None:
    assert not [s for s in sentences(ast.parse(silent)) if CLAIM.search(s)]
