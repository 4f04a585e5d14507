"""Builds assets/samples: four digits and six photographs with free licences, and samples.json.

    .venv/bin/python scripts/build_samples.py --skimage FOLDER --gcompris FOLDER [--out FOLDER]

--skimage is the data folder of the scikit-image 0.26 wheel (chelsea.png), --gcompris the folder
of .rcc files of Debian's gcompris-qt-data 3.1. The digits come from assets/mnist5k.npz.
assets/SOURCES.md records author, licence and sha256 of every picture.
"""

import argparse
import json
import struct
import zlib
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from PIL import Image

from rs_core.datasets import load_dataset

CIFAR10 = {"bird": 2, "cat": 3, "dog": 5, "horse": 7}
LONG_SIDE = 320
QUALITY = 88


@dataclass(frozen=True)
class Photo:
    """One photograph to crop (left, top, right, bottom, of the original) and shrink."""

    name: str
    kind: str
    title: str
    archive: str
    member: str
    licence: str
    author: str
    crop: tuple[int, int, int, int] | None = None


FARM, ERASE = "explore_farm_animals.rcc", "erase.rcc"
CC0, SHARE = "CC0-1.0", "CC-BY-SA-4.0"
PHOTOS = (
    Photo(
        "kingfisher", "bird", "Kingfisher", ERASE, "kingfisher.webp", CC0, "Frank-2.0",
        (390, 0, 1470, 1080),
    ),
    Photo("cat", "cat", "Chelsea the cat", "", "chelsea.png", CC0, "Stefan van der Walt"),
    Photo("kitten", "cat", "Kitten with wool", FARM, "cat.webp", "Public domain", "Loliloli"),
    Photo("dog", "dog", "German shepherd", FARM, "dog.webp", "Public domain", "Hans Kemperman"),
    Photo(
        "horse", "horse", "Zaniskari horse", ERASE, "horse.webp", SHARE, "Eatcha",
        (120, 0, 1320, 1080),
    ),
    Photo("duck", "bird", "Aylesbury duck", FARM, "duck.webp", CC0, "Bernard Spragg"),
)  # fmt: skip

DIGITS = (
    ("digit-3", 1144, "Handwritten three"),
    ("digit-7", 934, "Handwritten seven"),
    ("digit-8", 1141, "Handwritten eight"),
    ("digit-9", 1116, "Handwritten nine that resembles a four"),
)


def rcc_member(path: Path, wanted: str) -> bytes:
    """One file of a Qt resource archive, by its name (header, tree, names: big-endian)."""
    raw = path.read_bytes()
    version, tree, data, names = struct.unpack(">4I", raw[4:20])
    size = 14 if version < 2 else 22

    def search(node: int) -> bytes | None:
        start = tree + node * size
        name_at, flags = struct.unpack_from(">IH", raw, start)
        if flags & 2:
            count, child = struct.unpack_from(">II", raw, start + 6)
            found = (search(number) for number in range(child, child + count))
            return next((content for content in found if content is not None), None)
        length = struct.unpack_from(">H", raw, names + name_at)[0]
        text = raw[names + name_at + 6 :][: 2 * length].decode("utf-16-be")
        if text != wanted:
            return None
        at = data + struct.unpack_from(">I", raw, start + 10)[0]
        content = raw[at + 4 : at + 4 + struct.unpack_from(">I", raw, at)[0]]
        return zlib.decompress(content[4:]) if flags & 1 else content

    content = search(0)
    if content is None:
        raise SystemExit(f"{wanted} is not in {path}")
    return content


def write_photo(photo: Photo, source: bytes, out: Path) -> None:
    picture = Image.open(BytesIO(source)).convert("RGB")
    if photo.crop:
        picture = picture.crop(photo.crop)
    picture.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
    picture.save(out / f"{photo.name}.jpg", quality=QUALITY, optimize=True)


def digit_entries(out: Path) -> list[dict[str, object]]:
    data = load_dataset("mnist5k", split="train")
    entries: list[dict[str, object]] = []
    for name, index, title in DIGITS:
        one = data.subset([data.indices.tolist().index(index)])
        Image.fromarray(one.images[0, ..., 0]).save(out / f"{name}.png", optimize=True)
        entries.append(
            {
                "name": name,
                "file": f"{name}.png",
                "title": title,
                "labels": {"mnist": int(one.labels[0])},
                "licence": "CC-BY-SA-3.0",
                "author": "Yann LeCun and Corinna Cortes",
                "index": index,
            }
        )
    return entries


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--skimage", type=Path, required=True)
    parser.add_argument("--gcompris", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("assets/samples"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    entries = digit_entries(args.out)
    for photo in PHOTOS:
        if photo.archive:
            source = rcc_member(args.gcompris / photo.archive, photo.member)
        else:
            source = (args.skimage / photo.member).read_bytes()
        write_photo(photo, source, args.out)
        entries.append(
            {
                "name": photo.name,
                "file": f"{photo.name}.jpg",
                "title": photo.title,
                "labels": {"cifar10": CIFAR10[photo.kind]},
                "licence": photo.licence,
                "author": photo.author,
            }
        )
        print(photo.name, "from", sha256(source).hexdigest())
    listing = json.dumps({"samples": entries}, indent=2) + "\n"
    (args.out / "samples.json").write_text(listing, encoding="utf-8")
    for file in sorted(args.out.iterdir()):
        print(file.name, file.stat().st_size, sha256(file.read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
