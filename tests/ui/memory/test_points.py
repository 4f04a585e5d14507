from hypothesis import given
from hypothesis import strategies as st

from rs_ui.memory.points import MOST_IMAGES, Item, PointList


def items(*ids: str) -> list[Item]:
    return [Item(image, image.upper(), None) for image in ids]


def test_images_are_added_once_and_keep_their_order() -> None:
    lineup = PointList().added(items("a", "b")).added(items("b", "c", "c"))
    assert lineup.arrived == lineup.order == ("a", "b", "c")
    assert lineup.before == ("a", "b")


def test_there_is_a_limit() -> None:
    lineup = PointList().added(items(*map(str, range(MOST_IMAGES + 5))))
    assert len(lineup.came) == MOST_IMAGES
    assert lineup.added(items("x")) == lineup.added([])


def test_moves_stop_at_the_ends() -> None:
    lineup = PointList().added(items("a", "b", "c"))
    assert lineup.moved("b", -1).order == ("b", "a", "c")
    assert lineup.moved("b", 1).order == ("a", "c", "b")
    assert lineup.moved("c", -99).order == ("c", "a", "b")
    assert lineup.moved("a", -1) == lineup
    assert lineup.moved("c", 1) == lineup


def test_the_order_before_the_last_change_is_kept() -> None:
    lineup = PointList().added(items("a", "b", "c")).moved("c", -1)
    assert lineup.before == ("a", "b", "c")
    assert lineup.ordered(lineup.order).before == ("a", "b", "c")
    assert [item.name for item in lineup.items] == ["A", "C", "B"]


def test_a_removed_image_is_nowhere() -> None:
    lineup = PointList().added(items("a", "b", "c")).moved("c", -2).without("c")
    assert lineup.arrived == lineup.order == lineup.before == ("a", "b")


@given(st.lists(st.sampled_from("abcdef"), unique=True, min_size=1), st.integers(0, 99))
def test_a_seed_names_one_order_whatever_the_present_one_is(ids: list[str], seed: int) -> None:
    one = PointList().added(items(*ids)).shuffled(seed)
    other = PointList().added(items(*ids[::-1])).shuffled(seed)
    assert one.order == other.order
    assert sorted(one.order) == sorted(ids)
