"""A message is made today and opened next week: its pictures and links are looked at again when they are asked for.

    made      every picture and link of an item is an address of the hub's: served id, content key, stamp
    opened    picture(...) -> the item as it is now, or what stands in its place
              link(...)    -> its page, or the page of what stands in its place

An item has gone if it cannot be had any more, breaks a rule of the brand by now, or the customer has hidden it
or bought what closes it since: the same gates as everywhere, but frequency, which counts this very
message. In its place stands the best of the ranking of now that the message does not show, of its kind and as near to
its category as there is. Nothing is written, and what is worked out is remembered for five seconds, since a mail
program asks for all pictures at once.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from hub.auth.tokens import Signer
from hub.catalogue.model import Content
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.channels.slots import eligible
from hub.config import Settings
from hub.consent.gate import admit
from hub.consent.regions import Rules
from hub.decisions.model import Channel, Decision, MixRequest
from hub.errors import NotFound, TuttiError
from hub.kit.clock import Clock
from hub.ledger.items import contents_of
from hub.ledger.model import Served
from hub.offers.model import UNKNOWN, Standing
from hub.profiles.model import CustomerRef, Profile
from hub.profiles.view import ProfileView

PREVIEW = "preview"  # stands in a preview's addresses for the served id
PICTURE, LINK, VIEW, OFFER = "picture", "link", "view", "offer"
REMEMBERED_SECONDS = 5.0
MOST_REMEMBERED = 2_000
PATIENCE = 2.0  # seconds for reading and deciding; then the message shows what it was sent with


@dataclass(frozen=True, slots=True)
class OpenLinks:
    """Makes the addresses of one message; equal for equal arguments, so that presenting stays pure."""

    base_url: str
    signer: Signer
    served_id: str | None  # None: a preview

    def picture(self, key: str) -> str:
        """Return the address of an item's picture."""
        return f"{self._address('pictures', PICTURE, key)}.png"

    def link(self, key: str) -> str | None:
        """Return the address that leads to an item; None in a preview, whose links are plain."""
        return None if self.served_id is None else self._address("links", LINK, key)

    def view(self) -> str | None:
        """Return the address of the message as it was sent; None in a preview, which was not."""
        if self.served_id is None:
            return None
        return f"{self.base_url}/view/{self.served_id}/{self.signer.stamp(VIEW, self.served_id)}"

    def offer(self, key: str) -> str | None:
        """Return the address of the page that tells how an offer stands; None in a preview, which promises nothing."""
        return None if self.served_id is None else self._address("offers", OFFER, key)

    def offer_line(self, key: str) -> str | None:
        """Return the address of a picture that tells it in a line; None in a preview."""
        page = self.offer(key)
        return None if page is None else f"{page}.png"

    def _address(self, door: str, purpose: str, key: str) -> str:
        served = self.served_id or PREVIEW
        return (
            f"{self.base_url}/{door}/{served}/{self.signer.stamp(purpose, served, key)}/{quote(key, safe='')}"
        )


@dataclass(frozen=True, slots=True)
class Opened:
    """What an item of a message is now.

    `content` is what to show, None where there is nothing; `instead_of` the title of what has gone.
    """

    content: Content | None
    instead_of: str | None = None


class Profiles(Protocol):
    """What is needed of the profile service."""

    async def find(self, ref: CustomerRef, *, keep: bool = True) -> Profile | None: ...


class Decisions(Protocol):
    """What is needed of the decision service."""

    async def decide(
        self,
        view: ProfileView,
        scenario_key: str,
        mix_request: MixRequest,
        *,
        standing: Standing = ...,
    ) -> Decision: ...

    async def gone(self, view: ProfileView, scenario_key: str, keys: Sequence[str]) -> frozenset[str]: ...


class Ledger(Protocol):
    """What is needed of the ledger."""

    async def get(self, served_id: str) -> Served: ...


