"""Who is one customer, and who is kept apart."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from hub.errors import Unavailable
from hub.profiles.identity import parse_ref
from hub.profiles.merge_model import OperationKind
from hub.profiles.model import ConsentState, Purpose
from hub.profiles.repository import ProfileRepository
from tests.profiles.rooms import Rooms, track


async def visit(rooms: Rooms, anon: str = "a1", *, product: str = "rye-bread", ago: float = 9) -> str:
    """Let a visitor look at something; return the profile's id."""
    await rooms.send(track("Product Viewed", None, anon=anon, ago=ago, product_id=product))
    return (await rooms.require(anon, "anonymous_id")).id


class TestIdentify:
    async def test_links_what_the_visitor_did_before(self, rooms: Rooms) -> None:
        former = await visit(rooms)
        await rooms.identify("mia", anon="a1")

        profile = await rooms.require("mia")
        assert profile.id != former
        assert profile.former_ids == (former,)
        assert [signal.content_key for signal in profile.recent] == ["rye-bread"]
        assert sorted(identity.key for identity in profile.identities) == ["anonymous_id:a1", "user_id:mia"]
        assert (await rooms.require("a1", "anonymous_id")).id == profile.id
        assert (await rooms.require(former, "id")).id == profile.id

    async def test_what_the_visitor_does_later_is_the_customers_too(self, rooms: Rooms) -> None:
        await rooms.identify("mia", anon="a1")
        await visit(rooms, "a1", product="desk-lamp", ago=0)
        assert (await rooms.require("mia")).recent[-1].content_key == "desk-lamp"

    async def test_several_devices_are_one_customer(self, rooms: Rooms) -> None:
        former = {
            await visit(rooms, anon, product=product)
            for anon, product in (("a1", "rye-bread"), ("a2", "desk-lamp"))
        }
        for anon in ("a1", "a2"):
            await rooms.identify("mia", anon=anon)
        profile = await rooms.require("mia")
        assert set(profile.former_ids) == former
        assert {signal.content_key for signal in profile.recent} == {"rye-bread", "desk-lamp"}
        assert len(profile.facet_ids) == 3

    @pytest.mark.parametrize(
        "order", [("mia", "ben", "cleo"), ("cleo", "mia", "ben"), ("ben", "cleo", "mia")]
    )
    async def test_a_device_of_several_users_is_nobodys_whoever_came_first(
        self, rooms: Rooms, order: tuple[str, ...]
    ) -> None:
        former = await visit(rooms, "kiosk")
        for number, user in enumerate(order):
            await rooms.identify(user, anon="kiosk")
            await visit(rooms, "kiosk", product="desk-lamp", ago=8 - number)
            # Segment's clients name the device beside the user with every event.
            await rooms.track("Product Viewed", user, anon="kiosk", ago=1, product_id="climbing-rose")
        for user in order:
            profile = await rooms.require(user)
            assert [signal.content_key for signal in profile.recent] == ["climbing-rose"]
            assert [identity.key for identity in profile.identities] == [f"user_id:{user}"]
        kiosk = await rooms.require("kiosk", "anonymous_id")
        assert kiosk.id == former
        assert [signal.content_key for signal in kiosk.recent] == ["rye-bread", *["desk-lamp"] * 3]

    async def test_it_is_told_who_took_the_device_away_why_and_on_what_evidence(self, rooms: Rooms) -> None:
        former = await visit(rooms, "kiosk")
        await rooms.identify("mia", anon="kiosk")
        mia = await rooms.require("mia")
        await rooms.send({"type": "identify", "userId": "ben", "anonymousId": "kiosk", "messageId": "m9"})
        [told] = await rooms.merges.operations.newest([mia.id], most=5)
        assert (told.kind, told.into, told.others) == (OperationKind.SPLIT, mia.id, (former,))
        assert (told.by, told.reason) == ("the hub", "several customers use this device")
        [review] = (await rooms.reviews.page(state=None, first=5)).nodes
        assert [proof.source for proof in told.evidence] == [review.id]
        assert [proof.source for proof in review.evidence] == ["m9"]
        assert (await rooms.require(former, "id")).id == former
        for whose, title in (
            (mia.id, "A device turned out to be used by others too"),
            (former, "Turned out to be a device that several customers use"),
        ):
            page = await rooms.profiles.timeline(await rooms.require(whose, "id"), first=1)
            assert [edge.node.title for edge in page.edges] == [title]

    async def test_a_device_that_an_agent_gave_to_somebody_stays_theirs(self, rooms: Rooms) -> None:
        await visit(rooms, "kiosk")
        await rooms.identify("mia", anon="kiosk")
        await rooms.identify("ben", anon="kiosk")
        mia, kiosk = parse_ref("user_id", "mia"), parse_ref("anonymous_id", "kiosk")
        await rooms.merges.merge(mia, [kiosk], by="ann", reason="her own laptop, lent once")
        await rooms.track("Product Viewed", "ben", anon="kiosk", ago=1, product_id="climbing-rose")
        assert (await rooms.require("kiosk", "anonymous_id")).id == (await rooms.require("mia")).id
        assert [signal.content_key for signal in (await rooms.require("mia")).recent] == ["rye-bread"]

    async def test_a_device_of_one_customer_with_two_accounts_stays_with_them(self, rooms: Rooms) -> None:
        await visit(rooms)
        await rooms.identify("mia", anon="a1")
        await rooms.identify("mia-at-work")
        await rooms.merges.merge(parse_ref("user_id", "mia"), [parse_ref("user_id", "mia-at-work")], by="ann")
        await rooms.identify("mia-at-work", anon="a1")
        assert (await rooms.require("a1", "anonymous_id")).id == (await rooms.require("mia")).id

    async def test_two_users_of_a_device_in_one_batch(self, rooms: Rooms) -> None:
        await rooms.send(
            track("Product Viewed", None, anon="kiosk", ago=9, product_id="rye-bread"),
            *[{"type": "identify", "userId": user, "anonymousId": "kiosk"} for user in ("mia", "ben")],
        )
        owners = {(await rooms.require(user)).id for user in ("mia", "ben")}
        assert (await rooms.require("kiosk", "anonymous_id")).id not in owners

    async def test_doing_it_again_changes_nothing(self, rooms: Rooms) -> None:
        await visit(rooms)
        await rooms.send({"type": "identify", "userId": "mia", "anonymousId": "a1", "messageId": "i1"})
        before = await rooms.require("mia")
        receipt = await rooms.send(
            {"type": "identify", "userId": "mia", "anonymousId": "a1", "messageId": "i1"}
        )
        assert (receipt.accepted, receipt.duplicates) == (0, 1)
        assert (await rooms.require("mia")).version == before.version


