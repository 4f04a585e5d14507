"""Bad input in the browser: one sentence beside the control, what was there stays.

One visit brings many bad inputs; a guest looks on, whose page must not change.
"""

import http.client
import io
import json
import os
import pickle
import re
import sqlite3
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("playwright.sync_api")
import safetensors.torch
import torch
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from rs_core.store.documents import read_document
from tests.browser.acts import (
    LONG,
    QUICK,
    RUNNING,
    bring,
    cancel,
    comes_true,
    done_of,
    finished,
    main,
    run_of,
    scene,
    sidebar,
    start,
    stored,
)
from tests.browser.conftest import ROOT, Server, Visitor, serve, stop
from tests.worker.conftest import save_tiny

CIFAR = "?image=cat&model=cifar10-conv4"
PNG_HEAD = b"\x89PNG\r\n\x1a\n"
UNSUPPORTED = "is not a supported image: give a PNG"


def archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("cat.png", PNG_HEAD)
    return packed.getvalue()


def bad_checksum() -> bytes:
    data = bytearray(stored(scene(), "PNG"))
    data[data.index(b"IDAT") + 40] ^= 1
    return bytes(data)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def huge_header() -> bytes:
    head = struct.pack(">IIBBBBB", 65_535, 65_535, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b"")
    return PNG_HEAD + b"".join(parts)


def not_a_number() -> bytes:
    return stored(Image.fromarray(np.full((9, 9), np.nan, np.float32)), "TIFF")


REFUSED: dict[str, tuple[bytes, str]] = {
    "empty.png": (b"", UNSUPPORTED),
    "svg.png": (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", UNSUPPORTED),
    "pdf.png": (b"%PDF-1.7\n%\xe2\xe3", UNSUPPORTED),
    "zip.png": (archive(), UNSUPPORTED),
    "eps.jpg": (stored(scene(), "EPS"), UNSUPPORTED),
    "psd.png": (b"8BPS\0\1" + bytes(20), UNSUPPORTED),
    "crc.png": (bad_checksum(), "is damaged or cut short (a checksum is wrong)"),
    "header.png": (huge_header(), "would unpack to more than the limit of 16 million pixels"),
    "nan.tif": (not_a_number(), "holds NaN or infinite pixels"),
}
DROP = """([count, zone]) => {
  const held = new DataTransfer();
  for (let i = 0; i < count; i++) held.items.add(new File(["x"], `${i}.png`));
  for (const kind of ["dragenter", "dragover", "drop"])
    zone.dispatchEvent(new DragEvent(kind, {dataTransfer: held, bubbles: true}));
}"""


def alert(page: Page) -> Locator:
    return sidebar(page).get_by_test_id("stAlert")


def is_unbroken(page: Page) -> bool:
    expect(page.get_by_test_id("stException")).to_have_count(0)
    return True


def test_refused_files_are_one_sentence_and_nobody_else_notices(visit: Visitor) -> None:
    """Rows 1 to 5, 9, 16."""
    guest, opened = visit(), visit(CIFAR)
    page = opened.page
    statement = main(guest.page).get_by_text("Certified ℓ2 radius")
    expect(statement).to_be_visible()
    told_guest = statement.inner_text()
    cat = sidebar(page).get_by_alt_text("cat, as it came", exact=True)
    expect(cat).to_be_visible()
    for name, (data, sentence) in REFUSED.items():
        bring(page, name, data)
        expect(alert(page)).to_contain_text(f"{name} {sentence}")
        expect(cat).to_be_visible()
    uploader = sidebar(page).get_by_test_id("stFileUploader").first
    bring(page, "vector.svg", b"<svg/>")
    expect(uploader).to_contain_text("files are not allowed")
    zone = uploader.get_by_test_id("stFileUploaderDropzone").element_handle()
    page.evaluate(DROP, [500, zone])
    expect(uploader.get_by_text("Only one file is allowed")).to_have_count(499)
    expect(alert(page)).to_contain_text(f"0.png {UNSUPPORTED}")
    expect(cat).to_be_visible()
    expect(main(page).get_by_text(re.compile("Certified|Abstained")).first).to_be_visible()
    assert is_unbroken(page)
    assert opened.is_clean()
    assert statement.inner_text() == told_guest
    expect(guest.page.get_by_test_id("stAlert")).to_have_count(0)
    assert guest.is_clean()


ODD: dict[str, tuple[tuple[int, int], str]] = {
    "../../etc/passwd.png": ((1, 1), "passwd.png"),
    "<img src=x onerror=alert(1)>.png": ((1, 20_000), "<img src=x onerror=alert(1)>.png"),
    "abc\u202egnp.exe.png": ((9, 9), "abc gnp.exe.png"),
    "n" * 300 + ".png": ((20_000, 1), "n" * 80),
}


def test_odd_sizes_and_names_are_shown_harmless(visit: Visitor) -> None:
    """Rows 6 and 15."""
    opened = visit(CIFAR)
    page = opened.page
    page.on("dialog", lambda dialog: opened.complaints.append(dialog.message))
    for name, (size, shown) in ODD.items():
        bring(page, name, stored(scene(size=size), "PNG"))
        picture = sidebar(page).get_by_alt_text(f"{shown}, as it came", exact=True)
        expect(picture).to_be_visible()
        box = picture.bounding_box()
        assert box is not None
        assert 20 < box["height"] < 500
        enlarged = f"warning: enlarged {min(size[0], 1 if 1 in size else 9)}x"
        expect(sidebar(page).get_by_text(enlarged)).to_be_visible()
        expect(alert(page)).to_have_count(0)
    expect(page.locator("img[src='x']")).to_have_count(0)
    assert opened.is_clean()


def test_a_name_is_no_link_and_no_icon(visit: Visitor) -> None:
    opened = visit(f"sweep{CIFAR}")
    name = "www.evil.example a@evil.example :streamlit: x--_y_-> $z$ :+1:.png"
    bring(opened.page, name, stored(scene(), "PNG"))
    told = main(opened.page).get_by_text("No sweep yet: press Start")
    expect(told).to_contain_text("evil")
    assert name in told.inner_text().replace("\N{WORD JOINER}", "")
    expect(opened.page.locator("a[href*=evil]")).to_have_count(0)
    assert opened.is_clean()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("tiny"))


