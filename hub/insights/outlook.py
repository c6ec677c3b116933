"""Asks customers what a scenario would show them, until the outlook is sure enough. Nothing is recorded.

The pages may be made here or by other processes (`hub.insights.workers`); what is added up is the same.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from hub.catalogue.snapshot import CatalogueSnapshot
from hub.channels.slots import chosen, specs_for
from hub.config import Settings
from hub.consent.gate import admit
from hub.consent.regions import Rules
from hub.decisions.model import Channel, MixRequest, Scenario
from hub.decisions.service import DecisionService
from hub.errors import InvalidInput
from hub.insights.demand import DemandOutlook, Page, Tally, by_category, drawn
from hub.kit.clock import Clock
from hub.ledger.repository import LedgerRepository
from hub.profiles.model import Profile
from hub.profiles.service import ProfileService
from hub.store.database import Store

CHUNK = 100  # customers read together
IDS = 20_000  # read at once
SEED = 20_261_122
LOOKED_BACK = timedelta(days=90)  # in the ledger, for the chance of an order
FOLLOWS = timedelta(days=7)  # an order within so long after a showing counts for it
LEAST_ASKED = 1_000  # before an error is believed


@dataclass(frozen=True, slots=True)
class Question:
    """What would be shown: by which scenario (a draft or the one in force), where, when, with which mix."""

    scenario: Scenario
    draft: bool
    channel: Channel
    at: datetime
    mix: MixRequest = field(default_factory=MixRequest)
    visits: float = 1.0


MakePages = Callable[[Sequence[str], Question], Awaitable[list[Page]]]
Progress = Callable[[Tally], None]


class DemandService:
    """Makes demand outlooks."""

    def __init__(
        self,
        store: Store,
        profiles: ProfileService,
        decisions: DecisionService,
        snapshot: Callable[[], CatalogueSnapshot],
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._profiles = profiles
        self._decisions = decisions
        self._snapshot = snapshot
        self._rules = Rules.parse(settings.default_region, settings.personalization_opt_in)
        self._ledger = LedgerRepository(store)
        self._clock = clock

    async def outlook(
        self,
        question: Question,
        *,
        most: int | None = None,
        wanted_error: float = 0.0,
        seconds: float | None = None,
        stock: Mapping[str, float] | None = None,
        make: MakePages | None = None,
        side_by_side: int = 1,
        progress: Progress | None = None,
    ) -> DemandOutlook:
        """Ask customers until the errors are small enough, the time is over, or all were asked.

        Args:
            question: what would be shown.
            most: how many customers to ask at most; None: no bound.
            wanted_error: the largest error to be content with, of items above 1% of impressions, as a
                part of their impressions; 0 asks everybody.
            seconds: how long to ask at most; what has begun is finished.
            stock: units by content key.
            make: makes pages elsewhere; default: here.
            side_by_side: how many chunks of customers are under way at once.
            progress: told after each chunk.

        Raises:
            InvalidInput: if a bound makes no sense.
            Unavailable: if the store does not answer.
        """
        if most is not None and most < 1:
            raise InvalidInput("ask at least one customer", path=("sample",))
        if not 0 <= wanted_error < 1 or question.visits <= 0:
            raise InvalidInput(
                "an error lies from 0 to below 1, and visits are more than 0", path=("visits",)
            )
        ids = await self._ids()
        tally, began = Tally(len(ids)), time.monotonic()
        left = islice(drawn(ids, SEED), most)
        work = make or self.pages
        under_way: set[asyncio.Task[list[Page]]] = set()
        done = False
        try:
            while True:
                while not done and len(under_way) < side_by_side and (chunk := list(islice(left, CHUNK))):
                    under_way.add(asyncio.create_task(_run(work, chunk, question)))
                if not under_way:
                    break
                finished, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for task in finished:
                    tally.add(task.result())
                if progress is not None:
                    progress(tally)
                late = seconds is not None and time.monotonic() - began > seconds
                done = late or (tally.asked >= LEAST_ASKED and tally.largest_error <= wanted_error)
        finally:
            for task in under_way:
                task.cancel()
        items = tally.items(self._snapshot(), question.visits, stock or {})
        return DemandOutlook(
            scenario=question.scenario.key,
            version=question.scenario.version,
            channel=question.channel.value,
            visits=question.visits,
            customers=tally.customers,
            asked=tally.asked,
            level=tally.level,
            largest_error=tally.largest_error if tally.asked else 0.0,
            items=items,
            categories=by_category(items),
            segments=tally.segments(question.visits),
        )

    async def pages(self, profile_ids: Sequence[str], question: Question) -> list[Page]:
        """Return what each customer would be shown; who may not be written to is shown nothing."""
        profiles = await self._profiles.get_many(profile_ids, keep=False)
        history = await self._history(list(profiles.values()))
        pages = []
        for profile_id in profile_ids:
            profile = profiles.get(profile_id)
            pages.append(Page() if profile is None else await self._page(profile, question, history))
            await asyncio.sleep(0)  # a decision takes milliseconds, and others want to be answered
        return pages

    async def _page(
        self,
        profile: Profile,
        question: Question,
        history: Mapping[str, Sequence[tuple[datetime, tuple[str, ...]]]],
    ) -> Page:
        channel = question.channel
        admission = admit(profile, self._snapshot(), channel=channel.value, at=question.at, rules=self._rules)
        seen, taken = _followed(profile, [row for i in _ids(profile) for row in history.get(i, ())])
        if admission.withheld is not None:
            return Page(admission.view.segments, (), seen, taken)
        decision = await self._decisions.decide(
            admission.view,
            question.scenario.key,
            question.mix,
            question.at,
            draft=question.scenario if question.draft else None,
        )
        contents = decision.ranking.contents
        places = sorted(
            i for slot in chosen(contents, specs_for(question.scenario, channel), channel) for i in slot
        )
        shown = tuple((contents[index].key, place) for place, index in enumerate(places, 1))
        return Page(admission.view.segments, shown, seen, taken)

    async def _history(
        self, profiles: Sequence[Profile]
    ) -> dict[str, list[tuple[datetime, tuple[str, ...]]]]:
        found: dict[str, list[tuple[datetime, tuple[str, ...]]]] = {}
        ids = [each for profile in profiles for each in _ids(profile)]
        for profile_id, at, keys in await self._ledger.shown_to(ids, since=self._clock.now() - LOOKED_BACK):
            found.setdefault(profile_id, []).append((at, keys))
        return found

    async def _ids(self) -> list[str]:
        ids: list[str] = []
        while page := await self._profiles.page_of_ids(after=ids[-1] if ids else "", most=IDS):
            ids += page
        return ids


async def _run(make: MakePages, chunk: Sequence[str], question: Question) -> list[Page]:
    return await make(chunk, question)


def _ids(profile: Profile) -> tuple[str, ...]:
    return (profile.id, *profile.former_ids)


def _followed(
    profile: Profile, rows: Sequence[tuple[datetime, tuple[str, ...]]]
) -> tuple[Counter[int], Counter[int]]:
    """Count showings by place, and those after which the customer last bought the item within a week."""
    seen, taken = Counter[int](), Counter[int]()
    for at, keys in rows:
        for place, key in enumerate(keys, 1):
            seen[place] += 1
            owned = profile.owned.get(key)
            if owned is not None and at < owned.last_at <= at + FOLLOWS:
                taken[place] += 1
    return seen, taken
