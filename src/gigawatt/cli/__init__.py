"""The command line: ``gigawatt``.

Results go to stdout, progress and warnings to stderr. Exit codes: 0 done, 1 failed, 2 bad input,
130 interrupted.
"""

from __future__ import annotations

import signal
import sys

__all__ = ["main"]

_INTERRUPTED = 130


def main(args: list[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    args : list of str, optional
        Arguments after the program's name; those of the process if left out.

    Examples
    --------
    >>> main(["--version"])
    gigawatt 0.1.0
    0
    """
    try:
        # Imported here, so that an interrupt during start-up is as quiet as one later.
        from gigawatt.cli._app import invoke  # noqa: PLC0415

        return invoke(args)
    except KeyboardInterrupt:
        print("gigawatt: interrupted", file=sys.stderr)  # noqa: T201  click may not be imported yet
        return _INTERRUPTED
    finally:
        if args is None:  # the process ends here; a late interrupt has nothing left to stop
            signal.signal(signal.SIGINT, signal.SIG_IGN)
