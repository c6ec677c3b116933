"""Puts the demo house into the catalogue, and plays its customers' histories through the public ingest.

Both can be done again at any time: the catalogue leaves alone what is unchanged, and every message has
an id that does not depend on the clock, so what was taken once is a duplicate the next time. A run that
was killed is completed by the next one.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Protocol

import httpx

from hub.catalogue.putting import PutResult
from hub.catalogue.service import CatalogueService
from hub.demo.crowd import Shopper, crowd_messages, shoppers
from hub.demo.histories import messages
from hub.demo.house import House, load_house
from hub.demo.personas import Persona, load_personas
from hub.errors import InvalidInput, Unavailable
from hub.events.service import ERASED

BATCH = 100
CROWD_BATCH = 400
ATTEMPTS = 6
FIRST_PAUSE = 0.2  # seconds, doubled at each attempt
TRY_AGAIN = frozenset({429, 502, 503, 504})

Say = Callable[[str], None]


class HasCatalogue(Protocol):
    """What the demo needs of the hub's services."""

    @property
    def catalogue(self) -> CatalogueService: ...


@dataclass(frozen=True, slots=True)
class InstallReport:
    """What putting the house into the catalogue changed, by sort."""

    brand_facts: PutResult
    offers: PutResult
    contents: PutResult
    answers: PutResult
    segments: PutResult

    def __str__(self) -> str:
        parts = (
            (self.brand_facts, "brands"),
            (self.offers, "offers"),
            (self.contents, "products and articles"),
            (self.answers, "approved answers"),
            (self.segments, "segments"),
        )
        return "; ".join(
            f"{name}: {put.added} added, {put.changed} changed, {put.unchanged} as before"
            for put, name in parts
        )


@dataclass(frozen=True, slots=True)
class PlayReport:
    """How the hub took the histories: messages that were new, and those it had already."""

    personas: int = 0
    accepted: int = 0
    duplicates: int = 0

    def __str__(self) -> str:
        return f"{self.personas} customers: {self.accepted} events taken, {self.duplicates} known already"


def persona_ids() -> list[str]:
    """Return the user ids of the demo's customers, in the order of their file."""
    return [persona.user_id for persona in load_personas()]


async def install(services: HasCatalogue, *, house: House | None = None) -> InstallReport:
    """Put brand facts, offers, contents, answers and segments into the catalogue; a second time changes nothing.

    The facts come first, since the claims of everything else are checked against them.
    """
    house = house or load_house()
    catalogue = services.catalogue
    removed = await catalogue.removed_segments(segment.key for segment in house.segments)
    return InstallReport(
        brand_facts=await catalogue.put_brand_facts(house.brand_facts),
        offers=await catalogue.put_offers(house.offers),
        contents=await catalogue.put_contents(house.contents, keep_faulty=True),
        answers=await catalogue.put_answers(house.answers),
        segments=await catalogue.put_segments([each for each in house.segments if each.key not in removed]),
    )


async def play(
    base_url: str,
    write_key: str,
    now: datetime,
    on_progress: Say | None = None,
    *,
    client: httpx.AsyncClient | None = None,
    personas: Sequence[Persona] | None = None,
) -> PlayReport:
    """Post every persona's history, told relative to `now`, to the ingest endpoint of a hub.

    Args:
        base_url: where the hub answers, such as `http://127.0.0.1:8470`.
        write_key: a key of the scope INGEST; it is sent as Basic user name, as Segment's clients do.
        now: the instant that "ago" is counted from.
        on_progress: is told one line for each customer.
        client: used instead of an own one, for an application that is not on the network.
        personas: whose histories are played instead of everybody's.

    Raises:
        InvalidInput: the hub refused a message, or the key; the sentence is the hub's own.
        Unavailable: the hub could not be reached, or could not answer, after several attempts.
    """
    content = load_house().content
    cast = load_personas() if personas is None else tuple(personas)
    report = PlayReport()
    async with _client(client, base_url) as http:
        for number, persona in enumerate(cast, start=1):
            before = report
            for path, body in _requests(messages(persona, content, now)):
                accepted, duplicates = await _post(http, base_url, write_key, path, body)
                report = PlayReport(number, report.accepted + accepted, report.duplicates + duplicates)
            if on_progress is not None:
                fresh = report.accepted - before.accepted
                on_progress(f"{number}/{len(cast)} {persona.user_id}: {fresh} events taken")
    return report


