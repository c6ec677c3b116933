"""From a customer to an experience: read, admit, decide, present, write down, answer.

    profile -> consent gate -> decision -> offers issued -> presenter -> ledger -> experience
       |                                                  |
       +- the store is slow or gone: nobody is known,     +- cannot write: nothing was served, and the
          the brand's base experience, marked                experience says so; a message is withheld

A preview goes the same way and leaves nothing behind: it never reaches the ledger, its links do
nothing, and no step before the ledger writes (law 7): a profile that lags behind is folded in memory.
"""

import asyncio
import traceback
from collections.abc import Coroutine, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, Self, TypeVar

import structlog

from hub.auth.tokens import Signer
from hub.catalogue.brand import NO_FACTS
from hub.catalogue.model import BrandFacts, Content, Offer
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.channels.base import present
from hub.channels.body import body_of
from hub.channels.context import PresentationContext
from hub.channels.gathered import GatheredOffers, GatheredProfiles, ManyOffers, ManyProfiles
from hub.channels.model import Experience
from hub.channels.opening import OpenLinks
from hub.channels.recipients import Words, for_whom
from hub.channels.slots import slots_of
from hub.channels.template_check import MessageTemplate
from hub.config import Settings
from hub.consent.gate import Admission, admit
from hub.consent.recipient import Recipient
from hub.consent.regions import Rules
from hub.decisions.choices import Choice
from hub.decisions.model import Channel, Decision, MixRequest, Note, Scenario
from hub.errors import NotFound, TuttiError, Unavailable
from hub.kit.clock import Clock
from hub.kit.deadline import within
from hub.kit.ids import new_id
from hub.ledger.frequency import FrequencyCap, Seen, Shown
from hub.ledger.model import Served
from hub.offers.model import UNKNOWN, Grant, Standing
from hub.profiles.model import CustomerRef, Profile
from hub.profiles.needs import needs
from hub.profiles.view import ProfileView

log = structlog.get_logger(__name__)

UNSUBSCRIBE = "unsubscribe"  # the purpose of the tokens in messages
PREVIEW_TOKEN = "preview"  # noqa: S105 - what stands in a preview's links instead of a token
TRIES = 6  # of a serving under a frequency cap
MOST_SEEN = 5  # earlier experiences that a brief looks at

STORE_SLOW = Note(
    "STORE_UNAVAILABLE", "The customer's profile could not be read in time; this is the base experience."
)
SCENARIO_OLD = Note(
    "SCENARIO_UNAVAILABLE", "The scenario could not be read in time; its last known form was used."
)
NOT_RECORDED = Note(
    "NOT_RECORDED", "The ledger could not take this experience in time, so it was not counted as served."
)
LAYERS_FAILED = Note(
    "DECISION_FAILED", "The decision could not be made as asked; this is the base experience."
)
TRY_AGAIN = Note(
    "TRY_AGAIN",
    "The store does not answer, so consent cannot be known nor the message recorded. Ask again later.",
)

T = TypeVar("T")


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
        at: datetime,
        *,
        standing: Standing,
        worn: Mapping[str, str],
        draft: Scenario | None = None,
        chosen: tuple[Choice, ...] = (),
    ) -> Decision: ...

    async def caps(self, scenario_key: str) -> tuple[FrequencyCap, ...]: ...

    def decide_without_store(
        self,
        view: ProfileView,
        scenario_key: str,
        *,
        degraded: Note,
        at: datetime | None = None,
        chosen: tuple[Choice, ...] = (),
    ) -> Decision: ...


class Ledger(Protocol):
    """What is needed of the ledger."""

    def expect(self, profile_id: str) -> None: ...

    async def record(self, served: Served) -> None: ...

    async def latest(self, profile: Profile, *, most: int) -> tuple[Served, ...]: ...


class Frequency(Protocol):
    """What is needed to hold frequency caps."""

    async def seen(self, profile: Profile, caps: Sequence[FrequencyCap], at: datetime) -> Seen: ...

    async def take_turn(self, profile: Profile, seen: Seen, shown: Shown) -> bool: ...