class TestAlias:
    async def test_joins_a_visitors_past(self, rooms: Rooms) -> None:
        former = await visit(rooms, "old")
        await rooms.send({"type": "alias", "userId": "mia", "previousId": "old"})
        assert (await rooms.require("mia")).former_ids == (former,)

    async def test_of_two_users_merges_nobody(self, rooms: Rooms) -> None:
        await rooms.track("Product Viewed", "ben", product_id="rye-bread")
        await rooms.send({"type": "alias", "userId": "mia", "previousId": "ben"})
        mia, ben = await rooms.require("mia"), await rooms.require("ben")
        assert mia.id != ben.id
        assert mia.former_ids == ()
        assert mia.recent == ()


class TestAddresses:
    async def test_a_shared_address_merges_nobody_and_is_everybodys_address(self, rooms: Rooms) -> None:
        await rooms.identify("mia", email="family@example.com")
        await rooms.identify("ben", email="family@example.com")
        mia, ben = await rooms.require("mia"), await rooms.require("ben")
        assert mia.id != ben.id
        assert mia.identity("email") == ben.identity("email") == "family@example.com"
        assert (await rooms.require("family@example.com", "email")).id == mia.id

    async def test_an_unverified_address_of_a_visitor_links_nobody(self, rooms: Rooms) -> None:
        await rooms.send({"type": "identify", "anonymousId": "a1", "traits": {"email": "m@example.com"}})
        await rooms.identify("mia", email="m@example.com")
        assert (await rooms.require("mia")).former_ids == ()

    async def test_an_address_verified_on_both_sides_links_a_visitor(self, rooms: Rooms) -> None:
        traits = {"email": "m@example.com", "email_verified": True}
        await rooms.send({"type": "identify", "anonymousId": "a1", "traits": traits})
        former = (await rooms.require("a1", "anonymous_id")).id
        await rooms.identify("mia", **traits)
        assert (await rooms.require("mia")).former_ids == (former,)

    async def test_the_addresses_of_a_whole_batch_move_in_together(
        self, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        housed: list[set[str]] = []
        real = ProfileRepository.house

        async def counted(self: ProfileRepository, identities: Mapping[str, Any]) -> Any:
            housed.append(set(identities))
            return await real(self, identities)

        monkeypatch.setattr(ProfileRepository, "house", counted)
        users = [f"u{number}" for number in range(12)]
        await rooms.send(*(
            {"type": "identify", "userId": user, "traits": {"email": f"{user}@example.com"}} for user in users
        ))  # fmt: skip
        assert housed == [
            {f"user_id:{user}" for user in users},
            {f"email:{user}@example.com" for user in users},
        ]
        for user in users:
            assert (await rooms.require(f"{user}@example.com", "email")).id == (await rooms.require(user)).id

    async def test_two_who_bring_one_address_in_one_batch_are_kept_apart(self, rooms: Rooms) -> None:
        await rooms.send(*(
            {"type": "identify", "userId": user, "traits": {"email": "family@example.com"},
             "timestamp": f"2026-03-02T0{hour}:00:00Z"}
            for hour, user in enumerate(("mia", "ben"))
        ))  # fmt: skip
        assert (await rooms.require("family@example.com", "email")).id == (await rooms.require("mia")).id
        assert (await rooms.require("ben")).identity("email") == "family@example.com"

    async def test_an_address_is_verified_though_the_same_batch_named_it_before_unverified(
        self, rooms: Rooms
    ) -> None:
        traits: dict[str, Any] = {"email": "m@example.com"}
        said = [
            {
                "type": "identify",
                "anonymousId": "a1",
                "timestamp": f"2026-03-02T0{hour}:00:00Z",
                "traits": told,
            }
            for hour, told in enumerate((traits, traits | {"email_verified": True}))
        ]
        await rooms.send(*said)
        former = (await rooms.require("a1", "anonymous_id")).id
        await rooms.identify("mia", **traits, email_verified=True)
        assert (await rooms.require("mia")).former_ids == (former,)


class TestConsentAfterLinking:
    async def test_the_strictest_wins_until_the_customer_speaks_again(self, rooms: Rooms) -> None:
        def said(who: dict[str, Any], state: str, hour: int) -> dict[str, Any]:
            properties = {"purpose": "PERSONALIZATION", "state": state}
            at = f"2026-03-02T{hour:02}:00:00Z"
            return {
                "type": "track",
                "event": "Consent Preference Updated",
                "properties": properties,
                "timestamp": at,
                **who,
            }

        async def state() -> ConsentState:
            profile = await rooms.require("mia")
            return next(c.state for c in profile.consents if c.purpose is Purpose.PERSONALIZATION)

        await rooms.send(said({"anonymousId": "a1"}, "DENIED", 1), said({"userId": "mia"}, "GRANTED", 2))
        assert await state() is ConsentState.GRANTED
        await rooms.send(
            {"type": "identify", "userId": "mia", "anonymousId": "a1", "timestamp": "2026-03-02T03:00:00Z"}
        )
        assert await state() is ConsentState.DENIED
        await rooms.send(said({"userId": "mia"}, "GRANTED", 4))
        assert await state() is ConsentState.GRANTED
        await rooms.send(said({"anonymousId": "a1"}, "DENIED", 5))
        assert await state() is ConsentState.DENIED


class TestRaces:
    async def test_users_who_claim_one_visitor_at_once_all_go_without(self, rooms: Rooms) -> None:
        former = await visit(rooms)
        users = [f"u{number}" for number in range(6)]
        await asyncio.gather(*(rooms.identify(user, anon="a1") for user in users))
        profiles = [await rooms.require(user) for user in users]
        assert len({profile.id for profile in profiles}) == 6
        assert [profile.former_ids for profile in profiles] == [()] * 6
        assert (await rooms.require("a1", "anonymous_id")).id == former

    async def test_a_merge_that_was_interrupted_is_carried_out_by_whoever_meets_it(
        self, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        former = await visit(rooms)

        async def crash(*_: object) -> None:
            raise Unavailable("the store went away")

        with monkeypatch.context() as patch:
            patch.setattr(ProfileRepository, "move", crash)
            await rooms.identify("mia", anon="a1")
        assert await rooms.ingest.recover() == 1
        profile = await rooms.require("mia")
        assert profile.former_ids == (former,)
        assert [signal.content_key for signal in profile.recent] == ["rye-bread"]
        assert (await rooms.require("a1", "anonymous_id")).id == profile.id