async def play_crowd(
    base_url: str,
    write_key: str,
    now: datetime,
    *,
    client: httpx.AsyncClient | None = None,
    crowd: Sequence[Shopper] | None = None,
) -> PlayReport:
    """Post what the demo's other shoppers did, in large batches: of them only their number counts.

    Args and errors: as of `play`.
    """
    members = shoppers() if crowd is None else tuple(crowd)
    told = list(crowd_messages(load_house().content, now, members))
    accepted = duplicates = 0
    async with _client(client, base_url) as http:
        for start in range(0, len(told), CROWD_BATCH):
            batch = {"batch": told[start : start + CROWD_BATCH]}
            taken, known = await _post(http, base_url, write_key, "/v1/batch", batch)
            accepted, duplicates = accepted + taken, duplicates + known
    return PlayReport(len(members), accepted, duplicates)


@asynccontextmanager
async def _client(given: httpx.AsyncClient | None, base_url: str) -> AsyncIterator[httpx.AsyncClient]:
    if given is not None:
        yield given
        return
    # The hub is near, often on this very machine: a proxy of the environment would only be in the way.
    async with httpx.AsyncClient(base_url=base_url, timeout=30, trust_env=False) as own:
        yield own


def _requests(history: Sequence[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return path and body of each request: `identify` alone, everything else in batches."""
    for alone, run in groupby(history, key=lambda message: message["type"] == "identify"):
        if alone:
            yield from (("/v1/identify", message) for message in run)
        else:
            rest = list(run)
            for start in range(0, len(rest), BATCH):
                yield "/v1/batch", {"batch": rest[start : start + BATCH]}


async def _post(
    http: httpx.AsyncClient, base_url: str, write_key: str, path: str, body: Mapping[str, Any]
) -> tuple[int, int]:
    """Return how many messages were taken and how many were known, trying again while the hub cannot answer."""
    trouble = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            await asyncio.sleep(FIRST_PAUSE * 2 ** (attempt - 1))
        try:
            response = await http.post(f"{base_url.rstrip('/')}{path}", json=body, auth=(write_key, ""))
        except httpx.TransportError as error:
            trouble = str(error) or type(error).__name__
            continue
        if response.status_code in TRY_AGAIN:
            trouble = _detail(response)
            continue
        return _counts(response, path)
    raise Unavailable(f"the hub at {base_url} does not take the demo's events: {trouble}")


def _counts(response: httpx.Response, path: str) -> tuple[int, int]:
    """Return how many were taken and how many not anew; the past of a persona who was erased stays forgotten."""
    if response.is_error:
        if _only_erased(response):
            return 0, 1
        raise InvalidInput(f"the hub refused the demo's events at {path}: {_detail(response)}")
    answer = response.json()
    rejected = [one for one in answer.get("rejected") or [] if one["code"] != ERASED]
    if rejected:
        raise InvalidInput(f"the hub refused {len(rejected)} of the demo's events: {rejected[0]}")
    return int(answer["accepted"]), int(answer["duplicates"])


def _only_erased(response: httpx.Response) -> bool:
    try:
        told = response.json()
    except ValueError:
        return False
    if not isinstance(told, dict):
        return False
    codes = {one.get("code") for one in told.get("rejected", ())} or {told.get("code")}
    return codes == {ERASED}


def _detail(response: httpx.Response) -> str:
    try:
        told = response.json()
    except ValueError:
        return f"HTTP {response.status_code}"
    return str(told.get("detail", told)) if isinstance(told, dict) else f"HTTP {response.status_code}"
