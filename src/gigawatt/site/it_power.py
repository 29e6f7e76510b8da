"""What the accelerators and all that serves them draw, by what they are doing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["ACTIVITIES", "it_power_mw"]

ACTIVITIES: Final = ("training", "hosting", "research", "data_processing", "idle")
"""What an accelerator can be doing; every accelerator-hour is one of these."""


def it_power_mw(
    rated_mw: Hours, shares: dict[str, Hours], drawn: dict[str, float]
) -> dict[str, Hours]:
    """Return the IT power of each activity in each hour.

    P_a = rated power x share of the accelerators in the activity x share of the rating that the
    activity draws.

    Parameters
    ----------
    rated_mw : ndarray (hours,)
        All-in rated IT power of the accelerators present.
    shares : dict of str to ndarray (hours,)
        Share of the accelerators in each activity; they sum to 1.
    drawn : dict of str to float
        Share of the rating drawn in each activity, measured.

    Returns
    -------
    dict of str to ndarray (hours,)
        MW by activity.
    """
    return {activity: rated_mw * share * drawn[activity] for activity, share in shares.items()}
