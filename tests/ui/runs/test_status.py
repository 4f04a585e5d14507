from rs_ui.runs.status import Status


def test_a_count_is_an_upper_bound_of_the_risk_and_a_lost_one_is_not() -> None:
    whole = Status("finished", questions=3, risk=0.03012)
    assert whole.count_text == "3"
    assert whole.best_text == (
        "the best of them, picked afterwards, may be false with probability up to 0.0302"
    )
    lost = Status("finished", questions=3, risk=0.0301, at_least=True)
    assert lost.count_text == "At least 3"
    assert "is not known" in lost.best_text
    assert "up to" not in lost.best_text