class Offers(Protocol):
    """What is needed of the offers."""

    async def standing(self, profile: Profile | None, offers: Sequence[Offer], at: datetime) -> Standing: ...

    async def promise(
        self, profile: Profile, offers: Sequence[Offer], *, channel: str, at: datetime
    ) -> dict[str, Grant]: ...


class Templates(Protocol):
    """What is needed of the email templates."""

    async def for_scenario(self, scenario_key: str) -> MessageTemplate: ...


class Catalogue(Protocol):
    """What is needed of the catalogue service."""

    @property
    def snapshot(self) -> CatalogueSnapshot: ...


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of a customer, and why it may be less than there is."""

    profile: Profile | None
    degraded: Note | None = None


@dataclass(frozen=True, slots=True)
class _Capped:
    """What frequency caps came to: the count they rest on, the items worn, why no more may be served."""

    seen: Seen | None = None
    worn: Mapping[str, str] = field(default_factory=dict)
    exhausted: str | None = None
    uncounted: bool = False


NO_CAPS = _Capped()


class _StoreTime:
    """How long the store may take for one experience, over all that is asked of it."""

    def __init__(self, seconds: float) -> None:
        self._until = asyncio.get_running_loop().time() + seconds

    async def of(self, call: Coroutine[Any, Any, T]) -> T:
        """Await a call for as long as there is time left.

        Raises:
            Unavailable: if it takes longer, or the store says so itself.
        """
        try:
            return await within(max(self._until - asyncio.get_running_loop().time(), 0), call)
        except TimeoutError:
            raise Unavailable("the store did not answer in time") from None


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
        templates: Templates | None = None,
    ) -> None:
        self._settings = settings
        self._rules = Rules.parse(settings.default_region, settings.personalization_opt_in)
        self._clock = clock
        self._catalogue = catalogue
        self._profiles = profiles
        self._decisions = decisions
        self._ledger = ledger
        self._offers = offers
        self._frequency = frequency
        self._signer = signer
        self._words = words
        self._templates = templates

    def side_by_side(self, profiles: ManyProfiles, offers: ManyOffers) -> Self:
        """Return the same service for a batch: what its experiences ask at one moment is read together."""
        other = copy(self)
        other._profiles = GatheredProfiles(profiles)  # noqa: SLF001 - it is one of us
        other._offers = GatheredOffers(offers)  # noqa: SLF001
        return other

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

        The store has `Settings.store_deadline` seconds for all of it; what it does not answer by then is
        done without.

        Raises:
            NotFound: UNKNOWN_SCENARIO.
            InvalidInput: if the mix is impossible.
        """
        now, capped = self._clock.now(), NO_CAPS
        snapshot = self._catalogue.snapshot
        store = _StoreTime(self._settings.store_deadline)
        read = await self._read(ref, store, keep=not preview)
        admission = admit(
            read.profile, snapshot, channel=channel.value, at=at or now, rules=self._rules, gpc=gpc
        )
        if admission.profile is not None and not preview:
            self._ledger.expect(admission.profile.id)
        view, unread = await for_whom(admission.view, snapshot, recipient, self._words, store.of)
        if read.degraded is not None:
            decision = self._decisions.decide_without_store(
                view, scenario, degraded=read.degraded, chosen=chosen
            )
        else:
            standing = await self._standing(admission.profile, snapshot, at or now, store)
            drafted = draft if preview else None
            capped = await self._capped(admission.profile, scenario, at or now, store, drafted)
            decision = await self._decide(
                view, scenario, mix or MixRequest(), at or now, standing, capped, store, drafted, chosen
            )
            if unread is not None and decision.degraded is None:
                decision = replace(decision, degraded=unread)
        context = await self._context(
            channel,
            decision,
            admission,
            snapshot,
            store,
            preview=preview,
            now=now,
            served_id=served_id,
            template=template if preview else None,
        )
        if context.withheld is None and capped.exhausted is not None:
            context = replace(context, served_id=None, withheld=Note("FREQUENCY_CAP", capped.exhausted))
        if not preview and context.withheld is None and admission.profile is not None:
            decision = await self._promise(decision, admission.profile, channel, now, store)
        experience = present(decision, channel, context)
        if preview or experience.withheld is not None:
            return experience
        row = self._row(experience, now)
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
                    )
                return _unrecorded(decision, channel, context)
            await store.of(self._ledger.record(row))
        except Unavailable:
            log.warning("experience not recorded", channel=channel.value, scenario=scenario)
            return _unrecorded(decision, channel, context)
        return experience

    async def _read(self, ref: CustomerRef, store: _StoreTime, *, keep: bool) -> _Read:
        try:
            return _Read(await store.of(self._profiles.find(ref, keep=keep)))
        except Unavailable:
            log.warning("profile not read in time", ref_type=ref.type)
            return _Read(None, STORE_SLOW)

    async def _decide(
        self,
        view: ProfileView,
        scenario: str,
        mix: MixRequest,
        at: datetime,
        standing: Standing,
        capped: "_Capped",
        store: _StoreTime,
        draft: Scenario | None = None,
        chosen: tuple[Choice, ...] = (),
    ) -> Decision:
        """Decide; where a layer breaks, decide again by what needs no layer but the base.

        A layer may come from anybody. One that raises costs its customers the personal part of the page,
        never the page.
        """
        try:
            return await store.of(
                self._decisions.decide(
                    view, scenario, mix, at, standing=standing, worn=capped.worn, draft=draft, chosen=chosen
                )
            )
        except Unavailable:
            return self._decisions.decide_without_store(view, scenario, degraded=SCENARIO_OLD, chosen=chosen)
        except TuttiError:
            raise
        except Exception as error:  # noqa: BLE001 - a third party's layer may raise whatever it likes
            # Frames without values and without the message: both could hold personal data.
            frames = traceback.format_tb(error.__traceback__)
            log.error("decision failed", scenario=scenario, error=type(error).__name__, frames=frames)  # noqa: TRY400
            base = MixRequest(solo=("base",))
            again = self._decisions.decide(
                view, scenario, base, at, standing=standing, worn=capped.worn, chosen=chosen
            )
            plain = await store.of(again)
            return replace(plain, degraded=LAYERS_FAILED)

    async def _capped(
        self,
        profile: Profile | None,
        scenario: str,
        at: datetime,
        store: _StoreTime,
        draft: Scenario | None = None,
    ) -> "_Capped":
        """Count what the scenario's frequency caps look at; nothing for somebody whom the hub does not know."""
        try:
            caps = await store.of(self._decisions.caps(scenario)) if draft is None else draft.frequency
            if not caps or profile is None:
                return NO_CAPS
            seen = await store.of(self._frequency.seen(profile, caps, at))
        except Unavailable:
            log.warning("frequency not counted in time", scenario=scenario)
            return _Capped(uncounted=True)
        return _Capped(seen, seen.worn(caps, at), seen.exhausted(caps, scenario, at))

    async def _turn(self, profile: Profile | None, capped: "_Capped", row: Served, store: _StoreTime) -> bool:
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

    async def _standing(
        self, profile: Profile | None, snapshot: CatalogueSnapshot, at: datetime, store: _StoreTime
    ) -> Standing:
        try:
            return await store.of(self._offers.standing(profile, snapshot.offers, at))
        except Unavailable:
            log.warning("offers not read in time")
            return UNKNOWN

    async def _promise(
        self, decision: Decision, profile: Profile, channel: Channel, now: datetime, store: _StoreTime
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

    async def _context(
        self,
        channel: Channel,
        decision: Decision,
        admission: Admission,
        snapshot: CatalogueSnapshot,
        store: _StoreTime,
        *,
        preview: bool,
        now: datetime,
        served_id: str | None = None,
        template: MessageTemplate | None = None,
    ) -> PresentationContext:
        profile = admission.profile
        withheld = None
        if admission.withheld is not None:
            withheld = Note(admission.withheld.code, admission.withheld.message)
        if channel is Channel.EMAIL and profile is None and decision.degraded is not None:
            withheld = TRY_AGAIN
        desk = profile is not None and channel is Channel.SERVICE_DESK
        served_id = served_id or new_id("srv")
        return PresentationContext(
            assembled_at=now,
            speaker=speaker_of(snapshot, decision.scenario),
            base_url=self._settings.base_url,
            served_id=None if preview or withheld else served_id,
            profile=profile,
            personal=admission.view.personal,
            withheld=withheld,
            unsubscribe_url=self._unsubscribe_url(profile, preview=preview)
            if channel is Channel.EMAIL
            else "",
            template=template or await self._template(decision.scenario.key, store)
            if channel is Channel.EMAIL
            else None,
            open_links=OpenLinks(
                self._settings.base_url, self._signer, None if preview or withheld else served_id
            )
            if channel is Channel.EMAIL
            else None,
            known=_known(snapshot, _keys(profile if desk else None, decision)),
            seen=await self._seen(profile, store) if desk and profile is not None else (),
            needs=needs(profile, snapshot, decision.at) if desk and profile is not None else (),
        )

    async def _template(self, scenario: str, store: _StoreTime) -> MessageTemplate | None:
        try:
            return None if self._templates is None else await store.of(self._templates.for_scenario(scenario))
        except (Unavailable, NotFound):
            log.warning("email template not read in time", scenario=scenario)
            return None

    async def _seen(self, profile: Profile, store: _StoreTime) -> tuple[Served, ...]:
        try:
            return await store.of(self._ledger.latest(profile, most=MOST_SEEN))
        except Unavailable:
            return ()

    def _unsubscribe_url(self, profile: Profile | None, *, preview: bool) -> str:
        """Return the link of one message. A preview's does nothing: whoever looks at it is not the customer."""
        if preview or profile is None:
            return f"{self._settings.base_url}/unsubscribe/{PREVIEW_TOKEN}"
        token = self._signer.sign(UNSUBSCRIBE, {"profile": profile.id})
        return f"{self._settings.base_url}/unsubscribe/{token}"

    def _row(self, experience: Experience, now: datetime) -> Served:
        decision = experience.decision
        assert experience.served_id is not None
        return Served(
            id=experience.served_id,
            at=now,
            profile_id=decision.profile_id,
            channel=experience.channel.value,
            scenario_key=decision.scenario.key,
            scenario_version=decision.scenario.version,
            configuration_version=decision.configuration_version,
            profile_version=decision.profile_version,
            body=body_of(experience),
            expires_at=now + timedelta(days=self._settings.retention_days),
            shown=tuple(
                item.content.key for slot in slots_of(decision, experience.channel) for item in slot.items
            ),
        )


def speaker_of(snapshot: CatalogueSnapshot, scenario: Scenario) -> BrandFacts:
    """Return the facts of the brand that speaks: the scenario's first brand, else the house's."""
    brand = scenario.brands[0] if scenario.brands else snapshot.house_brand
    return snapshot.facts.get(brand, NO_FACTS)


def _unrecorded(decision: Decision, channel: Channel, context: PresentationContext) -> Experience:
    """Return what may leave the hub without a row: everything but a message, which can wait."""
    withheld = TRY_AGAIN if channel is Channel.EMAIL else context.withheld
    degraded = decision.degraded or NOT_RECORDED
    return present(
        replace(decision, degraded=degraded), channel, replace(context, served_id=None, withheld=withheld)
    )


def _keys(profile: Profile | None, decision: Decision) -> set[str]:
    keys = set(decision.moment.about)
    if profile is not None:
        keys |= {*profile.owned, *profile.cart, *profile.feedback}
        keys |= {signal.content_key for signal in profile.recent if signal.content_key}
    return keys


def _known(snapshot: CatalogueSnapshot, keys: set[str]) -> dict[str, Content]:
    rows = ((key, snapshot.row(key)) for key in keys)
    return {key: snapshot.contents[row] for key, row in rows if row is not None}
