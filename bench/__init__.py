"""The benchmarks: `python -m bench`. docs/benchmarks.md has the numbers and how to run each, bench/options.py the switches."""
