"""Fuzzing of every reader of the library: `python -m benchmarks.fuzz.run --help`."""
