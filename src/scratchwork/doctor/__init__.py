"""A doctor for training runs: what is wrong, measured on this very network and data, likeliest cause first."""

from .after import diagnose_after, diagnose_history
from .before import diagnose
from .findings import CODES, Diagnosis, Finding
from .repeating import check_prediction

__all__ = ["CODES", "Diagnosis", "Finding", "check_prediction", "diagnose", "diagnose_after", "diagnose_history"]
