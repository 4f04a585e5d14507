"""Throughput, as ratios from one run."""
