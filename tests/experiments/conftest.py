"""Certified points made by hand: their geometry is known, nothing is drawn."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from rs_core.experiments.points import pairwise_distances, plane_map
from rs_core.results import Certificate, Selection
from rs_core.results.arrangement import Points


def certificate_of(label: int | None, radius: float, sigma: float = 0.25) -> Certificate:
    return Certificate(
        predicted=label, radius=radius, norm="l2", p_lower=0.9, p_upper_runner_up=None,
        sigma=sigma, n_top=950, n0=100, n=1000, alpha=1e-3, bound="clopper-pearson",
        guarantee="C", statement="sigma held fixed", counts=(950, 50, 0, 0), draws=1100,
        noise="gaussian", stream="frozen 0", precision="fp32", device="cpu", weights_id="w",
        image_digest="d", preprocessing=(), seed=0,
    )  # fmt: skip


def points_of(pixels: np.ndarray, labels: Sequence[int | None], radii: Sequence[float]) -> Points:
    """Points (N, C, H, W) with these certified labels and radii; equal pixels, equal digests."""
    flat = pixels.reshape(len(pixels), -1)
    distances = pairwise_distances(flat)
    certificates = [
        certificate_of(label, 0.0 if label is None else float(radius))
        for label, radius in zip(labels, radii, strict=True)
    ]
    true_plane = flat.shape[1] == 2
    return Points(
        names=tuple(f"point {k}" for k in range(len(pixels))),
        digests=tuple(blake2b(row.tobytes(), digest_size=16).hexdigest() for row in flat),
        labels=tuple(labels),
        selections=tuple(Selection("grid", c.sigma, (), 500) for c in certificates),
        certificates=tuple(certificates),
        distances=distances,
        coordinates=flat.astype(np.float64) if true_plane else plane_map(distances),
        true_plane=true_plane,
        policy="grid by hand",
    )


def on_a_line(*places: float) -> np.ndarray:
    """Images of two values, (x, 0.5)."""
    return np.array([[[[x, 0.5]]] for x in places], dtype=np.float32)
