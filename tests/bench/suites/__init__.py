"""The rows of the benchmark, one module for each area; `python -m tests.bench` imports them all."""