class OpeningService:
    """Tells what the items of a message are now."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        snapshot: Callable[[], CatalogueSnapshot],
        profiles: Profiles,
        decisions: Decisions,
        ledger: Ledger,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rules = Rules.parse(settings.default_region, settings.personalization_opt_in)
        self._clock = clock
        self._snapshot = snapshot
        self._profiles = profiles
        self._decisions = decisions
        self._ledger = ledger
        self._monotonic = monotonic
        self._remembered: dict[str, tuple[float, asyncio.Task[Mapping[str, Opened]]]] = {}

    async def opened(self, served_id: str, key: str) -> Opened:
        """Return what an item of a message is now; of a preview: the item as it is.

        Where the store does not answer in time the item itself is returned: better old than nothing.
        """
        if served_id == PREVIEW:
            return Opened(self._current(key))
        looking = self._items(served_id)
        await asyncio.wait([looking], timeout=PATIENCE)  # who waits may go, the look goes on for the others
        # No row any more: erased, or no longer kept. Nothing is known of whom it was for.
        if not looking.done() or isinstance(looking.exception(), TuttiError):
            return Opened(self._current(key))
        return looking.result().get(key) or Opened(self._current(key))

    async def sent(self, served_id: str) -> Served:
        """Return the row of a message.

        Raises:
            NotFound: there is none, or no longer.
        """
        served = await self._ledger.get(served_id)
        if served.html is None:
            raise NotFound("nothing was sent under this id, or it is no longer kept", path=("id",))
        return served

    def forget(self) -> None:
        """Forget what this process remembers of customers."""
        self._remembered.clear()

    def _items(self, served_id: str) -> "asyncio.Task[Mapping[str, Opened]]":
        now = self._monotonic()
        until, task = self._remembered.get(served_id, (0.0, None))
        if task is not None and now < until and not (task.done() and task.exception() is not None):
            return task
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered = {key: kept for key, kept in self._remembered.items() if kept[0] > now}
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
        made = asyncio.create_task(self._look_again(served_id))
        self._remembered[served_id] = (now + REMEMBERED_SECONDS, made)
        return made

    async def _look_again(self, served_id: str) -> Mapping[str, Opened]:
        served = await self._ledger.get(served_id)
        sent = contents_of(served)
        read = None
        if served.profile_id is not None:
            read = await self._profiles.find(CustomerRef("id", served.profile_id), keep=False)
        snapshot = self._snapshot()
        view = admit(read, snapshot, channel=served.channel, at=self._clock.now(), rules=self._rules).view
        try:
            gone = await self._decisions.gone(view, served.scenario_key, tuple(sent))
            fresh: Sequence[Content] = ()
            if gone:
                decision = await self._decisions.decide(
                    view, served.scenario_key, MixRequest(), standing=UNKNOWN
                )
                fresh = [each for each in decision.ranking.contents if each.key not in sent]
        except NotFound:  # the scenario was taken away
            gone, fresh = frozenset(key for key in sent if snapshot.row(key) is None), ()
        return _replaced(sent, gone, [each for each in fresh if eligible(each, Channel.EMAIL)], snapshot)

    def _current(self, key: str) -> Content | None:
        snapshot = self._snapshot()
        row = snapshot.row(key)
        return None if row is None or row in snapshot.brand_faults else snapshot.contents[row]


def _replaced(
    sent: Mapping[str, Content], gone: frozenset[str], fresh: Sequence[Content], snapshot: CatalogueSnapshot
) -> dict[str, Opened]:
    """Return what each item is now; no two are replaced by the same."""
    left = list(fresh)
    opened: dict[str, Opened] = {}
    for key, content in sent.items():
        if key not in gone:
            row = snapshot.row(key)
            opened[key] = Opened(content if row is None else snapshot.contents[row])
            continue
        instead = min(
            (each for each in left if each.kind is content.kind),
            key=lambda each: -_shared(each.category, content.category),
            default=None,
        )
        if instead is not None:
            left.remove(instead)
        opened[key] = Opened(instead, content.title)
    return opened


def _shared(one: str, other: str) -> int:
    """Return how many steps from the top two categories have in common."""
    steps = 0
    for a, b in zip(one.split("/"), other.split("/"), strict=False):
        if a != b:
            break
        steps += 1
    return steps
