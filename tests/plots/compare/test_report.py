import dataclasses
import re

from rs_core.plots import comparison_report
from rs_core.plots.compare.tables import image_table, oracle_table, promise, score_tables
from rs_core.plots.text import index_text, radius_text
from rs_core.results.comparison import Comparison, best_fixed_sigma, method_scores


def text_of(document: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", document))


def test_badges_never_share_a_table(comparison: Comparison) -> None:
    (first, certified), (second, frozen) = score_tables(comparison)
    assert (first, second) == ("A", "C")
    assert certified.caption.startswith("A Certified: 3 images of mnist5k, index 0, 25, 50")
    assert frozen.caption.startswith("C Fixed sigma: 3 images of mnist5k, index 0, 25, 50")
    assert [row[0] for row in certified.rows] == ["fixed", "multistart, grid minimum"]
    assert [row[0] for row in frozen.rows] == ["grid", "multistart"]


def test_a_row_holds_the_scores_of_its_method_alone(comparison: Comparison) -> None:
    score = method_scores(comparison)[0]
    row = score_tables(comparison)[1][1].rows[0]
    assert row == ("grid", radius_text(score.acr), "33.3%", "1", "30", "1.5", "0.001")


def test_scores_need_labels(comparison: Comparison) -> None:
    unknown = dataclasses.replace(comparison, labels=(1, None, 1))
    assert score_tables(unknown)[0][1].rows[0][1:3] == ("-", "-")


def test_the_oracle_stands_apart(comparison: Comparison) -> None:
    table = oracle_table(comparison)
    assert table is not None
    assert table.caption.startswith("Seen afterwards, not certificates")
    assert table.rows[0][0] == f"best single σ, {best_fixed_sigma(comparison)[0]:g} for all"
    assert table.header[1] == "mean radius, pixels of [0,1]"
    one_unknown = (None, *comparison.labels[1:])
    loose = oracle_table(dataclasses.replace(comparison, labels=one_unknown))
    assert loose is not None
    assert "any counts" in loose.header[1]
    assert oracle_table(dataclasses.replace(comparison, curves=())) is None


def test_the_index_set_is_exact(comparison: Comparison) -> None:
    def words(indices: tuple[int, ...], dataset: str = "digits") -> str:
        return index_text(dataclasses.replace(comparison, indices=indices, dataset=dataset))

    assert words((4,)) == "1 image of digits, index 4"
    assert words(tuple(range(0, 5000, 50))).endswith("index 0, 50, ..., 4950 in steps of 50")
    uneven = (*range(30), 99)
    assert words(uneven).endswith(", ".join(map(str, uneven)))
    uneven_short = dataclasses.replace(comparison, indices=uneven)
    assert index_text(uneven_short, short=True).endswith("0, 1, 2, ..., 99 (uneven steps)")
    assert words((0, 1), "") == "2 single pictures"


def test_every_image_says_what_each_method_did(comparison: Comparison) -> None:
    table = image_table(comparison, ("a", "b", "c"))
    wrong = radius_text(comparison.methods[0].certificates[1].radius)
    assert table.header[:3] == ("image", "index", "true class")
    assert [row[3] for row in table.rows][1:] == [
        f"σ 0.5: {wrong}, wrong class",
        "σ 0.12: abstains",
    ]
    assert table.rows[0][2] == "class 1 (b)"


def test_the_report_claims_each_method_by_itself(comparison: Comparison) -> None:
    document = comparison_report(
        comparison, class_names=("a", "b", "c"), notes=["Network: stub."], settings={"n": 5}
    )
    claims = text_of(document.partition("What is claimed</h2>")[2].partition("</section>")[0])
    assert claims.index("A Certified fixed: 2 of 3") < claims.index("C Fixed sigma grid: 2 of 3")
    assert "C Fixed sigma multistart: 3 of 3 images certified, 0 abstain" in claims
    assert document.count("<figure ") == 2
    for words in ("oracle is not a defence", "Index set: 3 images", "Network: stub.", "25"):
        assert words in document
    silent = dataclasses.replace(comparison, methods=comparison.methods[1:2], curves=())
    assert comparison_report(silent).count("<figure ") == 1


def test_a_promise_is_not_made_of_images_on_which_it_abstains(comparison: Comparison) -> None:
    made = comparison.methods[0].certificates[:2]
    held = [dataclasses.replace(c, predicted=1) for c in made]
    torn = [held[0], dataclasses.replace(held[1], predicted=None)]
    assert promise("grid_minimum", held) == promise("grid_minimum")
    assert promise("grid_minimum", torn).startswith("where an image is certified: every ")
    assert "all agree" not in promise("grid_minimum", torn[1:])
