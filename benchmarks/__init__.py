"""Speed and memory as ratios from one run; `python -m benchmarks` prints them all."""

from rs_core.allocator import keep_freed_memory

keep_freed_memory()  # as `rs` and the app's worker do
