"""Campuses small enough to reason about."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from gigawatt.spec import Campus

BASE: dict[str, Any] = {
    "name": "Test campus",
    "site": {"place": "Columbus", "state": "OH", "climate": "columbus-oh", "grid": "pjm"},
    "horizon": {"start": dt.date(2027, 1, 1), "years": 1},
    "phases": [
        {
            "name": "One",
            "date": dt.date(2027, 1, 1),
            "it_mw": 100.0,
            "facility_mw": 130.0,
            "chips": [{"type": "gb200-nvl72", "count": 40_000}],
        },
    ],
    "cooling": {"plant": "closed-loop-dry"},
    "programme": {
        "training_share": 0.5,
        "training": [{"name": "Maverick", "model": "llama-4-maverick", "tokens": 22e12}],
        "services": [{"name": "Chat", "model": "llama-4-maverick", "share": 0.3}],
        "research": {"share": 0.1},
        "data_processing": {"share": 0.05},
    },
}


@pytest.fixture(scope="session")
def campus():
    """Return a maker of campuses that differ from the base in the sections given."""

    def make(**sections: Any) -> Campus:
        return Campus.model_validate({**BASE, **sections})

    return make
