"""The benchmarks: `python -m bench`. docs/benchmarks.md has the numbers, bench/options.py the switches."""
