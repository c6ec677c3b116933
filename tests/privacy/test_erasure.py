"""Erasing a customer: nothing of them is left, nobody else loses anything, and they do not come back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from embeddings.cache import CachedEncoder, key_of
from hub.errors import NotFound
from hub.events.repository import EventRepository
from hub.kit.clock import FixedClock
from hub.privacy.erasure import ErasureService
from hub.privacy.model import JobState
from hub.privacy.reach import REACH, By
from hub.privacy.repository import PrivacyRepository
from hub.profiles.identity import parse_ref
from hub.profiles.model import CustomerRef
from hub.profiles.tombstones import Tombstones
from hub.store.database import Store
from tests.privacy.scan import dump, traces
from tests.profiles.rooms import Rooms, make_rooms, track

MIA = CustomerRef("user_id", "mia")
WORDS = ["mia.stone", "mia stone", "mias-phone", "user_id:mia", "960199", "apricot roses", "gazebo", "o-77"]


async def ids_of(rooms: Rooms) -> list[str]:
    mia = await rooms.require()
    return [mia.id, *mia.former_ids, *mia.facet_ids]


class TestNothingIsLeft:
    async def test_in_any_field_of_any_document(self, mia: Rooms, erasures: ErasureService) -> None:
        needles = [*WORDS, *await ids_of(mia)]
        before = await traces(mia.store, needles)
        collections = {place.partition("/")[0] for place in before}
        assert collections == {"events", "exports", "facets", "identities", "profiles", "served"}
        erasure = await erasures.erase(MIA, requested_by="test")
        assert erasure.state is JobState.DONE
        assert await traces(mia.store, needles) == []

    async def test_and_it_says_how_much_went(self, mia: Rooms, erasures: ErasureService) -> None:
        erasure = await erasures.erase(MIA, requested_by="test")
        removed = {one.name: one.removed for one in erasure.collections}
        assert removed == {
            "embeddings": 4,  # the search, two likes and what is not liked
            "events": 7,
            "exports": 1,
            "exposures": 1,
            "facets": 2,
            "identities": 4,
            "profiles": 2,  # the visitor that was merged into the customer, too
            "served": 1,
        }
        assert await erasures.get(erasure.id) == erasure

    async def test_of_the_words_they_searched_for_and_said(
        self, mia: Rooms, erasures: ErasureService, encoder: CachedEncoder
    ) -> None:
        keys = [
            key_of(encoder.id, text)
            for text in ("apricot roses for mia", "moonlit gazebos", "lamps", "bread")
        ]
        assert await mia.store.db["embeddings"].count_documents({"_id": {"$in": keys}}) == 4
        assert len(encoder._memory) > 0
        await erasures.erase(MIA, requested_by="test")
        assert await mia.store.db["embeddings"].count_documents({"_id": {"$in": keys}}) == 0
        assert len(encoder._memory) == 0

    async def test_and_others_keep_everything(self, mia: Rooms, erasures: ErasureService) -> None:
        ben = await mia.require("ben")
        mine = [ben.id, *ben.facet_ids, "ben@example.com", "bens-phone", "bread knives", "srv_ben"]
        before = await traces(mia.store, mine)
        await erasures.erase(MIA, requested_by="test")
        assert await traces(mia.store, mine) == before

    @pytest.mark.parametrize("kind", ["email", "anonymous_id", "id", "former"])
    async def test_by_whatever_id_they_are_named(
        self, mia: Rooms, erasures: ErasureService, kind: str
    ) -> None:
        profile = await mia.require()
        given = {
            "email": parse_ref("email", "mia.stone@example.com"),
            "anonymous_id": CustomerRef("anonymous_id", "mias-phone"),
            "id": CustomerRef("id", profile.id),
            "former": CustomerRef("id", profile.former_ids[0]),
        }[kind]
        await erasures.erase(given, requested_by="test")
        assert await traces(mia.store, WORDS) == []
        assert await mia.find() is None


class TestTheErasedStayAway:
    async def test_what_they_did_before_does_not_come_back_late(
        self, mia: Rooms, erasures: ErasureService
    ) -> None:
        await erasures.erase(MIA, requested_by="test")
        before = await dump(mia.store)
        receipt = await mia.send(
            track("Product Viewed", "mia", ago=3, product_id="desk-lamp"),
            track("Product Viewed", "ben", ago=3, product_id="desk-lamp", id="bens"),
            track("Product Viewed", None, anon="mias-phone", ago=3, product_id="desk-lamp"),
            {"type": "identify", "userId": "mia-2", "traits": {"email": "Mia.Stone@example.com"}},
        )
        assert [(r.index, r.code) for r in receipt.rejected] == [
            (0, "CUSTOMER_ERASED"),
            (2, "CUSTOMER_ERASED"),
            (3, "CUSTOMER_ERASED"),
        ]
        assert receipt.accepted == 1
        assert all("mia" not in r.message for r in receipt.rejected)
        after = await dump(mia.store)
        changed = {name for name in after if after[name] != before[name]}
        assert changed <= {"events", "facets", "profiles"}
        assert await traces(mia.store, WORDS) == []

    async def test_a_batch_that_is_sent_again_changes_nothing(
        self, mia: Rooms, erasures: ErasureService
    ) -> None:
        message = track("Product Viewed", "mia", ago=3, product_id="desk-lamp", id="again")
        await mia.send(message)
        await erasures.erase(MIA, requested_by="test")
        before = await dump(mia.store)
        assert (await mia.send(message, message)).accepted == 0
        assert await dump(mia.store) == before

    async def test_who_comes_back_is_a_new_customer(
        self, mia: Rooms, erasures: ErasureService, clock: FixedClock
    ) -> None:
        old = await mia.require()
        await erasures.erase(MIA, requested_by="test")
        clock.instant += timedelta(minutes=1)
        assert (await mia.track("Product Viewed", ago=0, product_id="rye-bread")).accepted == 1
        new = await mia.require()
        assert new.id != old.id
        assert new.owned == {}
        assert [s.content_key for s in new.recent] == ["rye-bread"]
        assert [e.kind for e in (await mia.profiles.timeline(new, first=5)).nodes] == ["VIEWED"]

    @pytest.fixture
    def overtaking(
        self, mia: Rooms, erasures: ErasureService, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[[], int]:
        """An erasure that is over between the checks of an event and its being written."""
        real = EventRepository.add
        writes = 0

        async def erase_first(self: EventRepository, stored: Any) -> Any:
            nonlocal writes
            writes += 1
            if writes == 1:
                await erasures.erase(MIA, requested_by="test")
            return await real(self, stored)

        monkeypatch.setattr(EventRepository, "add", erase_first)
        return lambda: writes

    async def test_an_event_that_was_being_written_is_taken_back(
        self, mia: Rooms, overtaking: Callable[[], int]
    ) -> None:
        receipt = await mia.track("Product Viewed", ago=1, product_id="desk-lamp")
        assert (receipt.accepted, overtaking()) == (0, 1)
        assert await traces(mia.store, WORDS) == []
        assert await mia.find() is None

    async def test_an_event_of_after_the_erasure_that_was_being_written_is_the_new_customers(
        self, mia: Rooms, overtaking: Callable[[], int]
    ) -> None:
        old = await mia.require()
        receipt = await mia.track("Product Viewed", ago=-0.1, product_id="rye-bread")
        assert (receipt.accepted, receipt.duplicates, overtaking()) == (1, 0, 2)
        new = await mia.require()
        assert new.id != old.id
        assert receipt.profile_ids == (new.id,)
        assert [signal.content_key for signal in new.recent] == ["rye-bread"]
        assert await mia.store.db["events"].count_documents({"user_id": "mia"}) == 1

    async def test_what_another_process_remembers_of_the_erased_holds_no_longer(
        self, mia: Rooms, erasures: ErasureService, clock: FixedClock
    ) -> None:
        other = make_rooms(mia.store, clock)
        await other.track("Product Viewed", ago=1, product_id="desk-lamp")
        old = await other.require()
        await erasures.erase(MIA, requested_by="test")
        late = await other.track("Product Viewed", ago=1, product_id="desk-lamp")
        assert [rejection.code for rejection in late.rejected] == ["CUSTOMER_ERASED"]
        await other.track("Product Viewed", ago=-0.1, product_id="rye-bread")
        new = await other.require()
        assert new.id != old.id
        assert [signal.content_key for signal in new.recent] == ["rye-bread"]

    async def test_what_was_looked_up_while_identities_went_is_not_remembered_after(
        self, mia: Rooms, erasures: ErasureService, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another process looks for Mia after her tombstones stand and before her identities are gone."""
        other = make_rooms(mia.store, clock)
        real = PrivacyRepository.remove
        looked: list[str] = []

        async def remove(self: PrivacyRepository, name: str, *given: Any) -> int:
            if not looked:
                looked.append(name)
                await other.track("Product Viewed", ago=-0.1, product_id="desk-lamp")
            return await real(self, name, *given)

        monkeypatch.setattr(PrivacyRepository, "remove", remove)
        await erasures.erase(MIA, requested_by="test")
        assert looked == ["identities"]
        await other.track("Product Viewed", ago=-0.2, product_id="rye-bread")
        assert [signal.content_key for signal in (await other.require()).recent] == ["rye-bread"]

    async def test_a_tombstone_names_nobody(self, mia: Rooms, erasures: ErasureService) -> None:
        await erasures.erase(MIA, requested_by="test")
        stones = await mia.store.db["tombstones"].find({}).to_list()
        assert len(stones) == 4  # user id, anonymous id, address, phone number
        assert all(set(stone) == {"_id", "erased_at", "erasure_id"} for stone in stones)
        assert all(len(stone["_id"]) == 64 for stone in stones)
        [erasure] = await mia.store.db["erasures"].find({}).to_list()
        assert set(erasure) == {"_id", "state", "requested_at", "requested_by", "completed_at", "removed"}


