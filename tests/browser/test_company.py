"""Several people at once, and a compute process that dies among them."""

import os
import re
import signal
import time

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

from tests.browser.acts import QUICK, RUNNING, done_of, finished, main, run_of, start, worker_of
from tests.browser.conftest import Server, Visitor


def test_a_dead_worker_loses_nothing(visit: Visitor, server: Server) -> None:
    other = visit(f"sweep?seed=77&{QUICK}").page
    start(other)
    finished(other)
    page = visit("sweep?sweep_n=100000&seed=78").page
    start(page)
    expect(main(page).get_by_text(RUNNING)).to_be_visible()
    run, dead = run_of(page), worker_of(server)
    os.kill(dead, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while worker_alive(server, but=dead) is None and time.monotonic() < deadline:
        time.sleep(0.5)
    expect(main(page).get_by_text(RUNNING)).to_be_visible()
    before = done_of(page)
    expect(main(page).get_by_text(RUNNING)).not_to_have_text(re.compile(f"^Running: {before:,} "))
    assert run_of(page) == run
    other.reload()
    finished(other)
    page.get_by_role("button", name="Cancel").click()
    expect(main(page).get_by_text(re.compile("^Cancelled after"))).to_be_visible()


def worker_alive(server: Server, *, but: int) -> int | None:
    try:
        found = worker_of(server)
    except AssertionError:
        return None
    return None if found == but else found


def test_two_people_share_the_machine_and_nothing_else(visit: Visitor) -> None:
    busy = visit("sweep?sweep_n=1000000&seed=79").page
    start(busy)
    expect(main(busy).get_by_text(RUNNING)).to_be_visible()
    guest = visit(f"sweep?seed=80&{QUICK}").page
    expect(main(guest).get_by_text("No sweep yet")).to_be_visible()
    start(guest)
    finished(guest)
    expect(main(busy).get_by_text(RUNNING)).to_be_visible()
    assert run_of(guest) != run_of(busy)
    guest.goto(guest.url.partition("?")[0] + f"?run={run_of(busy)}")
    expect(main(guest).get_by_text("belongs to somebody else")).to_be_visible()
    busy.get_by_role("button", name="Cancel").click()
    expect(main(busy).get_by_text(re.compile("^Cancelled after"))).to_be_visible()


def test_deleting_takes_runs_and_images_away(visit: Visitor) -> None:
    page = visit(f"sweep?seed=81&{QUICK}").page
    start(page)
    finished(page)
    address = page.url
    page.get_by_test_id("stSidebar").get_by_text("Delete my images and runs").click()
    page.get_by_role("button", name="Delete everything of mine").click()
    expect(main(page).get_by_text("No sweep yet")).to_be_visible()
    page.goto(address)
    expect(main(page).get_by_text("run not found")).to_be_visible()
