"""Input space divided into frozen regions of one sigma each: Wang et al. (2021)."""