class TestACrashHalfWay:
    STEPS = 2 + sum(isinstance(by, By) for by in REACH.values())

    @pytest.mark.parametrize("step", range(STEPS))
    async def test_is_completed_by_whoever_comes_next(
        self,
        mia: Rooms,
        erasures: ErasureService,
        monkeypatch: pytest.MonkeyPatch,
        store: Store,
        clock: FixedClock,
        step: int,
    ) -> None:
        needles = [*WORDS, *await ids_of(mia)]
        left = step

        def dies(method: Any) -> Any:
            async def call(*given: Any, **named: Any) -> Any:
                nonlocal left
                if left == 0:
                    raise KeyboardInterrupt
                left -= 1
                return await method(*given, **named)

            return call

        with monkeypatch.context() as patch:
            patch.setattr(Tombstones, "put", dies(Tombstones.put))
            patch.setattr(PrivacyRepository, "remove", dies(PrivacyRepository.remove))
            patch.setattr(PrivacyRepository, "signal", dies(PrivacyRepository.signal))
            try:
                await erasures.erase(MIA, requested_by="test")
            except KeyboardInterrupt:
                pass
            else:
                pytest.fail("it did not die")
        next_hub = ErasureService(
            store, CachedEncoder(mia.profiles.projector._encoder.encoder), clock, settle_seconds=0
        )
        assert await next_hub.resume() == 1
        assert await traces(store, needles) == []
        assert await next_hub.resume() == 0
        assert await mia.find() is None

    async def test_asking_twice_is_one_erasure(
        self, mia: Rooms, erasures: ErasureService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def dies(*_: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Tombstones, "put", dies)
            with pytest.raises(KeyboardInterrupt):
                await erasures.erase(MIA, requested_by="test")
        await erasures.erase(MIA, requested_by="test")
        [erasure] = await mia.store.db["erasures"].find({}).to_list()
        assert erasure["state"] == "DONE"
        assert erasure["removed"]["events"] == 7


class TestOfNobody:
    @pytest.mark.parametrize("ref", [CustomerRef("user_id", "nobody"), CustomerRef("id", "prf_0")])
    async def test_is_a_typed_error_and_changes_nothing(
        self, mia: Rooms, erasures: ErasureService, ref: CustomerRef
    ) -> None:
        before = await dump(mia.store)
        with pytest.raises(NotFound) as caught:
            await erasures.erase(ref, requested_by="test")
        assert caught.value.kind == "UNKNOWN_CUSTOMER"
        assert await dump(mia.store) == before

    async def test_twice_is_of_nobody_the_second_time(self, mia: Rooms, erasures: ErasureService) -> None:
        await erasures.erase(MIA, requested_by="test")
        with pytest.raises(NotFound):
            await erasures.erase(MIA, requested_by="test")


async def test_every_process_forgets(
    mia: Rooms, erasures: ErasureService, store: Store, clock: FixedClock
) -> None:
    elsewhere = ErasureService(store, CachedEncoder(mia.profiles.projector._encoder.encoder), clock)
    forgotten: list[str] = []
    elsewhere.on_erasure(lambda: forgotten.append("documents"))
    await elsewhere._heed()
    assert forgotten == []
    await erasures.erase(MIA, requested_by="test")
    await elsewhere._heed()
    await elsewhere._heed()
    assert forgotten == ["documents"]


async def test_of_one_user_of_a_device_leaves_nothing_with_the_other(
    mia: Rooms, erasures: ErasureService
) -> None:
    await mia.send(
        {"type": "identify", "userId": "ben", "anonymousId": "mias-phone", "messageId": "bens-own-message"}
    )
    assert await traces(mia.store, ["bens-own-message"])
    await erasures.erase(CustomerRef("user_id", "ben"), requested_by="test")
    assert await traces(mia.store, ["bens-own-message", "ben@example.com", "Ben Field"]) == []
    assert (await mia.require("mias-phone", "anonymous_id")).id != (await mia.require()).id
