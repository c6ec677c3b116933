"""From a customer to an experience: read, admit, decide, present, write down, answer.

    profile -> consent gate -> decision -> offers issued -> presenter -> ledger -> experience
       |                                                  |
       +- the store is slow or gone: nobody is known,     +- cannot write: nothing was served, and the
          the brand's base experience, marked                experience says so; a message is withheld

A preview goes the same way and leaves nothing behind: it never reaches the ledger, its links do
nothing, and no step before the ledger writes (law 7): a profile that lags behind is folded in memory.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Self

import structlog

from hub.auth.tokens import Signer
from hub.channels.base import present
from hub.channels.context import PresentationContext
from hub.channels.context_building import ContextBuilder
from hub.channels.deciding import decided
from hub.channels.gathered import ManyOffers, ManyProfiles
from hub.channels.model import Experience
from hub.channels.ports import (
    Catalogue,
    Decisions,
    Frequency,
    Ledger,
    Offers,
    Profiles,
    Reviews,
    Templates,
)
from hub.channels.reading import NO_CAPS, NOTHING, Capped, Reader, StoreTime
from hub.channels.recipients import Words, for_whom
from hub.channels.recording import row_of, unrecorded
from hub.channels.renderers import Renderers
from hub.channels.slots import slots_of
from hub.channels.template_check import MessageTemplate
from hub.config import Settings
from hub.consent.gate import admit
from hub.consent.recipient import Recipient
from hub.consent.regions import Rules
from hub.decisions.choices import Choice
from hub.decisions.model import Channel, Decision, MixRequest, Note, Scenario
from hub.errors import Unavailable
from hub.kit.clock import Clock
from hub.kit.leaving import Departure
from hub.ledger.frequency import Shown
from hub.ledger.model import Served
from hub.profiles.beside import Beside
from hub.profiles.model import CustomerRef, Profile

log = structlog.get_logger(__name__)

TRIES = 6  # of a serving under a frequency cap


class ExperienceService:
    """Assembles experiences."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        catalogue: Catalogue,
        profiles: Profiles,
        decisions: Decisions,
        ledger: Ledger,
        offers: Offers,
        frequency: Frequency,
        signer: Signer,
        words: Words,
        reviews: Reviews,
        templates: Templates | None = None,
    ) -> None:
        self._settings = settings
        self._rules = Rules.parse(settings.default_region, settings.personalization_opt_in)
        self._clock = clock
        self._catalogue = catalogue
        self._decisions = decisions
        self._ledger = ledger
        self._offers = offers
        self._frequency = frequency
        self._words = words
        self._reader = Reader(profiles, decisions, ledger, offers, frequency, templates, reviews)
        self._contexts = ContextBuilder(settings.base_url, signer, self._reader)
        self._renderers: Renderers | None = None

    def side_by_side(
        self, profiles: ManyProfiles, offers: ManyOffers, renderers: Renderers | None = None
    ) -> Self:
        """Return the same service for a batch: what its experiences ask at one moment is read together.

        With renderers, its messages are rendered by other processes.
        """
        other = copy(self)
        other._renderers = renderers  # noqa: SLF001 - it is one of us
        other._reader = self._reader.side_by_side(profiles, offers)  # noqa: SLF001 - it is one of us
        return other

    @property
    def besides(self) -> tuple[Beside, ...]:
        """What is read along with a customer of whom an experience is to be made."""
        return self._reader.besides

    async def assemble(
        self,
        ref: CustomerRef,
        *,
        channel: Channel,
        scenario: str,
        mix: MixRequest | None = None,
        preview: bool = False,
        at: datetime | None = None,
        gpc: bool = False,
        draft: Scenario | None = None,
        served_id: str | None = None,
        tries: int = TRIES,
        recipient: Recipient | None = None,
        chosen: tuple[Choice, ...] = (),
        template: MessageTemplate | None = None,
        profiles: Profiles | None = None,
        leaving: Departure | None = None,
    ) -> Experience:
        """Return what a customer is to see on a channel; unless it is a preview, it is durable in the ledger.

        Args:
            ref: who; somebody unknown gets the base experience.
            channel: where.
            scenario: the scenario's key.
            mix: how this one call wants the mix changed.
            preview: True leaves no trace at all.
            at: the instant to decide for; default: now.
            gpc: whether it is asked for under Global Privacy Control.
            draft: for a preview alone: this scenario in place of the published one.
            served_id: the id of the row, for who must not make two; default: a new one.
            template: for a preview alone: this template in place of the published one.
            tries: how often to count again under a frequency cap while others are served the same person.
            recipient: for whom the customer chooses, if not for themselves.
            chosen: the answers of a guided choice so far, and a budget.
            profiles: where the customer is found, for a request that reads them for other things too.
            leaving: for who completes an answer around it: then it is not durable yet, and may leave when that has settled.

        The store has `Settings.store_deadline` seconds for all of it; what it does not answer by then is
        done without.

        Raises:
            NotFound: UNKNOWN_SCENARIO.
            InvalidInput: if the mix is impossible.
        """
        now, capped = self._clock.now(), NO_CAPS
        known = NOTHING
        snapshot = self._catalogue.snapshot
        store = StoreTime(self._settings.store_deadline)
        read = await self._reader.customer(ref, store, keep=not preview, profiles=profiles)
        admission = admit(
            read.profile, snapshot, channel=channel.value, at=at or now, rules=self._rules, gpc=gpc
        )
        if admission.profile is not None and not preview:
            self._ledger.expect(admission.profile.id, read.along, read.asked_at)
        view, unread = await for_whom(admission.view, snapshot, recipient, self._words, store.of)
        if read.degraded is not None:
            decision = self._decisions.decide_without_store(
                view, scenario, degraded=read.degraded, chosen=chosen
            )
        else:
            standing, known = await self._reader.standing_and_known(
                admission.profile, read.along, channel, snapshot, at or now, store
            )
            drafted = draft if preview else None
            capped = await self._reader.capped(admission.profile, scenario, at or now, store, drafted)
            decision = await decided(
                self._decisions,
                view,
                scenario,
                mix or MixRequest(),
                at or now,
                standing,
                capped,
                store,
                drafted,
                chosen,
            )
            if unread is not None and decision.degraded is None:
                decision = replace(decision, degraded=unread)
        context = await self._contexts.context(
            channel,
            decision,
            admission,
            snapshot,
            store,
            preview=preview,
            now=now,
            served_id=served_id,
            template=template if preview else None,
            known=known,
        )
        if context.withheld is None and capped.exhausted is not None:
            context = replace(context, served_id=None, withheld=Note("FREQUENCY_CAP", capped.exhausted))
        if not preview and context.withheld is None and admission.profile is not None:
            decision = await self._promise(decision, admission.profile, channel, now, store)
        experience = await self._present(decision, channel, context)
        if preview or experience.withheld is not None:
            return experience
        row = row_of(experience, now, self._settings.retention_days)
        instead = partial(_unrecorded, decision, channel, context)
        try:
            if not await self._turn(admission.profile, capped, row, store):
                if tries > 1:  # somebody was served meanwhile: count again
                    return await self.assemble(
                        ref,
                        channel=channel,
                        scenario=scenario,
                        mix=mix,
                        at=at,
                        gpc=gpc,
                        served_id=served_id,
                        tries=tries - 1,
                        recipient=recipient,
                        chosen=chosen,
                        leaving=leaving,
                    )
                return unrecorded(decision, channel, context)
            return await self._written(row, store, experience, leaving, instead)
        except Unavailable:
            return instead()

    async def _written(
        self,
        row: Served,
        store: StoreTime,
        experience: Experience,
        leaving: Departure | None,
        instead: Callable[[], Experience],
    ) -> Experience:
        recording = store.of(self._ledger.record(row))
        if leaving is not None and leaving.defers:
            return await leaving.after(recording, experience, instead)
        await recording
        return experience

    async def _present(
        self, decision: Decision, channel: Channel, context: PresentationContext
    ) -> Experience:
        if self._renderers is None:
            return present(decision, channel, context)
        return await self._renderers.present(decision, channel, context)

    async def _turn(self, profile: Profile | None, capped: Capped, row: Served, store: StoreTime) -> bool:
        """Take a person's turn where caps were counted; False if somebody was served since.

        Raises:
            Unavailable: the store does not answer, or could not be asked before: nothing was served then.
        """
        if capped.uncounted:
            raise Unavailable("what was shown before could not be counted")
        if profile is None or capped.seen is None:
            return True
        shown = Shown(row.id, row.at, row.scenario_key, row.shown)
        return await store.of(self._frequency.take_turn(profile, capped.seen, shown))

    async def _promise(
        self, decision: Decision, profile: Profile, channel: Channel, now: datetime, store: StoreTime
    ) -> Decision:
        """Issue what the customer is about to be shown and does not hold yet; what cannot be is not shown.

        It is durable before the ledger's row that tells of it. Should the row not be taken, the grant is
        what the next experience shows.
        """
        new = [offer for offer in decision.offers if decision.grant_of(offer) is None]
        if not new or not slots_of(decision, channel):
            return decision
        try:
            issued = await store.of(self._offers.promise(profile, new, channel=channel.value, at=now))
        except Unavailable:
            log.warning("offers not issued in time", channel=channel.value)
            issued = {}
        held = {grant.offer.key: grant for grant in decision.grants} | issued
        grants = tuple(held[offer.key] for offer in decision.offers if offer.key in held)
        return replace(decision, offers=tuple(grant.offer for grant in grants), grants=grants)


def _unrecorded(decision: Decision, channel: Channel, context: PresentationContext) -> Experience:
    log.warning("experience not recorded", channel=channel.value, scenario=decision.scenario.key)
    return unrecorded(decision, channel, context)
