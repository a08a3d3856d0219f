"""A doctor for training runs: what is wrong, measured on this very network and data, likeliest cause first."""

from .findings import CODES, Diagnosis, Finding

__all__ = ["CODES", "Diagnosis", "Finding"]
