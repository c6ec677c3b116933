"""The right to be forgotten: everything of one customer goes, whatever happens on the way.

    intent (what is to be removed) -> tombstones -> remove, from every collection -> look again -> done

The intent is durable before anything is removed, and each removal can be done again, so that an erasure
that a crash cut short is completed by whoever opens the hub next, or by another process within seconds.
Tombstones stand before the first removal: from then on ingest refuses what the customer did before. What was
on its way into the store at that instant is met by looking again until nothing is left. At last the intent
forgets whom it was about; what stays is how many documents went. See docs/privacy.md.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from hub.errors import NotFound, TuttiError
from hub.kit.clock import Clock
from hub.kit.ids import new_id
from hub.privacy.model import Erasure, JobState
from hub.privacy.reach import REACH, By, Whole
from hub.privacy.repository import PrivacyRepository
from hub.profiles.identity import PROFILE_ID
from hub.profiles.model import CustomerRef
from hub.profiles.repository import ProfileRepository
from hub.profiles.sharing import check_one_is_meant
from hub.profiles.tombstones import Tombstones
from hub.store.database import Store

log = structlog.get_logger(__name__)

SETTLE_SECONDS = 0.5  # in which a write that was under way comes to its end
MOST_LOOKS = 10
MAINTENANCE_SECONDS = 2.0
MOST_HOPS = 16  # merges followed from a former id

Forget = Callable[[], None]


class Cached(Protocol):
    """What is needed of the encoder: whose vectors are cached, and how to forget those in memory."""

    @property
    def id(self) -> str: ...

    def forget(self) -> None: ...


class ErasureService:
    """Erases customers."""

    def __init__(
        self, store: Store, encoder: Cached, clock: Clock, *, settle_seconds: float = SETTLE_SECONDS
    ) -> None:
        self._repository = PrivacyRepository(store)
        self._profiles = ProfileRepository(store.db)
        self._tombstones = Tombstones(store.db)
        self._encoder = encoder
        self._clock = clock
        self._settle_seconds = settle_seconds
        self._forgetting: list[Forget] = [encoder.forget]
        self._signalled = ""

    def on_erasure(self, forget: Forget) -> None:
        """Have something called, in every process, whenever a customer was erased: to empty a cache."""
        self._forgetting.append(forget)

    async def erase(self, ref: CustomerRef, *, requested_by: str) -> Erasure:
        """Erase a customer; everything is gone when this returns.

        Args:
            ref: who, by any identity or former id.
            requested_by: through which door it was asked for; must name nobody.

        Raises:
            NotFound: UNKNOWN_CUSTOMER; nothing was changed.
            Conflict: SEVERAL_CUSTOMERS share the name; nothing was changed.
            Unavailable: the store stopped answering; what was begun is completed in the background.
        """
        await check_one_is_meant(self._profiles, ref)
        profile_id = await self._profile_id(ref)
        encoders = {self._encoder.id, *await self._repository.encoder_ids([profile_id])}
        whole = await self._repository.whole(Whole(profile_ids=frozenset({profile_id})), encoders)
        keys = {ref.key} if ref.type != PROFILE_ID else set()
        whole = whole.with_(Whole(identity_keys=frozenset(keys)))
        intent = Erasure(
            id=new_id("era"),
            state=JobState.RUNNING,
            requested_at=self._clock.now(),
            requested_by=requested_by,
        )
        begun = await self._repository.begin(intent, whole)
        return await self._carry_out(begun, whole)

    async def get(self, erasure_id: str) -> Erasure:
        """Return an erasure.

        Raises:
            NotFound: there is none with this id.
        """
        found = await self._repository.get_one_or_none(erasure_id)
        if found is None:
            raise NotFound("there is no erasure with this id", path=("id",))
        return found

    async def resume(self) -> int:
        """Complete what was begun and not done; return how many erasures that were."""
        begun = await self._repository.running()
        for erasure, whole in begun:
            await self._carry_out(erasure, whole)
        return len(begun)

    async def maintain(self) -> None:
        """Complete what crashes left, and forget what other processes erased, until cancelled."""
        self._signalled = await self._repository.signalled()
        stale: set[str] = set()
        while True:
            try:
                await self._heed()
                # One that was there at the last look too is nobody's: whoever began it would be done.
                begun = await self._repository.running()
                for erasure, whole in begun:
                    if erasure.id in stale:
                        log.warning("an erasure was cut short and is completed", erasure_id=erasure.id)
                        await self._carry_out(erasure, whole)
                stale = {erasure.id for erasure, _ in begun}
            except TuttiError as error:
                log.warning("erasures cannot be looked after, trying again", reason=error.kind)
            await asyncio.sleep(MAINTENANCE_SECONDS)

    async def _heed(self) -> None:
        signalled = await self._repository.signalled()
        if signalled != self._signalled:
            self._signalled = signalled
            self._forget()

    def _forget(self) -> None:
        for forget in self._forgetting:
            forget()

    async def _carry_out(self, erasure: Erasure, whole: Whole) -> Erasure:
        encoders = {self._encoder.id, *await self._repository.encoder_ids(whole.profile_ids)}
        at = erasure.requested_at  # who comes back after that is a new customer
        await self._tombstones.put(whole.identity_keys, at, erasure.id)
        for look in range(MOST_LOOKS):
            found = (await self._repository.whole(whole, encoders)).with_(whole)
            if found != whole:
                whole = found
                await self._repository.extend(erasure.id, whole)
                await self._tombstones.put(whole.identity_keys, at, erasure.id)
            removed = await self._remove(erasure, whole)
            if look and not removed:
                break
            await asyncio.sleep(self._settle_seconds)
        await self._repository.signal(erasure.id)
        self._forget()
        return await self._repository.finish(erasure.id, self._clock.now())

    async def _remove(self, erasure: Erasure, whole: Whole) -> int:
        removed = 0
        for name, by in REACH.items():
            if isinstance(by, By):
                count = await self._repository.remove(name, by, whole)
                if count and name == "identities":
                    await self._tombstones.move_mark()  # who remembers where they lived looks again
                await self._repository.add_removed(erasure.id, name, count)
                removed += count
        return removed

    async def _profile_id(self, ref: CustomerRef) -> str:
        profile_id = ref.value
        if ref.type != PROFILE_ID:
            home = (await self._profiles.homes([ref.key])).get(ref.key)
            profile_id = "" if home is None else home.profile_id
        for _ in range(MOST_HOPS):
            header = (await self._profiles.headers([profile_id])).get(profile_id)
            if header is not None and header.merged_into is not None:
                profile_id = header.merged_into
            elif header is not None or await self._profiles.facet_ids_of(profile_id):
                return profile_id
            else:
                break
        raise NotFound(
            f"no customer is known by this {ref.type}; nothing was erased", code="UNKNOWN_CUSTOMER"
        )
