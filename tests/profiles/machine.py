"""A random life of a few customers: events, merges, splits, consents, feedback, replays and crashes.

What is checked is what the laws say, never what the code does: facets equal the join of their events,
profiles the fold of their facets, byte for byte; each message counts once; the strictest consent wins a
merge; what was hidden is gone; a split restores both sides.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar
from unittest.mock import patch

from bson import encode
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from hub.errors import Conflict, InvalidInput, NotFound, TuttiError
from hub.events.repository import EventRepository
from hub.kit.clock import FixedClock, isoformat
from hub.profiles.facets import project
from hub.profiles.fold import fold
from hub.profiles.joining import join_all
from hub.profiles.merge_repository import OperationRepository
from hub.profiles.model import ConsentState, CustomerRef, InterestKind, Profile, Purpose
from hub.profiles.profile_codec import profile_to_document
from hub.profiles.regrouping import Regrouper
from hub.profiles.repository import ProfileRepository
from hub.store.database import Store
from tests.builders import NOW
from tests.profiles.rooms import Rooms, make_rooms
from tests.profiles.strategies import KEYS, TRACKS

T = TypeVar("T")
USERS = ("u0", "u1", "u2")
VISITORS = ("a0", "a1")
WHO = st.sampled_from([*USERS, *VISITORS])
CRASHES: list[tuple[type, str]] = [
    (ProfileRepository, "house"),
    (EventRepository, "add"),
    (EventRepository, "unprojected"),
    (ProfileRepository, "note_merge"),
    (ProfileRepository, "move"),
    (ProfileRepository, "write_facets"),
    (ProfileRepository, "write_profiles"),
    (EventRepository, "mark_projected"),
    (OperationRepository, "intend"),
    (OperationRepository, "settle"),
    (ProfileRepository, "move_in"),
    (Regrouper, "_settle_part"),
    (Regrouper, "merge"),
    (Regrouper, "split"),
]
MOST_MERGES = 50  # more than there can be in one life
CRASH = st.tuples(st.sampled_from(CRASHES), st.booleans())


class Killed(BaseException):
    """The process is gone."""


class World:
    """An event loop and a store for all lives; each life has names of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, store: Store) -> None:
        self.loop = loop
        self.store = store
        self.lives = 0

    def __call__(self, doing: Awaitable[T]) -> T:
        async def wait() -> T:
            return await doing

        return self.loop.run_until_complete(wait())


@st.composite
def told(draw: st.DrawFn) -> dict[str, Any]:
    """A message without its id: who, when, what."""
    message: dict[str, Any] = draw(st.one_of(TRACKS.map(lambda one: {"type": "track", **one}), IDENTIFIES))
    who = draw(WHO)
    message = {**message, ("userId" if who in USERS else "anonymousId"): who}
    if who in USERS and draw(st.integers(0, 3)) == 0:
        message["anonymousId"] = draw(st.sampled_from(VISITORS))
    return {**message, "timestamp": isoformat(NOW - timedelta(minutes=draw(st.integers(0, 600))))}


IDENTIFIES = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("identify")},
        optional={
            "traits": st.fixed_dictionaries(
                {"email": st.sampled_from(["x", "y"]), "email_verified": st.booleans()},
                optional={"city": st.sampled_from(["Bath", "York", None])},
            )
        },
    ),
    st.fixed_dictionaries({"type": st.just("alias"), "previousId": WHO}),
    st.fixed_dictionaries({"type": st.just("page"), "name": st.just("Home")}),
)


