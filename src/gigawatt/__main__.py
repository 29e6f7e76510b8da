"""``python -m gigawatt`` is the same as ``gigawatt``."""

from __future__ import annotations

import sys

from gigawatt.cli import main

if __name__ == "__main__":
    sys.exit(main())