def without_numbers(raw: bytes) -> bytes:
    tensors = safetensors.torch.load(raw)
    tensors["head.bias"] = torch.full_like(tensors["head.bias"], torch.nan)
    return safetensors.torch.save(tensors)


def unfit(tiny: Path) -> dict[str, tuple[bytes, Any]]:
    """What the sentence says: weights and description."""
    raw, spec = tiny.read_bytes(), json.loads(tiny.with_suffix(".json").read_text())
    empty = without_numbers(raw)
    return {
        "a Python pickle, which runs code": (pickle.dumps({"a": 1}), spec),
        "damaged or was exchanged": (raw[:-1] + bytes([raw[-1] ^ 1]), spec),
        "announces a header of": (b"\xff" * 7 + b"\0{" + raw[9:], spec),
        "holds NaN or infinite weights in head.bias": (
            empty,
            {**spec, "sha256": sha256(empty).hexdigest()},
        ),
        "head.bias is 10, the network needs 3": (raw, {**spec, "class_names": list("abc")}),
        "blocks.0.bn1.bias is missing": (
            raw,
            {**spec, "architecture": "resnet20", "options": {}},
        ),
        "ends before its header does": (raw[:100], spec),
        "holds no JSON object": (raw, []),
    }


def offer(page: Page, weights: bytes, spec: Any) -> None:
    """Put a pair of model files in the place of what the uploader holds.

    Every removal waits for the app's answer, as a visitor's eyes do: Streamlit forgets the address
    it gave for a file when the rerun of a removal starts just then, and the file is never sent.
    """
    place = sidebar(page).get_by_test_id("stFileUploader").last
    removal = place.get_by_role("button", name=re.compile("^Remove"))
    while held := removal.count():
        removal.first.click()
        expect(removal).to_have_count(held - 1)
        one_left = alert(page).filter(has_text="1 file(s): give one")
        expect(one_left).to_have_count(1 if held > 1 else 0)
    files = {"m.safetensors": weights, "m.json": json.dumps(spec).encode()}
    place.locator("input[type=file]").set_input_files(
        [{"name": n, "mimeType": "text/plain", "buffer": data} for n, data in files.items()]
    )


