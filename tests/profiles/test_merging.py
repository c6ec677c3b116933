"""Merging customers and taking it back: nothing lost, nothing doubled, nothing silent."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from bson import encode

from hub.errors import InvalidInput, NotFound, TuttiError
from hub.profiles.identity import parse_ref
from hub.profiles.merge_model import OperationKind, OperationState, Proof
from hub.profiles.model import ConsentState, CustomerRef, Profile, Purpose
from hub.profiles.profile_codec import profile_to_document
from hub.profiles.regrouping import Regrouper
from tests.profiles.rooms import Rooms, make_rooms, track

DONE = OperationState.DONE.value


def user(name: str) -> CustomerRef:
    return parse_ref("user_id", name)


def anon(name: str) -> CustomerRef:
    return parse_ref("anonymous_id", name)


def spelled(profile: Profile) -> bytes:
    """A profile byte for byte, but for the count of its changes."""
    document = profile_to_document(profile, folded={}, catalogue_version="", unplaced=False)
    return encode(document | {"version": 0})


async def couple(rooms: Rooms) -> tuple[Profile, Profile]:
    """Mia, whom we have known as a visitor, and Ben."""
    await rooms.send(track("Product Viewed", None, anon="a1", ago=30, product_id="rye-bread"))
    await rooms.identify("mia", anon="a1", city="Bath", email="mia@example.com")
    await rooms.track("Order Completed", "mia", ago=9, order_id="o1", products=[{"sku": "climbing-rose"}])
    await rooms.identify("ben", city="York", email="ben@example.com")
    await rooms.track("Order Completed", "ben", ago=8, order_id="o2", products=[{"sku": "desk-lamp"}])
    await rooms.track("Consent Preference Updated", "ben", ago=7, purpose="PERSONALIZATION", state="DENIED")
    rooms.clock.instant += timedelta(minutes=1)
    return await rooms.require("mia"), await rooms.require("ben")


async def everything(rooms: Rooms) -> dict[str, list[Any]]:
    """All documents that a refusal must not touch."""
    names = ("profiles", "facets", "identities", "merges", "reviews", "events")
    return {name: await rooms.store.db[name].find().sort("_id", 1).to_list() for name in names}


class TestMerge:
    async def test_makes_one_customer_with_everything_of_both(self, rooms: Rooms) -> None:
        mia, ben = await couple(rooms)
        merged = await rooms.merges.merge(user("mia"), [user("ben")], by="ann", reason="same card")
        assert merged.id == mia.id
        assert set(merged.former_ids) == {ben.id, *mia.former_ids}
        assert {key: o.count for key, o in merged.owned.items()} == {"climbing-rose": 1, "desk-lamp": 1}
        assert sorted(i.key for i in merged.identities) == [
            "anonymous_id:a1", "email:ben@example.com", "email:mia@example.com", "user_id:ben", "user_id:mia",
        ]  # fmt: skip

    async def test_the_id_that_went_keeps_resolving(self, rooms: Rooms) -> None:
        mia, ben = await couple(rooms)
        await rooms.merges.merge(user("mia"), [user("ben")], by="ann")
        for value, kind in ((ben.id, "id"), ("ben", "user_id"), ("ben@example.com", "email")):
            assert (await rooms.require(value, kind)).id == mia.id
        await rooms.track("Product Viewed", "ben", ago=0, product_id="shrub-rose")
        assert (await rooms.require("mia")).recent[-1].content_key == "shrub-rose"

    async def test_the_strictest_consent_wins(self, rooms: Rooms) -> None:
        await couple(rooms)
        await rooms.track(
            "Consent Preference Updated", "mia", ago=0, purpose="PERSONALIZATION", state="GRANTED"
        )
        rooms.clock.instant += timedelta(minutes=1)
        merged = await rooms.merges.merge(user("mia"), [user("ben")], by="ann")
        [consent] = [c for c in merged.consents if c.purpose is Purpose.PERSONALIZATION]
        assert consent.state is ConsentState.DENIED

    async def test_is_audited_with_who_why_and_evidence(self, rooms: Rooms) -> None:
        mia, ben = await couple(rooms)
        proof = Proof("both showed card 7", rooms.clock.now(), "till-3")
        await rooms.merges.merge(user("mia"), [user("ben")], by="ann", reason="same card", evidence=[proof])
        [told] = await rooms.merges.operations.newest([mia.id], most=9)
        assert (told.kind, told.into, told.others) == (OperationKind.MERGE, mia.id, (ben.id,))
        assert (told.by, told.reason, told.evidence) == ("ann", "same card", (proof,))

    async def test_doing_it_again_changes_nothing(self, rooms: Rooms) -> None:
        await couple(rooms)
        first = await rooms.merges.merge(user("mia"), [user("ben")], by="ann")
        before = await everything(rooms)
        for into, other in (("mia", "ben"), ("ben", "mia")):
            again = await rooms.merges.merge(user(into), [user(other)], by="ann")
            assert (again.id, again.version) == (first.id, first.version)
        assert await everything(rooms) == before

    async def test_of_several_at_once(self, rooms: Rooms) -> None:
        await couple(rooms)
        await rooms.track("Product Viewed", "eve", product_id="lily-bulb")
        merged = await rooms.merges.merge(user("mia"), [user("ben"), user("eve")], by="ann")
        assert len(merged.former_ids) == 3
        assert (await rooms.require("eve")).id == (await rooms.require("ben")).id == merged.id

    @pytest.mark.parametrize(
        ("into", "others", "code", "path"),
        [
            ("mia", ["mia"], "SAME_CUSTOMER", ("from", 0)),
            ("mia", ["ben", "mia"], "SAME_CUSTOMER", ("from", 1)),
            ("mia", [], "NOTHING_TO_MERGE", ("from",)),
            ("mia", ["ben", "nobody"], "UNKNOWN_CUSTOMER", ("from", 1)),
            ("nobody", ["ben"], "UNKNOWN_CUSTOMER", ("into",)),
            ("mia", ["ben"] * 51, "TOO_MANY", ("from",)),
        ],
    )
    async def test_what_cannot_be_is_refused_and_changes_nothing(
        self, rooms: Rooms, into: str, others: list[str], code: str, path: tuple[str | int, ...]
    ) -> None:
        await couple(rooms)
        before = await everything(rooms)
        with pytest.raises(TuttiError) as caught:
            await rooms.merges.merge(user(into), [user(other) for other in others], by="ann")
        assert (caught.value.kind, caught.value.path) == (code, path)
        assert await everything(rooms) == before

    async def test_with_oneself_by_another_name_is_refused_too(self, rooms: Rooms) -> None:
        mia, _ = await couple(rooms)
        for other in (CustomerRef("id", mia.id), parse_ref("email", "mia@example.com")):
            with pytest.raises(InvalidInput) as caught:
                await rooms.merges.merge(user("mia"), [other], by="ann")
            assert caught.value.kind == "SAME_CUSTOMER"


class TestSplit:
    async def test_restores_both_sides_byte_for_byte(self, rooms: Rooms) -> None:
        mia, ben = await couple(rooms)
        await rooms.merges.merge(user("mia"), [user("ben")], by="ann")
        after = await rooms.merges.split(user("mia"), [user("ben")], by="ann", reason="a mistake")
        assert [spelled(one) for one in after] == [spelled(mia), spelled(ben)]
        assert (await rooms.require("ben@example.com", "email")).id == ben.id

    async def test_also_when_the_one_that_stayed_is_named(self, rooms: Rooms) -> None:
        mia, ben = await couple(rooms)
        await rooms.merges.merge(user("mia"), [user("ben")], by="ann")
        after = await rooms.merges.split(user("ben"), [parse_ref("email", "mia@example.com")], by="ann")
        assert [spelled(one) for one in after] == [spelled(mia), spelled(ben)]

    async def test_each_keeps_what_its_own_identities_did_meanwhile(self, rooms: Rooms) -> None:
        await couple(rooms)
        await rooms.merges.merge(user("mia"), [user("ben")], by="ann")
        await rooms.track("Product Viewed", "ben", ago=0, product_id="shrub-rose")
        await rooms.send({"type": "identify", "userId": "ben", "anonymousId": "b1"})
        await rooms.send(track("Product Viewed", None, anon="b1", ago=0, product_id="lily-bulb"))
        mia, ben = await rooms.merges.split(user("mia"), [user("ben")], by="ann")
        assert {s.content_key for s in ben.recent} == {"desk-lamp", "shrub-rose", "lily-bulb"}
        assert {s.content_key for s in mia.recent} == {"rye-bread", "climbing-rose"}
        assert (await rooms.require("b1", "anonymous_id")).id == ben.id

    async def test_of_chains_takes_back_one_link_or_the_whole(self, rooms: Rooms) -> None:
        mia, ben = await couple(rooms)
        await rooms.track("Product Viewed", "eve", product_id="lily-bulb")
        eve = await rooms.require("eve")
        merges = rooms.merges
        await merges.merge(user("ben"), [user("mia")], by="ann")
        await merges.merge(user("eve"), [user("ben")], by="ann")
        # Mia alone leaves; Ben stays with Eve.
        after = await merges.split(user("eve"), [user("mia")], by="ann")
        assert spelled(after[1]) == spelled(mia)
        assert (await rooms.require("ben")).id == eve.id
        assert (await rooms.require("eve")).former_ids == (ben.id,)
        after = await merges.split(user("eve"), [user("ben")], by="ann")
        assert [spelled(one) for one in after] == [spelled(eve), spelled(ben)]
        # And both together, as they had come.
        await merges.merge(user("ben"), [user("mia")], by="ann")
        pair = await rooms.require("ben")
        await merges.merge(user("eve"), [user("ben")], by="ann")
        after = await merges.split(user("eve"), [user("ben"), user("mia"), anon("a1")], by="ann")
        assert [spelled(one) for one in after] == [spelled(eve), spelled(pair)]
        after = await merges.split(user("mia"), [user("mia")], by="ann")
        assert [spelled(one) for one in after] == [spelled(ben), spelled(mia)]

    async def test_a_visitor_leaves_a_user_and_does_not_come_back_by_itself(self, rooms: Rooms) -> None:
        mia, _ = await couple(rooms)
        [former] = mia.former_ids
        [stayed, visitor] = await rooms.merges.split(user("mia"), [anon("a1")], by="ann")
        assert (stayed.id, visitor.id) == (mia.id, former)
        assert [s.content_key for s in visitor.recent] == ["rye-bread"]
        await rooms.identify("mia", anon="a1")
        assert (await rooms.require("a1", "anonymous_id")).id == former
        [review] = (await rooms.reviews.page(state=None, first=9)).nodes
        assert review.kind == "SPLIT_BEFORE"

    async def test_doing_it_again_changes_nothing_and_answers_the_same(self, rooms: Rooms) -> None:
        await couple(rooms)
        await rooms.merges.merge(user("mia"), [user("ben")], by="ann")
        first = await rooms.merges.split(user("mia"), [user("ben")], by="ann")
        before = await everything(rooms)
        for who in ("mia", "ben"):
            again = await rooms.merges.split(user(who), [user("ben")], by="ann")
            assert [(one.id, one.version) for one in again] == [(one.id, one.version) for one in first]
        assert await everything(rooms) == before

    async def test_after_another_merge_is_another_split(self, rooms: Rooms) -> None:
        mia, ben = await couple(rooms)
        await rooms.track("Product Viewed", "eve", product_id="lily-bulb")
        await rooms.merges.merge(user("mia"), [user("ben")], by="ann")
        await rooms.merges.split(user("mia"), [user("ben")], by="ann")
        rooms.clock.instant += timedelta(minutes=1)
        await rooms.merges.merge(user("ben"), [user("eve")], by="ann")
        rooms.clock.instant += timedelta(minutes=1)
        after = await rooms.merges.split(user("ben"), [user("ben")], by="ann")
        assert after[0].id == ben.id
        assert (await rooms.require("eve")).id == after[1].id
        assert spelled(await rooms.require("mia")) == spelled(mia)

    @pytest.mark.parametrize(
        ("who", "named", "code", "path"),
        [
            ("ben", [user("ben")], "NEVER_MERGED", ("identities",)),
            ("mia", [parse_ref("email", "ben@example.com")], "NOT_THIS_CUSTOMER", ("identities", 0)),
            ("mia", [user("mia"), user("nobody")], "UNKNOWN_IDENTITY", ("identities", 1)),
            ("mia", [], "NOTHING_TO_SPLIT", ("identities",)),
            ("nobody", [user("mia")], "UNKNOWN_CUSTOMER", ("for",)),
        ],
    )
    async def test_what_cannot_be_is_refused_and_changes_nothing(
        self, rooms: Rooms, who: str, named: list[CustomerRef], code: str, path: tuple[str | int, ...]
    ) -> None:
        await couple(rooms)
        before = await everything(rooms)
        with pytest.raises((InvalidInput, NotFound)) as caught:
            await rooms.merges.split(user(who), named, by="ann")
        assert (caught.value.kind, caught.value.path) == (code, path)
        assert await everything(rooms) == before


class TestCrashes:
    """The process dies between two steps; another one finishes, or the same call again."""

    @pytest.mark.parametrize("step", ["_headers", "_facet_of_event", "after"])
    @pytest.mark.parametrize("again", [True, False], ids=["asked again", "resumed"])
    async def test_what_was_intended_happens_once_and_whole(
        self, rooms: Rooms, monkeypatch: pytest.MonkeyPatch, step: str, again: bool
    ) -> None:
        class Killed(BaseException):
            pass

        async def die(*_: Any, **__: Any) -> None:
            raise Killed

        mia, ben = await couple(rooms)
        for name in ("merge", "split"):
            real = getattr(Regrouper, name)

            async def done_and_dead(self: Regrouper, operation: Any, real: Any = real) -> None:
                await real(self, operation)
                raise Killed

            act = {
                "merge": lambda r: r.merges.merge(user("mia"), [user("ben")], by="ann"),
                "split": lambda r: r.merges.split(user("mia"), [user("ben")], by="ann"),
            }[name]
            with monkeypatch.context() as patch:
                if step == "after":
                    patch.setattr(Regrouper, name, done_and_dead)
                else:
                    patch.setattr(Regrouper, step, die)
                if name == "merge" and step == "_facet_of_event":
                    await act(rooms)  # a merge asks for no events
                else:
                    with pytest.raises(Killed):
                        await act(rooms)
            other = make_rooms(rooms.store, rooms.clock)
            if again or (name, step) == ("split", "_facet_of_event"):  # there it died while still planning
                await act(other)
            else:
                await other.merges.resume()
            assert await rooms.merges.operations.pending() == []
            together = (await other.require("mia")).id == (await other.require("ben")).id
            assert together is (name == "merge")
        assert [spelled(await rooms.require(one)) for one in ("mia", "ben")] == [spelled(mia), spelled(ben)]
        assert await rooms.store.db["merges"].count_documents({"state": DONE}) == 2


class TestRaces:
    async def test_two_crossing_merges_and_fifty_writers_lose_nothing_and_double_nothing(
        self, rooms: Rooms
    ) -> None:
        other = make_rooms(rooms.store, rooms.clock)  # another process: no lock is shared, only the store
        for name in ("mia", "ben"):
            await rooms.track("Cart Viewed", name)

        def write(n: int) -> Any:
            return (rooms if n % 2 else other).track(
                "Order Completed",
                ("mia", "ben")[n // 2 % 2],
                ago=n + 1,
                order_id=f"o{n}",
                products=[{"sku": f"sku-{n}", "quantity": n + 1}],
            )

        await asyncio.gather(
            *(write(n) for n in range(25)),
            rooms.merges.merge(user("mia"), [user("ben")], by="ann"),
            other.merges.merge(user("ben"), [user("mia")], by="eve"),
            *(write(n) for n in range(25, 50)),
        )
        merged = await rooms.require("mia")
        assert (await rooms.require("ben")).id == merged.id
        assert {key: o.count for key, o in merged.owned.items()} == {f"sku-{n}": n + 1 for n in range(50)}
        assert len(merged.facet_ids) == 2
        assert len(merged.former_ids) == 1
        assert await rooms.store.db["merges"].count_documents({"state": DONE}) == 1
        assert await rooms.store.db["events"].count_documents({"projected": False}) == 0

    async def test_merges_and_splits_that_cross_end_in_one_of_the_two(self, rooms: Rooms) -> None:
        mia, ben = await couple(rooms)
        for _ in range(3):
            await rooms.merges.merge(user("mia"), [user("ben")], by="ann")
            await asyncio.gather(
                rooms.merges.split(user("mia"), [user("ben")], by="ann"),
                rooms.merges.merge(user("ben"), [user("mia")], by="eve"),
                rooms.track("Cart Viewed", "ben"),
                return_exceptions=True,
            )
            together = (await rooms.require("mia")).id == (await rooms.require("ben")).id
            if together:
                await rooms.merges.split(user("mia"), [user("ben")], by="ann")
            assert {(await rooms.require(one)).id for one in ("mia", "ben")} == {mia.id, ben.id}
