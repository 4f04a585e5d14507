import threading

from rs_core.worker.desk.side import SideDesk


def test_owners_take_turns_and_nobody_waits_for_all_of_another() -> None:
    desk, done = SideDesk(), list[str]()
    begun, gate, over = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        gate.wait(60)

    desk.hand("ann", first)
    assert begun.wait(60)
    for name in ("a1", "a2", "a3"):
        desk.hand("ann", lambda name=name: done.append(name))
    desk.hand("bob", lambda: done.append("b1"))
    desk.hand("eve", over.set)
    desk.hand("ann", lambda: done.append("a4"))
    gate.set()
    assert over.wait(60)
    last = threading.Event()
    desk.hand("ann", last.set)
    assert last.wait(60)
    assert done == ["a1", "b1", "a2", "a3", "a4"]
    desk.close()


def test_what_waits_is_left_when_it_closes() -> None:
    desk, done = SideDesk(), list[str]()
    begun, gate = threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        gate.wait(60)

    desk.hand("ann", first)
    assert begun.wait(60)
    desk.hand("ann", lambda: done.append("late"))
    desk.close()
    gate.set()
    desk._thread.join(60)
    assert done == []
