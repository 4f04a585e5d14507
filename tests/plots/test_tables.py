import dataclasses
from collections.abc import Callable

from rs_core.plots.style import BADGES, NOTHING
from rs_core.plots.tables import (
    certificate_statement,
    certificate_table,
    provenance,
)
from rs_core.results import Certificate

MakeCertificate = Callable[..., Certificate]


def test_rows_floor_the_radius_and_show_the_badge(make: MakeCertificate) -> None:
    made = make((10, 980, 10, 0), radius=0.41299999, guarantee="C")
    table = certificate_table("caption", "image", ["a.png"], [made], ["x", "y", "z"])
    row = dict(zip(table.header, table.rows[0], strict=True))
    assert row["image"] == "a.png"
    assert row["certified class"] == "class 1 (y)"
    assert row["radius (l2)"] == "0.412"
    assert row["guarantee"] is BADGES["C"]
    assert row["votes"] == "980"
    assert row["n"] == "1,000"
    assert float(str(row["lower bound of p"])) <= made.p_lower
    assert "why it abstains" not in row


def test_an_abstention_is_shown_as_one(make: MakeCertificate) -> None:
    silent = make((400, 300, 300, 0))
    table = certificate_table("c", "image", ["a", "b"], [make(), silent], ())
    loud_row, silent_row = (dict(zip(table.header, r, strict=True)) for r in table.rows)
    assert silent_row["certified class"] == "abstains"
    assert silent_row["radius (l2)"] == "-"
    assert silent_row["guarantee"] is NOTHING
    assert "no class got more than half" in str(silent_row["why it abstains"])
    assert loud_row["why it abstains"] == ""


def test_statements_carry_their_own_badge(make: MakeCertificate) -> None:
    made = make(guarantee="B")
    assert certificate_statement(made) == ("B", made.statement)
    assert certificate_statement(made, "a.png") == ("B", f"a.png: {made.statement}")
    assert certificate_statement(make((400, 300, 300, 0))).badge is None


def test_provenance_lists_each_value_once(make: MakeCertificate) -> None:
    certificates = [make(), make(), dataclasses.replace(make(), image_digest="digest-2")]
    found = provenance(certificates)
    assert found["image_digest"] == ["digest-1", "digest-2"]
    assert found["weights_id"] == ["weights-1"]
    assert found["preprocessing"] == [("decoded", "resized to 28x28")]


def test_a_row_names_the_noise_level_whose_votes_it_shows(make: MakeCertificate) -> None:
    weakest = dataclasses.replace(make(), sigma=0.5, counted_at=0.25)
    table = certificate_table("", "image", ["a", "b"], [weakest, make()], ["a", "b", "c"])
    assert [row[4] for row in table.rows] == ["0.5 (votes at 0.25)", f"{make().sigma:g}"]
    assert provenance([weakest])["counted_at"] == [0.25]
