"""The books: every unit and amount lies in one account, and comes from `offered`.

offered -> granted -> redeemed | reversed | expired; redeemed -> reversed. The balance of `granted` is
what is owed; all accounts of an offer together sum to zero, exactly.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hub.offers.model import ACCOUNT_OF, Account, GrantState

Balance = tuple[str, Account, str, int, Decimal]
Sum = tuple[str, GrantState, str, int, Decimal]


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """What lies in one account of one offer in one currency; `currency` is empty where no value is known."""

    offer_key: str
    account: Account
    currency: str
    units: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class LiabilityReport:
    """The balances of all accounts, by offer, currency and account; `balanced` if they sum to zero."""

    balances: tuple[AccountBalance, ...]

    def owed(self) -> tuple[AccountBalance, ...]:
        """Return what is owed: the balances of `granted`."""
        return tuple(each for each in self.balances if each.account is Account.GRANTED)

    @property
    def balanced(self) -> bool:
        """Tell whether the accounts of each offer and currency sum to zero."""
        sums: dict[tuple[str, str], tuple[int, Decimal]] = {}
        for each in self.balances:
            units, amount = sums.get((each.offer_key, each.currency), (0, Decimal(0)))
            sums[each.offer_key, each.currency] = (units + each.units, amount + each.amount)
        return all(units == 0 and amount == 0 for units, amount in sums.values())


def report(balances: Iterable[Balance]) -> LiabilityReport:
    """Return the report of the entries' sums."""
    order = list(Account)
    rows = [AccountBalance(*balance) for balance in balances]
    rows.sort(key=lambda row: (row.offer_key, row.currency, order.index(row.account)))
    return LiabilityReport(tuple(rows))


def audit(
    balances: Iterable[Balance], sums: Iterable[Sum], counters: Mapping[str, Mapping[str, Any]]
) -> tuple[str, ...]:
    """Return every disagreement between entries, grants and counters, in sentences."""
    found: list[str] = []
    posted = {(key, account, currency): (u, a) for key, account, currency, u, a in balances if u or a}
    if not report([(*key, *value) for key, value in posted.items()]).balanced:
        found.append("the entries do not sum to zero")
    held = {(key, ACCOUNT_OF[state], currency): (u, a) for key, state, currency, u, a in sums if u or a}
    drawn = {at: value for at, value in posted.items() if at[1] is not Account.OFFERED}
    found += [
        f"{key}: {account} is {drawn.get((key, account, currency))} by entries"
        f" and {held.get((key, account, currency))} by grants"
        for key, account, currency in sorted(drawn.keys() | held.keys())
        if drawn.get((key, account, currency)) != held.get((key, account, currency))
    ]
    return (*found, *_counted(posted, counters))


def _counted(
    posted: Mapping[tuple[str, Account, str], tuple[int, Decimal]], counters: Mapping[str, Mapping[str, Any]]
) -> Iterable[str]:
    """Compare the counters that bound the budgets with what is owed or used by the entries."""
    units: dict[str, int] = {}
    amounts: dict[tuple[str, str], Decimal] = {}
    for (key, account, currency), (count, amount) in posted.items():
        if account in {Account.GRANTED, Account.REDEEMED}:
            units[key] = units.get(key, 0) + count
            if currency:
                amounts[key, currency] = amounts.get((key, currency), Decimal(0)) + amount
    for key in sorted(units.keys() | counters.keys()):
        counter = counters.get(key, {})
        if counter.get("units", 0) != units.get(key, 0):
            yield f"{key}: the counter says {counter.get('units', 0)} and the entries {units.get(key, 0)}"
        kept = {currency: value.to_decimal() for currency, value in counter.get("amounts", {}).items()}
        for currency in sorted(kept.keys() | {c for k, c in amounts if k == key}):
            if kept.get(currency, Decimal(0)) != amounts.get((key, currency), Decimal(0)):
                yield f"{key}: the counter's {currency} does not agree with the entries"
