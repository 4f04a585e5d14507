"""The campaign is long and seldom run: at least its patches must fit the code as it stands."""

import pytest

from tests.mutants import MUTANTS, ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_still_applies(mutant: Mutant) -> None:
    for file, old, new in mutant.patches:
        text = (ROOT / file).read_text(encoding="utf-8")
        assert old in text
        assert old != new
    assert all((ROOT / test).exists() for test in mutant.tests)
