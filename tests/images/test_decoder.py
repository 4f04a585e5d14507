"""The budget of a file: a process decodes, and it ends where a file asks too much."""

import os
import signal
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from rs_core.errors import ImageError
from rs_core.images import decoder as module
from rs_core.images.decoder import Decoder
from rs_core.images.decoding import decode_bytes
from tests.images.files import saved

PHOTO = np.random.default_rng(0).integers(0, 256, (24, 36, 3), dtype=np.uint8)


SMALL = saved(Image.fromarray(PHOTO))
LARGE = saved(Image.new("RGB", (4_000, 3_900), (1, 2, 3)))  # 45 kB that become 47 MB


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    made = Decoder(seconds=60.0, patience=300.0)  # a loaded machine is no fault of these files
    yield made
    made.close()


def pid_of(decoder: Decoder) -> int:
    process = decoder._process
    assert process is not None
    return process.pid


@pytest.mark.parametrize(
    "image",
    [
        Image.fromarray(PHOTO),
        Image.fromarray(PHOTO[..., 0]),
        Image.fromarray(PHOTO[..., 0].astype(np.float32) / 255),
        Image.fromarray(PHOTO).convert("RGBA"),
    ],
    ids=["colour", "grey", "float", "alpha"],
)
def test_it_gives_what_decoding_here_gives(decoder: Decoder, image: Image.Image) -> None:
    data = saved(image, "TIFF" if image.mode == "F" else "PNG")
    here, there = decode_bytes(data, "x"), decoder(data, "x")
    assert there.notes == here.notes
    assert there.pixels.dtype == here.pixels.dtype
    assert np.array_equal(there.pixels, here.pixels)


def test_refusals_come_back_and_the_process_stays(decoder: Decoder) -> None:
    decoder(SMALL, "x")
    before = pid_of(decoder)
    for data in (b"", b"text", SMALL[:-20], bytes(33 << 20)):
        with pytest.raises(ImageError) as there:
            decoder(data, "größe\n.png")
        with pytest.raises(ImageError) as here:
            decode_bytes(data, "größe\n.png")
        assert str(there.value) == str(here.value)
    assert np.array_equal(decoder(SMALL, "x").pixels, PHOTO)
    assert pid_of(decoder) == before


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on computing there")
def test_a_file_that_takes_too_long_ends_the_process_and_the_next_one_is_read() -> None:
    decoder = Decoder(seconds=0.02, patience=300.0)
    try:
        with pytest.raises(ImageError, match=r"^x takes more than 0\.02 s to decode, the limit"):
            decoder(LARGE, "x")
        decoder._seconds = 60.0
        assert np.array_equal(decoder(SMALL, "y").pixels, PHOTO)
    finally:
        decoder.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits memory")
def test_a_file_that_takes_too_much_memory_is_refused() -> None:
    decoder = Decoder(seconds=60.0, megabytes=40, patience=300.0)
    try:
        with pytest.raises(ImageError, match="takes more memory to decode than there is for it"):
            decoder(LARGE, "x")
        assert np.array_equal(decoder(SMALL, "y").pixels, PHOTO)
    finally:
        decoder.close()


@pytest.mark.skipif(sys.platform == "win32", reason="nothing stops a process there")
def test_a_process_that_does_not_come_back_is_ended() -> None:
    decoder = Decoder(patience=300.0)
    try:
        decoder(SMALL, "x")
        os.kill(pid_of(decoder), signal.SIGSTOP)
        decoder._patience = 0.2
        with pytest.raises(ImageError, match=r"not decoded within 0\.2 s"):
            decoder(SMALL, "x")
    finally:
        decoder.close()


def test_a_process_that_died_is_replaced_and_one_that_dies_is_told(decoder: Decoder) -> None:
    decoder(SMALL, "x")
    process = decoder._process
    assert process is not None
    process.kill()
    process.wait()
    assert np.array_equal(decoder(SMALL, "x").pixels, PHOTO)


def test_a_reader_that_crashes_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    crash = ("-c", "import os, sys; print(flush=True); sys.stdin.readline(); os._exit(9)")
    real = module.subprocess.Popen
    monkeypatch.setattr(
        module.subprocess, "Popen", lambda command, **more: real((command[0], *crash), **more)
    )
    decoder = Decoder()
    with pytest.raises(ImageError, match="ended the process that decoded it"):
        decoder(SMALL, "x")


def test_the_process_ends_when_nobody_asks_any_more() -> None:
    decoder = Decoder()
    decoder(SMALL, "x")
    process = decoder._process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()  # as when the asking process dies
    assert process.wait(timeout=60) == 0
    decoder.close()
