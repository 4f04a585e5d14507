"""How far drawn noise lies from rounded Gaussian noise: the tables of docs/arithmetic.md.

    .venv/bin/python scripts/drawn_law.py

The density of numpy's ziggurat is worked out with 40 digits from the tables in its own library.
"""

import struct
from pathlib import Path

import mpmath as mp
import numpy as np

from rs_core.pixel_grid import STEPS

LAYERS, R = 256, mp.mpf("3.6541528853610087963519472518")  # numpy's ziggurat_nor_r
FIRST_KI, FIRST_WI = 0x000EF33D8025EF6A, 8.68362706080130616677e-16  # by which they are found
INPUTS = (("1x28x28", 784, 0.5), ("3x32x32", 3072, 0.5), ("3x32x32", 3072, 7.0),
          ("3x224x224", 150_528, 1.0))  # fmt: skip


def tables() -> tuple[list[int], list[mp.mpf], list[mp.mpf]]:
    """ki, wi and fi of numpy's library; fi stands where it begins with 1 and exp(-x^2/2)."""
    data = (Path(np.__file__).parent / "random/lib/libnpyrandom.a").read_bytes()
    ki = np.frombuffer(data, "<u8", LAYERS, data.index(struct.pack("<Q", FIRST_KI)))
    wi = np.frombuffer(data, "<f8", LAYERS, data.index(struct.pack("<d", FIRST_WI)))
    second = float(mp.exp(-((mp.mpf(float(wi[1])) * 2**52) ** 2) / 2))
    one, start = struct.pack("<d", 1.0), -1
    while True:
        start = data.index(one, start + 1)
        fi = np.frombuffer(data[start : start + 8 * LAYERS].ljust(8 * LAYERS), "<f8")
        if abs(fi[1] - second) < 1e-12:
            return [int(k) for k in ki], _exactly(wi), _exactly(fi)


def _exactly(values: np.ndarray) -> list[mp.mpf]:
    return [mp.mpf(float(value)) for value in values]


def table_errors() -> tuple[mp.mpf, mp.mpf]:
    """The largest share by which the density is off within R, and that of the tail's mass."""
    ki, wi, fi = tables()
    ends = [w * 2**52 for w in wi]  # layer i holds x uniform on [0, ends[i])
    sure = [k * w for k, w in zip(ki, wi, strict=True)]  # below, x is taken without a look

    def taken(layer: int, x: mp.mpf) -> mp.mpf:
        if x < sure[layer]:
            return mp.mpf(1)
        if layer == 0:
            return mp.mpf(0)
        share = (mp.exp(-x * x / 2) - fi[layer]) / (fi[layer - 1] - fi[layer])
        return min(max(share, mp.mpf(0)), mp.mpf(1))

    def area(low: mp.mpf, high: mp.mpf) -> mp.mpf:
        return mp.sqrt(mp.pi / 2) * (mp.erf(high / mp.sqrt(2)) - mp.erf(low / mp.sqrt(2)))

    tail = (1 - sure[0] / ends[0]) / LAYERS
    accepted = tail + sum(s / e for s, e in zip(sure, ends, strict=True)) / LAYERS
    for i in range(1, LAYERS):
        wedge = area(sure[i], ends[i]) - fi[i] * (ends[i] - sure[i])
        accepted += wedge / (fi[i - 1] - fi[i]) / ends[i] / LAYERS
    places = sorted(ends[1:])
    worst = mp.mpf(0)
    for low, high in zip([mp.mpf(0), *places[:-1]], places, strict=True):
        for part in (0.01, 0.5, 0.99):
            x = low + (high - low) * part
            density = sum(taken(i, x) / ends[i] for i in range(LAYERS) if x < ends[i])
            true = mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)
            worst = max(worst, abs(density / (2 * LAYERS) / accepted / true - 1))
    return worst, abs(tail / accepted / mp.erfc(R / mp.sqrt(2)) - 1)


def shown(value: object) -> str:
    """Two digits, rounded up: these are bounds."""
    number = float(value)
    exponent = int(np.floor(np.log10(number)))
    digits = np.ceil(number / 10.0 ** (exponent - 1) - 1e-9) / 10
    return f"{digits:.1f}e{exponent}"


def main() -> None:
    mp.mp.dps = 40
    density, tail = table_errors()
    widest = float(max(w for w in tables()[1])) * STEPS
    scaling = 2 * float(R) * 2.0**-52 * STEPS
    coarse = STEPS * 2.0**-53 / float(R)
    one = widest + scaling
    print("| source | share |\n|---|---|")
    print(f"| numpy's tables: density within 3.654, share of the tail | {shown(density)}, "
          f"{shown(tail)} |")  # fmt: skip
    print("| a normal within 3.654 is a whole number times one of 256 spacings: a cell holds one "
          f"more or fewer | {shown(widest)} sigma |")  # fmt: skip
    print("| scaling: sigma's and the product's last bits move both ends of a cell | "
          f"{shown(scaling)} sigma |")  # fmt: skip
    print("| beyond 3.654, uniform numbers of 53 bits grow coarse | "
          f"{shown(coarse)} sigma exp(3.654 (z - 3.654)) |")  # fmt: skip
    print("\n| input | sigma | at most, of p >= 1/2 | in standard errors of n = 10^5 | of 10^8 |")
    print("|---|---|---|---|---|")
    for name, values, sigma in INPUTS:
        gap = one * sigma * np.sqrt(values)
        print(f"| {name} | {sigma:g} | {shown(gap)} | {shown(gap * np.sqrt(1e5))} | "
              f"{shown(gap * 1e4)} |")  # fmt: skip


if __name__ == "__main__":
    main()
