"""Neural networks from scratch, with the work shown."""
from ._version import __version__

