"""Sources: each is used, none stands twice, and each owner is credited in one wording."""

from __future__ import annotations

import re
from collections import Counter

from gigawatt import catalog

CATALOG = catalog.load()
# Files of one archive that share an address because their stations have none of their own.
ARCHIVES = {"https://rredc.nrel.gov/solar/old_data/nsrdb/1991-2005/tmy3"}
KEY = re.compile(r"[a-z0-9][a-z0-9.@_-]*[a-z0-9]")


def used_sources() -> set[str]:
    """Return the sources of all facts, and those that the notes name beside them."""
    used = set()
    for kind in CATALOG.kinds:
        for entry in CATALOG.entries(kind):
            for fact in entry.facts.values():
                used.add(fact.source.id)
                used.update(KEY.findall(fact.note))
    return used


def test_every_source_is_used_by_a_fact() -> None:
    assert CATALOG.sources.keys() - used_sources() == set()


def test_an_address_has_one_key() -> None:
    addresses = Counter(source.where.rstrip("/") for source in CATALOG.sources.values())
    assert {where for where, count in addresses.items() if count > 1} <= ARCHIVES


def test_owners_are_credited_in_one_wording() -> None:
    wording = {
        "Epoch AI": "Epoch AI, CC BY 4.0",
        "MLCommons": "MLPerf: name round, submitter and system",
        "U.S. Energy Information Administration": "US government work, public domain",
        "U.S. Environmental Protection Agency": "US government work, public domain",
    }
    credited = Counter()
    for source in CATALOG.sources.values():
        for owner, licence in wording.items():
            if source.publisher.startswith(owner):
                assert source.licence == licence, source.id
                credited[owner] += 1
    assert credited.keys() == wording.keys()
