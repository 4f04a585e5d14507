"""The engine proper: noisy votes, predictions, certificates, radius curves."""

from rs_core.smoothing.certify import Certify
from rs_core.smoothing.noise import noisy_copies
from rs_core.smoothing.sampling import draw_votes
from rs_core.smoothing.sequential import CertifySequential
from rs_core.smoothing.sweep import Sweep
from rs_core.smoothing.voting import Predict

__all__ = ["Certify", "CertifySequential", "Predict", "Sweep", "draw_votes", "noisy_copies"]
