"""`python -m scratchwork` is the command `scratchwork`."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
