"""What is said of balls and regions: one sentence each, and what changed between two orders."""

from collections.abc import Sequence

from rs_core.plots.text import class_text, radius_text, tidy
from rs_core.results.arrangement import Arrangement, PlacedBall, Points, moved

_SHOWN = 1e-5  # a smaller radius reads 0.00000
RULE_WORDS: dict[str, str] = {
    "memory": "memory of answers",
    "online": "regions, one after another",
    "strict": "regions by linear programme, disjoint",
    "label_aware": "regions by linear programme, one class may overlap",
}


def label_text(label: int | None, names: Sequence[str]) -> str:
    """ "class 3 (cat)", or "abstains"."""
    return "abstains" if label is None else class_text(label, names)


def point_text(point: int, arrangement: Arrangement, points: Points) -> str:
    """Place in the order and name of a point: "2 (digit-7)"."""
    return f"{arrangement.order.index(point) + 1} ({tidy(points.names[point])})"


def ball_sentence(
    ball: PlacedBall, arrangement: Arrangement, points: Points, names: Sequence[str]
) -> str:
    """What became of one point, and why."""
    answer, radius = label_text(ball.label, names), radius_text(ball.radius)
    by = "" if ball.conflict is None else point_text(ball.conflict, arrangement, points)
    if ball.kind == "repeat":
        return f"{answer}, radius {radius}: the same pixels as {by}, so the same answer"
    if ball.kind == "inherited" and not ball.final:
        return (
            f"lies in the region of {by} and shares its σ: {answer} if its votes there agree, "
            f"with a radius of at most {radius}; not settled before it is certified at that σ"
        )
    if ball.kind == "inherited":
        own = label_text(ball.asked_label, names)
        return (
            f"{answer}, radius {radius}: enforced, because it lies in the ball of {by}; its own "
            f"votes said {own}, and no σ and no votes stand behind this answer"
        )
    if ball.asked_label is None:
        return "abstains: its own votes certify nothing"
    asked = radius_text(ball.asked_radius)
    if ball.kind == "own":
        return f"{answer}, radius {radius}: all that its own votes certify"
    if ball.radius < _SHOWN:
        own = label_text(ball.asked_label, names)
        return f"no room: {by} takes all of the {asked} that its votes certify for {own}"
    return f"{answer}, radius {radius} of {asked}: cut by {by}"


def total_text(arrangement: Arrangement) -> str:
    """The sum of the radii; "at most" where some are not settled."""
    open_ends = sum(not ball.final for ball in arrangement.balls)
    if not open_ends:
        return radius_text(arrangement.total)
    return f"at most {radius_text(arrangement.total)} ({open_ends} not settled)"


def change_summary(before: Arrangement, after: Arrangement) -> str:
    """How many answers differ, and both sums."""
    changed, count = len(moved(before, after)), len(after.balls)
    sums = f"sum of radii {total_text(before)} → {total_text(after)}"
    if not changed:
        return f"Nothing differs: all {count} answers and radii are the same ({sums})."
    return f"{changed} of {count} answers differ; {sums}."


def change_sentences(
    points: Points, before: Arrangement, after: Arrangement, names: Sequence[str]
) -> tuple[str, ...]:
    """One sentence for each point whose answer differs."""
    old = {ball.point: ball for ball in before.balls}
    new = {ball.point: ball for ball in after.balls}
    return tuple(
        f"{tidy(points.names[k])}: {_answer(old[k], names)} → "
        f"{ball_sentence(new[k], after, points, names)}."
        for k in moved(before, after)
    )


def _answer(ball: PlacedBall, names: Sequence[str]) -> str:
    limit = "" if ball.final else "at most "
    return f"{label_text(ball.label, names)} with radius {limit}{radius_text(ball.radius)}"