class Life(RuleBasedStateMachine):
    """The rules; subclassed with a `world`."""

    world: World

    @initialize()
    def begin(self) -> None:
        self.world.lives += 1
        self.name = f"life{self.world.lives}"
        self.clock = FixedClock(NOW)
        self.rooms: Rooms = make_rooms(self.world.store, self.clock)
        self.sent: list[dict[str, Any]] = []

    # what happens

    @rule(messages=st.lists(told(), min_size=1, max_size=4))
    def events_come(self, messages: list[dict[str, Any]]) -> None:
        self._send(*[self._named(message) for message in messages])

    @precondition(lambda self: self.sent)
    @rule(chance=st.randoms(use_true_random=False))
    def everything_comes_again_in_another_order(self, chance: Any) -> None:
        before = {who: self._spelled(who) for who in USERS}
        again = list(self.sent)
        chance.shuffle(again)
        receipt = self.world(self.rooms.ingest.record(again, source="test"))
        assert (receipt.accepted, receipt.duplicates) == (0, len(self.sent))
        assert {who: self._spelled(who) for who in USERS} == before

    @rule(message=told(), crash=CRASH)
    def the_process_dies_while_an_event_comes(self, message: dict[str, Any], crash: Any) -> None:
        named = self._named(message)
        self._dies(lambda: self.rooms.send(named), crash)
        self._send(named)  # it was not answered, so the sender sends it again

    @rule(into=WHO, other=WHO)
    def merge(self, into: str, other: str) -> None:
        before = [self._find(into), self._find(other)]
        merged = self._try(lambda: self.rooms.merges.merge(self._ref(into), [self._ref(other)], by="ann"))
        if merged is not None and before[0] and before[1] and before[0].id != before[1].id:
            assert merged.id == before[0].id
            assert {before[1].id, *before[1].former_ids} <= set(merged.former_ids)
            for purpose in Purpose:
                states = {_state(one, purpose) for one in before}
                if ConsentState.DENIED in states:
                    assert _state(merged, purpose) is ConsentState.DENIED

    @rule(strict=st.sampled_from(USERS), other=st.sampled_from(USERS), purpose=st.sampled_from(list(Purpose)))
    def a_refusal_survives_a_merge_with_a_later_grant(
        self, strict: str, other: str, purpose: Purpose
    ) -> None:
        for who, state in ((strict, "DENIED"), (other, "GRANTED")):
            self._now(who, "Consent Preference Updated", purpose=purpose.value, state=state)
        one, two = self._find(strict), self._find(other)
        merged = self._try(lambda: self.rooms.merges.merge(self._ref(other), [self._ref(strict)], by="ann"))
        if one and two and one.id != two.id:
            assert _state(merged, purpose) is ConsentState.DENIED

    @rule(who=WHO, named=st.lists(WHO, min_size=1, max_size=2, unique=True))
    def split(self, who: str, named: list[str]) -> None:
        refs = [self._ref(one) for one in named]
        self._try(lambda: self.rooms.merges.split(self._ref(who), refs, by="ann"))

    @rule(into=WHO, other=WHO, crash=CRASH)
    def the_process_dies_in_a_merge(self, into: str, other: str, crash: Any) -> None:
        def doing() -> Awaitable[Any]:
            return self.rooms.merges.merge(self._ref(into), [self._ref(other)], by="ann")

        self._dies(doing, crash)
        self._resume()

    @rule(who=WHO, crash=CRASH)
    def the_process_dies_in_a_split(self, who: str, crash: Any) -> None:
        self._dies(lambda: self.rooms.merges.split(self._ref(who), [self._ref(who)], by="ann"), crash)
        self._resume()

    @rule(into=st.sampled_from(USERS), other=st.sampled_from(USERS))
    def merge_and_split_restores_both(self, into: str, other: str) -> None:
        before = [self._find(into), self._find(other)]
        if before[0] is None or before[1] is None or before[0].id == before[1].id:
            return
        self.world(self.rooms.merges.merge(self._ref(into), [self._ref(other)], by="ann"))
        # All that came with the one that went leaves again.
        [gone] = [one for one in before if one.id != before[0].id]
        facets = self.world(self.rooms.profiles.repository.facets(gone.facet_ids))
        refs = [facet.primary for facet in facets]
        after = self.world(self.rooms.merges.split(self._ref(into), refs, by="ann"))
        assert [spelled(one) for one in after] == [spelled(one) for one in before if one]

    @rule(who=st.sampled_from(USERS), key=KEYS, kind=st.sampled_from(["HIDE", "LESS"]))
    def the_customer_hides_something(self, who: str, key: str, kind: str) -> None:
        self._now(who, "Feedback Given", kind=kind, content_key=key)
        profile = self._find(who)
        assert profile is not None
        assert profile.feedback[key] == kind
        shown = [one for one in profile.interests if one.kind is InterestKind.LONG_TERM]
        assert all(key != proof.content_key for one in shown for proof in one.evidence)

    @rule(
        who=st.sampled_from(USERS),
        purpose=st.sampled_from(list(Purpose)),
        state=st.sampled_from(["GRANTED", "DENIED"]),
    )
    def the_customer_speaks_for_themselves(self, who: str, purpose: Purpose, state: str) -> None:
        self._now(who, "Consent Preference Updated", purpose=purpose.value, state=state)
        profile = self._find(who)
        assert profile is not None
        assert _state(profile, purpose) == state

    # what must hold at the end of every life

    def teardown(self) -> None:
        self._resume()
        self.world(self.rooms.ingest.recover())
        self.world(self._check())
        for who in (*USERS, *VISITORS):  # take everything apart, and look again
            for _ in range(MOST_MERGES):
                if not self._try(
                    lambda who=who: self.rooms.merges.split(self._ref(who), [self._ref(who)], by="ann")
                ):
                    break
                profile = self._find(who)
                facets = self.world(self.rooms.profiles.repository.facets_of([profile.id])) if profile else []
                if not any(link.by.startswith("mrg_") for facet in facets for link in facet.links):
                    break
        self.world(self._check())

    async def _check(self) -> None:
        store, rooms = self.world.store, self.rooms
        ids = [message["messageId"] for message in self.sent]
        events = await store.db["events"].find({"_id": {"$in": ids}}).to_list()
        assert len(events) == len(ids)
        assert all(event["projected"] for event in events)
        keys = {"$regex": f"^(user_id|anonymous_id|email):{self.name}-"}
        identities = await store.db["identities"].find({"_id": keys}).to_list()
        facet_ids = {one["facet_id"] for one in identities}
        facets = {facet.id: facet for facet in await rooms.profiles.repository.facets(facet_ids)}
        owners: dict[str, set[str]] = {}
        for facet in facets.values():
            owners.setdefault(facet.profile_id, set()).add(facet.id)
            history = await rooms.profiles.events.of_facet(facet.id)
            if history:
                assert join_all([project(event) for event in history]) == facet.facet, "law 4: rebuilt"
        for identity in identities:
            if identity["facet_id"] in facets:
                assert identity["profile_id"] == facets[identity["facet_id"]].profile_id
        for profile_id, own in owners.items():
            profile = await rooms.profiles.get(profile_id)
            assert profile is not None
            assert profile.id == profile_id
            assert set(profile.facet_ids) == own
            parts = [facets[key] for key in sorted(own)]
            known = await rooms.profiles.projector.knowledge([part.facet for part in parts], rooms.snapshot)
            rebuilt = fold(profile_id, profile.version, parts, known, former_ids=profile.former_ids)
            assert spelled(rebuilt) == spelled(profile), "law 4: incremental equals rebuilt"
            for former in profile.former_ids:
                found = await rooms.profiles.get(former)
                assert found is not None
                assert found.id == profile_id, "a merged-away id keeps resolving"

    # how

    def _named(self, message: dict[str, Any]) -> dict[str, Any]:
        """Give names of this life to a message."""
        named = dict(message)
        for field in ("userId", "anonymousId", "previousId"):
            if field in named:
                named[field] = f"{self.name}-{named[field]}"
        if "email" in named.get("traits", {}):
            traits = named["traits"]
            named["traits"] = {**traits, "email": f"{self.name}-{traits['email']}@example.com"}
        return {**named, "messageId": f"{self.name}-{len(self.sent)}"}

    def _send(self, *messages: dict[str, Any]) -> None:
        numbered = [
            {**message, "messageId": f"{self.name}-{len(self.sent) + n}"}
            for n, message in enumerate(messages)
        ]
        receipt = self.world(self.rooms.ingest.record(numbered, source="test"))
        rejected = {one.index for one in receipt.rejected}
        assert receipt.accepted + receipt.duplicates + len(rejected) == len(numbered)
        self.sent += [message for n, message in enumerate(numbered) if n not in rejected]

    def _now(self, who: str, event: str, **properties: Any) -> None:
        self.clock.instant += timedelta(minutes=1)
        at = isoformat(self.clock.instant)
        message = {"type": "track", "event": event, "properties": properties, "userId": who, "timestamp": at}
        self._send(self._named(message))

    def _dies(self, doing: Callable[[], Awaitable[Any]], crash: tuple[tuple[type, str], bool]) -> None:
        (room, step), after = crash
        real = getattr(room, step)

        async def die(*args: Any, **kwargs: Any) -> None:
            if after:
                await real(*args, **kwargs)
            raise Killed

        self.clock.instant += timedelta(minutes=1)
        with patch.object(room, step, die), contextlib.suppress(Killed, TuttiError):
            self.world(doing())
        self.rooms = make_rooms(self.world.store, self.clock)  # another process takes over, as a hub does
        self.world(self.rooms.ingest.recover())

    def _resume(self) -> None:
        self.world(self.rooms.merges.resume())
        assert self.world(self.rooms.merges.operations.pending()) == []

    def _try(self, doing: Callable[[], Awaitable[T]]) -> T | None:
        """Do it; what is refused as a typed error is fine, and nothing else is."""
        self.clock.instant += timedelta(minutes=1)
        try:
            return self.world(doing())
        except (InvalidInput, NotFound, Conflict):
            return None

    def _ref(self, who: str) -> CustomerRef:
        return CustomerRef("user_id" if who in USERS else "anonymous_id", f"{self.name}-{who}")

    def _find(self, who: str) -> Profile | None:
        return self.world(self.rooms.profiles.find(self._ref(who)))

    def _spelled(self, who: str) -> bytes | None:
        profile = self._find(who)
        return None if profile is None else spelled(profile)


def spelled(profile: Profile) -> bytes:
    """A profile byte for byte, but for the count of its changes."""
    document = profile_to_document(profile, folded={}, catalogue_version="", unplaced=False)
    return encode(document | {"version": 0})


def _state(profile: Profile | None, purpose: Purpose) -> ConsentState | None:
    found = (
        [] if profile is None else [c for c in profile.consents if c.purpose is purpose and c.channel == "*"]
    )
    return found[0].state if found else None
