import plotly.graph_objects as go

from rs_core.plots.style import alt_text, frame


def test_frame_sets_words_and_returns_the_same_figure() -> None:
    figure = go.Figure(go.Scatter(x=[1], y=[2]))
    framed = frame(
        figure, title="A title", subtitle="words " * 20, alt="A chart.", x="sigma", y="r"
    )
    assert framed is figure
    assert figure.layout.title.text == "A title"
    assert max(map(len, figure.layout.title.subtitle.text.split("<br>"))) <= 50
    assert figure.layout.xaxis.title.text == "sigma"
    assert figure.layout.yaxis.title.text == "r"
    assert alt_text(figure) == "A chart."


def test_alt_text_falls_back_on_the_title() -> None:
    assert alt_text(go.Figure(layout={"title": "Two<br>lines"})) == "Two lines"
    assert alt_text(go.Figure()) == "figure"
    assert alt_text(go.Figure(layout={"meta": {"alt": "seen"}})) == "seen"