def test_unfit_networks_are_refused_and_the_good_one_stays(
    visit: Visitor, tiny: Path, tmp_path: Path
) -> None:
    """Rows 17 to 23 and 28."""
    opened = visit()
    page = opened.page
    network = sidebar(page).get_by_role("combobox", name="Network").first
    sidebar(page).get_by_text("Use your own network").click()
    spec = json.loads(tiny.with_suffix(".json").read_text())
    offer(page, tiny.read_bytes(), spec)
    expect(network).to_have_value(re.compile("^tiny .yours, "))
    said = main(page).get_by_text(re.compile("says class 7"))  # the shipped one says class 3
    expect(said).to_be_visible()
    for sentence, (weights, description) in unfit(tiny).items():
        offer(page, weights, description)
        expect(alert(page)).to_contain_text(sentence)
        expect(network).to_have_value(re.compile("^tiny .yours, "))
        expect(said).to_be_visible()
    mute = save_tiny(tmp_path, mute=True, name="mute")
    offer(page, mute.read_bytes(), json.loads(mute.with_suffix(".json").read_text()))
    expect(network).to_have_value(re.compile("^mute .yours, "))
    expect(main(page).get_by_text("No radius")).to_be_visible()
    expect(main(page).get_by_text("The vote abstains")).to_be_visible()
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Sigma sweep").click()
    start(page)
    finished(page)
    expect(main(page).get_by_text("Every noise level abstains")).to_be_visible()
    assert is_unbroken(page)
    assert opened.is_clean()


LEVELS = {
    "0": "0 is out of range: give numbers above 0 and at most 10.",
    "-0.5": "-0.5 is out of range",
    "nan": "nan is out of range",
    "1e9": "1e+09 is out of range",
    "half": "'half' is not a number: separate numbers by commas",
    "": "0 numbers: give 1 to 64",
}


def test_bad_settings_are_named_beside_their_field_and_the_curve_stays(visit: Visitor) -> None:
    """Rows 25 and 26."""
    opened = visit(f"sweep?{QUICK}")
    page = opened.page
    start(page)
    finished(page)
    run, told = run_of(page), main(page).get_by_test_id("stAlert")
    levels, copies = page.get_by_label("Noise levels (sigmas"), page.get_by_label("(n)")
    for text, sentence in LEVELS.items():
        levels.fill(text)
        levels.press("Enter")
        expect(told).to_contain_text(sentence)
        expect(page.get_by_role("button", name="Start the sweep")).to_be_disabled()
    levels.fill("0.12, 0.5")
    levels.press("Enter")
    expect(told).to_have_count(0)
    for number in ("0", "-1", "1000000000000"):
        copies.fill(number)
        copies.press("Enter")
        expect(told).to_contain_text("give a number of at least 1 and at most 100,000,000")
        expect(page.get_by_role("button", name="Start the sweep")).to_be_disabled()
    expect(main(page).get_by_text("forward passes")).to_have_count(0)
    copies.fill("1")
    copies.press("Enter")
    expect(told.first).to_contain_text("n=1 can never certify at alpha=0.0005")
    expect(page.get_by_role("button", name="Start the sweep")).to_be_disabled()
    sidebar(page).get_by_text("Seed, risk, device").click()
    risk = sidebar(page).get_by_label("Risk alpha: how often a statement may be false")
    for number in ("0", "1"):
        risk.fill(number)
        risk.press("Enter")
        said = re.compile(f"alpha {number} is out of range: .*it is still 0.001")
        expect(sidebar(page).get_by_text(said)).to_be_visible()
    finished(page)
    assert run_of(page) == run
    assert is_unbroken(page)
    assert opened.is_clean()


