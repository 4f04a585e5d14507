"""Who proposes a sigma for an image; a proposal certifies nothing."""

from rs_core.selectors.base import Selector
from rs_core.selectors.fixed import Fixed
from rs_core.selectors.gradient import Gradient
from rs_core.selectors.greedy_grid import GreedyGrid
from rs_core.selectors.grid import Grid
from rs_core.selectors.knn import Knn
from rs_core.selectors.multistart import Multistart, MultistartUniform
from rs_core.selectors.network import FromNetwork, SigmaNetwork
from rs_core.selectors.sigma_classifier import SigmaClassifier

SELECTORS: dict[str, type[Selector]] = {
    kind.name: kind
    for kind in (Fixed, Grid, GreedyGrid, Gradient, Multistart, MultistartUniform, Knn)
}

__all__ = [
    "SELECTORS",
    "Fixed",
    "FromNetwork",
    "Gradient",
    "GreedyGrid",
    "Grid",
    "Knn",
    "Multistart",
    "MultistartUniform",
    "Selector",
    "SigmaClassifier",
    "SigmaNetwork",
]
