"""Grants, the entries that account for them, and where a customer stands with the offers of the house."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from hub.catalogue.model import Offer
from hub.kit.money import Money


class GrantState(StrEnum):
    """Where a grant stands."""

    ISSUED = "ISSUED"
    REDEEMED = "REDEEMED"
    REVERSED = "REVERSED"
    EXPIRED = "EXPIRED"


class Account(StrEnum):
    """Where units and amounts lie. They come from OFFERED, whose balance is what was ever issued, below zero."""

    OFFERED = "offered"
    GRANTED = "granted"  # what is owed: issued, and neither used nor ended
    REDEEMED = "redeemed"
    REVERSED = "reversed"
    EXPIRED = "expired"


class Transfer(StrEnum):
    """What moves a grant from one account to the next; each happens to a grant once at most."""

    GRANT = "grant"
    REDEEM = "redeem"
    REVERSE = "reverse"
    EXPIRE = "expire"


ACCOUNT_OF: Mapping[GrantState, Account] = {
    GrantState.ISSUED: Account.GRANTED,
    GrantState.REDEEMED: Account.REDEEMED,
    GrantState.REVERSED: Account.REVERSED,
    GrantState.EXPIRED: Account.EXPIRED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The issue of an offer to one customer: `offer` is what was promised, whatever it has become since.

    `issue_key` and `redeem_key` are the keys by which the same call, sent again, is known.
    """

    id: str
    code: str
    offer: Offer
    profile_id: str  # to whom it was issued; a merge changes nothing here
    household: str | None = None
    channel: str
    state: GrantState = GrantState.ISSUED
    granted_at: datetime
    expires_at: datetime | None = None
    redeemed_at: datetime | None = None
    reversed_at: datetime | None = None
    reason: str = ""  # why it was reversed
    order_id: str | None = None
    issue_key: str | None = None
    redeem_key: str | None = None

    def live_at(self, at: datetime) -> bool:
        """Tell whether it can be redeemed at an instant."""
        return self.state is GrantState.ISSUED and (self.expires_at is None or at < self.expires_at)

    def as_of(self, at: datetime) -> "Grant":
        """Return it as it stands at an instant: one whose time is over is expired, posted or not yet."""
        over = self.state is GrantState.ISSUED and not self.live_at(at)
        return replace(self, state=GrantState.EXPIRED) if over else self


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One side of a transfer. Of the two sides of each, units and amounts sum to zero."""

    grant_id: str
    offer_key: str
    transfer: Transfer
    account: Account
    units: int
    amount: Decimal
    currency: str  # empty where the offer has no value in money
    at: datetime

    @property
    def id(self) -> str:
        """Its key: a grant is posted to an account by a transfer once."""
        return f"{self.grant_id}:{self.transfer}:{self.account}"


def entries_of(
    grant: Grant, transfer: Transfer, source: Account, target: Account, at: datetime
) -> tuple[Entry, Entry]:
    """Return both sides of moving a grant from one account to another."""
    worth = grant.offer.worth or Money(Decimal(0), "XXX")
    currency = worth.currency if grant.offer.worth else ""

    def side(account: Account, sign: int) -> Entry:
        return Entry(
            grant_id=grant.id,
            offer_key=grant.offer.key,
            transfer=transfer,
            account=account,
            units=sign,
            amount=sign * worth.amount,
            currency=currency,
            at=at,
        )

    return side(source, -1), side(target, 1)


@dataclass(frozen=True, slots=True)
class Standing:
    """How one customer stands with the offers: what they hold, and what cannot be issued to them any more.

    `closed` maps an offer's key to the rule that closes it: budget_spent, per_person, per_household.
    `unknown`: the store could not be asked, so nothing that is bounded is made.
    """

    live: Mapping[str, Grant] = field(default_factory=dict)  # by offer key
    closed: Mapping[str, str] = field(default_factory=dict)
    unknown: bool = False

    def open_to(self, offer: Offer) -> bool:
        """Tell whether an offer may be made anew."""
        return offer.key not in self.closed and not (self.unknown and offer.limited)


NOTHING_KNOWN = Standing()
UNKNOWN = Standing(unknown=True)


def live_grants(grants: Iterable[Grant], at: datetime) -> dict[str, Grant]:
    """Return, of one person's grants, those that can be redeemed, by offer key; of several the first issued.

    Two profiles that turn out to be one person may hold more than the cap allows; then what is beyond
    it cannot be redeemed, and is not shown.
    """
    ordered = sorted(grants, key=lambda grant: (grant.granted_at, grant.id))
    used: dict[str, int] = {}
    for grant in ordered:
        used[grant.offer.key] = used.get(grant.offer.key, 0) + (grant.state is GrantState.REDEEMED)
    live: dict[str, Grant] = {}
    for grant in ordered:
        most = grant.offer.per_person
        if grant.live_at(at) and (most is None or used[grant.offer.key] < most):
            live.setdefault(grant.offer.key, grant)
    return live
