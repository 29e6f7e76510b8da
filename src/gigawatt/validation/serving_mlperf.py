"""MLPerf submissions in a table of serving points, as rows of a table of submissions."""

from __future__ import annotations

import re
from typing import Final

from gigawatt.validation.serving_rows import number

__all__ = ["as_submission", "is_submission"]

_LOAD: Final = re.compile(r"MLPerf (\w+) \((\w+), (.+), ([^,]+)\)")
"""Scenario, division, submitter and system in the column of the load."""
_ROUND: Final = re.compile(r"mlperf_inference_(v[\d.]+)")


def is_submission(row: dict[str, str]) -> bool:
    """Return whether a serving point is a submission to MLPerf."""
    return bool(_LOAD.match(row["load"]))


def as_submission(row: dict[str, str]) -> dict[str, str]:
    """Return the row in the columns of a table of submissions.

    Parameters
    ----------
    row : dict of str to str
        A row for which `is_submission` holds.
    """
    found = _LOAD.match(row["load"])
    scenario, division, submitter, system = found.groups() if found else ("", "", "", "")
    edition = _ROUND.match(row["source_group"])
    rate, answer = number(row, "out_tok_s_total"), number(row, "osl")
    return {
        "id": row.get("id", ""),
        "round": edition[1] if edition else "",
        "division": division,
        "submitter": submitter,
        "system": system,
        "accelerator": row["hardware"],
        "num_accel": row["num_gpus"],
        "model": row["model"],
        "scenario": scenario,
        "weight_dtype": row["precision"],
        "framework": row["engine"],
        "tokens_per_s": row["out_tok_s_total"],
        # The table's answers are tokens over samples of the same run.
        "samples_per_s": str(rate / answer) if rate and answer else "",
    }