def test_an_address_may_hold_anything(visit: Visitor) -> None:
    """Rows 25 to 27 and 41: what no control offers falls back to the default or is refused."""
    opened = visit(
        "sweep?image=nothing&model=..%2Fx&alpha=0&seed=-1&device=cuda:99&sweep_n=1e12&sweep_n0=0"
        f"&sweep_sigmas=nan&sweep_bound=wald&label=99&run={'x' * 300}"
    )
    page = opened.page
    expect(main(page).get_by_text("nan is out of range")).to_be_visible()
    expect(main(page).get_by_text("run not found: it was deleted")).to_be_visible()
    expect(sidebar(page).get_by_alt_text("digit-3, as it came", exact=True)).to_be_visible()
    expect(main(page).get_by_text("n=1,000,000,000,000 is out of range")).to_be_visible()
    expect(page.get_by_role("button", name="Start the sweep")).to_be_disabled()
    expect(main(page).get_by_text("Out of range, under More settings: n0.")).to_be_visible()
    page.goto(page.url.partition("?")[0] + f"?run={'A' * 22}&sweep_n0=100&{QUICK}")
    expect(main(page).get_by_text("run not found: it was deleted")).to_be_visible()
    start(page)
    finished(page)
    assert opened.is_clean()


def test_an_infinite_number_leaves_the_address_before_any_field_reads_it(visit: Visitor) -> None:
    """A page's own test sets no address as a browser does: Streamlit reads it when a run begins."""
    for path, name in (
        ("sweep?sweep_n=1e400", "Start the sweep"),
        ("compare?compare_count=1e400&compare_n=-1e400", "Start the comparison"),
        ("attack?attack_epgd_eps=1e400&attack_sigma=1e400", "Start the attack"),
        ("memory?plane_balls_n=1e400&points=Points+in+the+plane", "Add a batch"),
    ):
        page = visit(path).page
        expect(main(page).get_by_role("button", name=name)).to_be_enabled()
        assert "1e400" not in page.url


def sweeps(server: Server, seed: int) -> list[str]:
    """The sweeps of a seed that lie in the store."""
    asked = (server.home / "runs").glob("*/request.json")
    found = [(path.parent.name, read_document(path).content) for path in asked]
    return [n for n, a in found if a["kind"] == "sweep" and a["request"]["seed"] == seed]


def test_two_clicks_and_two_tabs_are_one_run_that_goes_on_alone(
    visit: Visitor, server: Server
) -> None:
    """Rows 36 and 37."""
    page = visit(f"sweep?seed=91&{LONG}").page
    page.get_by_role("button", name="Start the sweep").dblclick()
    expect(main(page).get_by_text(RUNNING)).to_be_visible()
    tab = visit(f"sweep?seed=91&{LONG}", context=page.context).page
    start(tab)
    expect(main(tab).get_by_text(RUNNING)).to_be_visible()
    assert sweeps(server, 91) == [run_of(page)] == [run_of(tab)]
    address, before = tab.url, done_of(tab)
    page.close()
    tab.close()
    later = visit(address.rsplit("/", 1)[1], context=page.context).page
    expect(main(later).get_by_text(RUNNING)).to_be_visible()
    assert done_of(later) > before
    assert sweeps(server, 91) == [run_of(later)]
    cancel(later)


IMPATIENT = """
import sys
if "rs_core.worker" in sys.orig_argv:
    from rs_core.worker.scheduler import Scheduler
    Scheduler.__init__.__kwdefaults__["idle_seconds"] = 3.0
"""


def test_an_abandoned_sweep_pauses_and_goes_on_when_its_owner_returns(
    visit: Visitor, tmp_path: Path
) -> None:
    """Row 36, with 3 s in the place of the 120 that tests/worker/test_scheduler.py holds."""
    (tmp_path / "sitecustomize.py").write_text(IMPATIENT)
    paths = os.pathsep.join((str(ROOT), str(tmp_path)))
    hasty = serve(tmp_path / "home", PYTHONPATH=paths)
    try:
        page = visit(f"sweep?{LONG}", at=hasty).page
        start(page)
        expect(main(page).get_by_text(RUNNING)).to_be_visible()
        page.wait_for_timeout(4000)  # longer than a run may go unwatched: this one is watched
        expect(main(page).get_by_text(RUNNING)).to_be_visible()
        address, run = page.url, run_of(page)
        page.close()
        assert until(lambda: state_of(hasty, run) == ("paused", False))
        again = visit(address.rsplit("/", 1)[1], at=hasty, context=page.context).page
        expect(main(again).get_by_text(RUNNING)).to_be_visible()
        cancel(again)
    finally:
        stop(hasty)


