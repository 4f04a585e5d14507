import numpy as np
import pytest

from rs_core.errors import ParameterError
from rs_core.plots import alt_text, noisy_copies_figure

GREY = np.full((1, 4, 6), 0.5, dtype=np.float32)


def test_the_clean_image_comes_first_then_a_copy_per_sigma() -> None:
    copies = np.stack([GREY + 0.25, GREY - 0.75, GREY + 2])
    figure = noisy_copies_figure(GREY, [0.1, 0.5, 1.25], copies)
    assert [a.text for a in figure.layout.annotations] == [
        "clean",
        "σ = 0.1",
        "σ = 0.5",
        "σ = 1.25",
    ]
    shown = [np.asarray(t.z) for t in figure.data]
    assert [s.shape for s in shown] == [(4, 6, 3)] * 4
    assert [set(s.flatten().tolist()) for s in shown] == [{128}, {191}, {0}, {255}]


def test_colours_keep_their_channels() -> None:
    red = np.zeros((3, 2, 2))
    red[0] = 1
    figure = noisy_copies_figure(red, [], np.zeros((0, 3, 2, 2)))
    assert np.asarray(figure.data[0].z)[0, 0].tolist() == [255, 0, 0]


def test_the_caption_says_clipped_for_display_only() -> None:
    figure = noisy_copies_figure(GREY, [0.1], GREY[None])
    assert "clipped here for display only" in figure.layout.title.subtitle.text.replace("<br>", " ")
    assert alt_text(figure) == "The clean image and 1 noisy copies: clean, σ = 0.1."


def test_the_given_arrays_are_left_alone() -> None:
    pixels, copies = GREY.copy(), GREY[None] + 3
    noisy_copies_figure(pixels, [0.1], copies)
    assert (pixels == GREY).all()
    assert (copies == GREY + 3).all()


@pytest.mark.parametrize(
    ("pixels", "copies", "message"),
    [
        (np.zeros((2, 4, 4)), np.zeros((1, 2, 4, 4)), r"shape \(2, 4, 4\)"),
        (np.zeros((4, 4)), np.zeros((1, 4, 4)), r"shape \(4, 4\)"),
        (np.zeros((1, 4, 4)), np.zeros((2, 1, 4, 4)), "each of the 1 sigmas"),
        (np.zeros((1, 4, 4)), np.zeros((1, 3, 4, 4)), "each of the 1 sigmas"),
        (np.full((1, 4, 4), np.nan), np.zeros((1, 1, 4, 4)), "NaN"),
        (np.zeros((1, 4, 4)), np.full((1, 1, 4, 4), np.inf), "NaN or infinite"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    pixels: np.ndarray, copies: np.ndarray, message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        noisy_copies_figure(pixels, [0.1], copies)
