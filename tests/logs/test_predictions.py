import csv
import io

from rs_core.logs import PREDICTION_COLUMNS, Origin, write_predictions
from rs_core.results import Prediction

FOUND = Prediction(
    predicted=3, p_value=1e-9, top_counts=(90, 10), counts=(10, 0, 0, 90, 0), sigma=0.5, n=100,
    alpha=1e-3, noise="gaussian", precision="fp32", device="cpu", weights_id="ab",
    image_digest="cd", preprocessing=(), seed=0,
)  # fmt: skip
ABSTAINED = Prediction(**{**vars(FOUND), "predicted": None, "p_value": 0.3})


def test_predictions_are_written_in_cohens_columns() -> None:
    file = io.StringIO()
    write_predictions(file, [(20, 3, FOUND), (40, 3, ABSTAINED), (60, None, FOUND)], 1.5)
    header, *rows = csv.reader(io.StringIO(file.getvalue()), delimiter="\t")
    assert tuple(header) == PREDICTION_COLUMNS
    assert header[:5] == ["idx", "label", "predict", "correct", "time"]
    assert [row[:4] for row in rows] == [
        ["20", "3", "3", "1"], ["40", "3", "-1", "0"], ["60", "", "3", ""],
    ]  # fmt: skip
    assert rows[0][4] == "0:00:01.500000"
    assert float(rows[0][8]) == 1e-9
    assert rows[0][9] == "10,0,0,90,0"


def test_a_prediction_says_what_repeats_it() -> None:
    file, origin = io.StringIO(), Origin("mnist", "test", "rs predict --sigma 0.5")
    write_predictions(file, [(20, 3, FOUND)], names=["-1.png"], origin=origin)
    (found,) = csv.DictReader(io.StringIO(file.getvalue()), delimiter="\t")
    assert (found["name"], found["image"], found["seed"]) == ("'-1.png", "cd", "0")
    assert (found["noise"], found["device"]) == ("gaussian", "cpu")
    assert (found["dataset"], found["split"]) == ("mnist", "test")
    assert (found["command"], found["version"]) == (origin.command, origin.version)
