"""The compiled path: whole epochs without returning to Python. Needs Numba, SciPy and threadpoolctl."""
