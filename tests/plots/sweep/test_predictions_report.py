from rs_core.plots import predictions_report
from rs_core.results import Prediction

FOUND = Prediction(
    predicted=1, p_value=1e-9, top_counts=(90, 10), counts=(10, 90, 0), sigma=0.5, n=100,
    alpha=1e-3, noise="gaussian", precision="fp32", device="cpu", weights_id="ab",
    image_digest="cd", preprocessing=(), seed=0,
)  # fmt: skip
ABSTAINED = Prediction(**{**vars(FOUND), "predicted": None, "p_value": 0.3})


def test_the_report_names_classes_and_abstentions_and_escapes_names() -> None:
    found = predictions_report(
        [FOUND, ABSTAINED], names=["<b>a</b>.png", "b.png"], class_names=("cat", "dog")
    )
    assert "dog" in found
    assert "abstains" in found
    assert "2 images, 1 abstained" in found
    assert "<b>a" not in found
    assert "no certificate" in found
