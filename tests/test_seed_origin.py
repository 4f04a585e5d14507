import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from rs_core.results import Certificate, RadiusCurve, Selection, from_json, to_json
from rs_core.seed_origin import with_seed_origin
from tests.results.test_core import CERTIFICATE

SILENT = replace(CERTIFICATE, predicted=None, radius=0.0, seed=2**64 - 1)


class Pair(NamedTuple):
    one: Certificate
    other: int


@dataclass(frozen=True, eq=False)
class Nest:
    rows: tuple[Certificate, ...]
    more: dict[str, Pair]
    pixels: np.ndarray


def nest() -> Nest:
    return Nest((CERTIFICATE, SILENT), {"pair": Pair(CERTIFICATE, 3)}, np.zeros(3))


def test_a_given_seed_is_named_in_every_sentence_wherever_it_lies() -> None:
    before = nest()
    told = with_seed_origin(before, given=True)
    assert [c.seed_given for c in (*told.rows, told.more["pair"].one)] == [True] * 3
    claim = " \u00b7 seed 0 given: the risk holds for an image that was chosen without it"
    assert told.rows[0].statement == CERTIFICATE.statement + claim
    assert told.more["pair"].one.statement.endswith(claim)
    assert told.more["pair"].other == 3
    assert told.pixels is before.pixels


def test_an_abstention_and_an_older_answer_claim_no_risk() -> None:
    told = with_seed_origin((SILENT, replace(CERTIFICATE, p_lower=math.nan)), given=True)
    assert told[0].statement.endswith(f"seed {2**64 - 1} given")
    assert told[1].statement.endswith("seed 0 given")


def test_a_drawn_seed_leaves_the_sentence_as_it_is() -> None:
    told = with_seed_origin(RadiusCurve((CERTIFICATE,), 0.1, True, best=SILENT), given=False)
    assert (told.certificates[0].seed_given, told.best.seed_given) == (False, False)
    assert told.certificates[0].statement == CERTIFICATE.statement


def test_what_was_said_stays_said() -> None:
    told = with_seed_origin(CERTIFICATE, given=True)
    assert with_seed_origin(told, given=False) is told
    assert with_seed_origin("text", given=True) == "text"


def test_a_selection_is_told_its_seed() -> None:
    selection = Selection("grid", 0.25, (), 10)
    assert with_seed_origin(selection, given=True) is selection
    told = with_seed_origin(selection, given=True, seed=7)
    assert (told.seed, told.seed_given) == (7, True)


def test_results_of_older_versions_do_not_say() -> None:
    data = to_json(CERTIFICATE)
    del data["seed_given"]
    assert from_json(Certificate, data).seed_given is None


def test_64_bits_go_through_json_whole() -> None:
    import json

    told = with_seed_origin(SILENT, given=False)
    assert from_json(Certificate, json.loads(json.dumps(to_json(told)))) == told
