"""How an offer of a message stands when the message is read.

The words of a message cannot change, and an offer in it may have ended since, or been used. So beside each
offer stand a line, which is a picture, and a page, both addresses of the hub's: they tell how it stands now.

    issued to the customer   as its grant stands: good, until when; ended, used or taken back, on which day
    shown without a grant    as the catalogue has it: good, ended, or not offered any more
    nothing is known         the row was erased or is no longer kept, or the store does not answer: that is said

Nothing is written, and nobody is told that a message was opened.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from hub.catalogue.snapshot import CatalogueSnapshot
from hub.channels.words import full_day
from hub.errors import NotFound, Unavailable
from hub.kit.clock import Clock
from hub.kit.deadline import within
from hub.ledger.model import Served
from hub.offers.model import Grant, GrantState

PATIENCE = 2.0  # seconds for reading; then it is said that nothing can be told
UNTOLD = "We cannot tell right now whether it still holds"


@dataclass(frozen=True, slots=True)
class OfferNow:
    """An offer of a message as it stands: `words` is a sentence without a full stop, `code` only while it is good."""

    words: str
    title: str = ""
    terms: str = ""
    code: str | None = None


class Ledger(Protocol):
    """What is needed of the ledger."""

    async def get(self, served_id: str) -> Served: ...


class Offers(Protocol):
    """What is needed of the offers."""

    async def get(self, *, grant_id: str | None = None, code: str | None = None) -> Grant: ...


class OfferOpening:
    """Tells how the offers of messages stand."""

    def __init__(
        self, clock: Clock, snapshot: Callable[[], CatalogueSnapshot], ledger: Ledger, offers: Offers
    ) -> None:
        self._clock = clock
        self._snapshot = snapshot
        self._ledger = ledger
        self._offers = offers

    async def offer(self, served_id: str, key: str) -> OfferNow:
        """Return how an offer of a message stands now."""
        try:
            return await within(PATIENCE, self._look(served_id, key))
        except (NotFound, Unavailable, TimeoutError):
            return OfferNow(UNTOLD)

    async def _look(self, served_id: str, key: str) -> OfferNow:
        served = await self._ledger.get(served_id)
        told = next((each for each in served.content["offers"] if each["key"] == key), None)
        if told is None:
            raise NotFound("this message made no such offer")
        issued: Mapping[str, Any] | None = told["grant"]
        if issued is None:
            return OfferNow(self._of_catalogue(key), told["title"], told["terms"])
        grant = (await self._offers.get(grant_id=issued["id"])).as_of(self._clock.now())
        good = grant.state is GrantState.ISSUED
        return OfferNow(_words(grant), told["title"], told["terms"], issued["code"] if good else None)

    def _of_catalogue(self, key: str) -> str:
        offer = next((each for each in self._snapshot().offers if each.key == key), None)
        if offer is None:
            return "This offer is not made any more"
        if offer.valid_until is None:
            return "This offer holds"
        day = full_day(offer.valid_until)
        if offer.valid_until <= self._clock.now():
            return f"This offer ended on {day}"
        return f"This offer holds, until {day}"


def _words(grant: Grant) -> str:
    match grant.state:
        case GrantState.REDEEMED if grant.redeemed_at is not None:
            return f"Used on {full_day(grant.redeemed_at)}"
        case GrantState.REVERSED if grant.reversed_at is not None:
            return f"Taken back on {full_day(grant.reversed_at)}"
        case GrantState.EXPIRED if grant.expires_at is not None:
            return f"This offer ended on {full_day(grant.expires_at)}"
        case GrantState.ISSUED:
            until = f", until {full_day(grant.expires_at)}" if grant.expires_at is not None else ""
            return f"This offer holds{until}"
        case _:
            return "This offer has ended"
