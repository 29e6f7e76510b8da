"""Books that balance, whatever is entered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.programme.finance import Entry, Ledger

ACCOUNTS = ("asset: cash", "asset: plant", "liability: bonds", "equity: owner",
            "income: rent", "expense: power")  # fmt: skip
entries = st.builds(
    Entry,
    st.integers(2026, 2030),
    st.sampled_from(ACCOUNTS),
    st.sampled_from(ACCOUNTS),
    st.sampled_from(["servers", "shell"]),
    st.floats(-1e9, 1e9),
)


@given(st.lists(entries, max_size=60))
def test_the_trial_balance_is_zero(found):
    books = Ledger.of(found)
    assert books.trial_balance() == pytest.approx(0.0, abs=1e-3)
    assert all(e.usd > 0 for e in books.entries)


@given(st.lists(entries, max_size=60), st.sampled_from(ACCOUNTS))
def test_years_and_blocks_add_up_to_the_balance(found, account):
    books = Ledger.of(found)
    balance = books.balances().get(account, 0.0)
    assert books.movements(account, range(2026, 2031)).sum() == pytest.approx(balance, abs=1e-3)
    assert sum(books.by_block(account).values()) == pytest.approx(balance, abs=1e-3)


def test_a_purchase_by_hand():
    books = Ledger.of(
        [
            Entry(2026, "asset: cash", "equity: owner", "owner", 100.0),
            Entry(2026, "asset: plant", "asset: cash", "servers", 70.0),
            Entry(2027, "asset: cash", "asset: plant", "servers", -5.0),
        ]
    )
    assert books.balances() == {"asset: cash": 25.0, "asset: plant": 75.0, "equity: owner": -100.0}
    assert books.balances(through=2026)["asset: cash"] == 30.0
    assert books.movements("asset: plant", [2026, 2027], "servers").tolist() == [70.0, 5.0]
    assert books.accounts()[-1] == "equity: owner"


@pytest.mark.parametrize(
    ("entry", "match"),
    [
        ((2026, "cash", "equity: owner", "owner", 1.0), "account of no kind"),
        ((2026, "asset: cash", "equity: owner", "owner", float("nan")), "no sum"),
    ],
)
def test_nonsense_is_not_entered(entry, match):
    with pytest.raises(ValueError, match=match):
        Entry(*entry)
