from pathlib import Path

from streamlit.testing.v1 import AppTest

APP = str(Path(__file__).resolve().parents[2] / "app.py")


def test_the_preset_curve_is_there_without_a_click() -> None:
    page = AppTest.from_file(APP, default_timeout=120).run()
    assert not page.exception
    assert page.title[0].value == "How much noise suits this image?"
    (figure,) = page.get("plotly_chart")
    assert "ceiling" in figure.proto.spec
    sentence = " ".join(block.value for block in page.markdown)
    assert "Certified" in sentence
    assert "frozen" in sentence