def state_of(server: Server, run: str) -> tuple[str, bool]:
    """(state, whether a person paused it) of a run as the store has it."""
    try:
        told = read_document(server.home / "runs" / run / "state").content
    except FileNotFoundError:
        return "queued", False
    return told["state"], told["held"]


def until(happened: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.1)
    return happened()


def test_a_locked_or_corrupt_index_keeps_results_readable(visit: Visitor, server: Server) -> None:
    """Row 42."""
    opened = visit(f"sweep?seed=92&{QUICK}")
    page, index = opened.page, server.home / "index.sqlite"
    start(page)
    finished(page)
    run = run_of(page)
    other = sqlite3.connect(index, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    copies = page.get_by_label("(n)")
    copies.fill("301")
    start(page)
    refusal = main(page).get_by_text("finished runs can be read and exported meanwhile")
    expect(refusal).to_be_visible()
    page.reload()
    finished(page)
    with page.expect_download() as waiting:
        main(page).get_by_role("button", name="JSON", exact=True).click()
    assert json.loads(Path(waiting.value.path()).read_bytes())["certificates"]
    other.execute("ROLLBACK")
    other.close()
    index.write_bytes(b"not a database at all" * 400)
    copies.fill("302")
    start(page)
    expect(main(page).get_by_text("n=302 fresh").first).to_be_visible()
    finished(page)
    assert run_of(page) != run
    assert sorted(sweeps(server, 92)) == sorted([run, run_of(page)])
    assert opened.is_clean()


UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def answer_to(server: Server, verb: str, path: str, **headers: str) -> int:
    """The status of a plain request; a header's underscores stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    asked = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
    try:
        asked.putrequest(verb, path, skip_host="Host" in named)
        for name, value in named.items():
            asked.putheader(name, value)
        asked.endheaders()
        return asked.getresponse().status
    finally:
        asked.close()


def test_other_websites_are_kept_out(server: Server) -> None:
    """Row 39: another origin, a rebound name, a missing token."""

    def stream(**headers: str) -> int:
        return answer_to(server, "GET", "/_stcore/stream", **UPGRADE, **headers)

    assert stream(Origin=server.url) == 101
    assert stream(Origin="http://evil.example") == 403
    assert stream(Origin="null") == 403
    assert stream(Host="evil.example", Origin="http://evil.example") == 403
    upload = "/_stcore/upload_file/session/file"
    assert answer_to(server, "PUT", upload, Origin=server.url, Content_Length="0") == 403
    assert answer_to(server, "DELETE", upload, Origin=server.url) == 403
    assert answer_to(server, "GET", "/media/../../../etc/passwd") == 400
    for path in ("/", "/sweep", "/_stcore/health", "/_stcore/host-config", "/media/none"):
        assert answer_to(server, "GET", path, Host="evil.example") == 421
        assert answer_to(server, "GET", path) != 421


LISTEN = """
window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(...given) { super(...given); window.sockets.push(this); }
};
"""


GARBAGE = {
    "new Uint8Array([255, 254, 0, 1, 128, 7, 7])": "0.5",
    "'no protobuf at all'": "0.75",
    "new Uint8Array(1000000).fill(255)": "1",
}


def test_garbage_on_the_websocket_leaves_the_session_alive(visit: Visitor) -> None:
    """Row 40: the connection is made anew, and the session's file is still there."""
    page = visit().page
    page.add_init_script(LISTEN)
    page.reload()
    bring(page, "mine.png", stored(scene(), "PNG"))
    mine = sidebar(page).get_by_alt_text("mine.png, as it came", exact=True)
    expect(mine).to_be_visible()
    for count, (garbage, level) in enumerate(GARBAGE.items(), start=2):
        page.evaluate(f"sockets.at(-1).send(new Uint8Array(0)); sockets.at(-1).send({garbage})")
        comes_true(page, f"sockets.length == {count} && sockets.at(-1).readyState == 1")
        page.get_by_role("slider", name="Noise level").press("ArrowRight")
        expect(main(page).get_by_text(re.compile(f"σ={level} "))).to_be_visible()
        expect(mine).to_be_visible()
    assert is_unbroken(page)
