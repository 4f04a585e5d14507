"""Speed and memory as ratios from one run; `.venv/bin/python -m benchmarks` prints them all."""
