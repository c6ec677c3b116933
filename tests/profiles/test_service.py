"""What events do to a profile, over the real store."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hub.catalogue.model import NeedPattern
from hub.errors import InvalidInput, NotFound
from hub.events.names import TimelineKind
from hub.profiles.identity import parse_ref
from hub.profiles.model import ConsentState, InterestKind, Profile, Purpose, Source
from tests.builders import ENCODER, NOW, make_content, make_snapshot
from tests.profiles.rooms import Rooms, track


def labels(profile: Profile, kind: InterestKind) -> list[str]:
    return [interest.label for interest in profile.interests if interest.kind is kind]


class TestPurchases:
    async def test_a_purchase_is_owned_and_an_interest_with_its_evidence(self, rooms: Rooms) -> None:
        receipt = await rooms.track(
            "Order Completed",
            order_id="o1",
            products=[{"product_id": "climbing-rose", "quantity": 2}, {"sku": "shrub-rose"}],
        )

        profile = await rooms.require()
        assert (receipt.accepted, receipt.duplicates, receipt.rejected) == (1, 0, ())
        assert receipt.profile_ids == (profile.id,)
        assert {key: o.count for key, o in profile.owned.items()} == {"climbing-rose": 2, "shrub-rose": 1}
        [interest] = profile.interests
        assert interest.kind is InterestKind.LONG_TERM
        assert "rose" in interest.label
        assert interest.weight == 1.0
        assert {e.content_key for e in interest.evidence} == {"climbing-rose", "shrub-rose"}

    async def test_two_worlds_are_two_interests_and_never_their_average(self, rooms: Rooms) -> None:
        await rooms.track("Order Completed", products=[{"sku": "climbing-rose"}, {"sku": "shrub-rose"}])
        await rooms.track("Article Read", content_id="rye-bread")

        profile = await rooms.require()
        assert len(labels(profile, InterestKind.LONG_TERM)) == 2
        heaviest = profile.interests[0]
        assert heaviest.weight > 0.7
        assert heaviest.subjects == ("climbing-rose", "shrub-rose")

    async def test_a_refund_of_some_lifts_nothing_a_refund_of_all_does(self, rooms: Rooms) -> None:
        await rooms.track(
            "Order Completed", ago=5, order_id="o1", products=[{"sku": "rose-shears", "quantity": 2}]
        )
        await rooms.track("Order Refunded", ago=4, order_id="o1", products=[{"sku": "rose-shears"}])
        assert (await rooms.require()).owned["rose-shears"].count == 1
        await rooms.track("Order Refunded", ago=3, order_id="o1", products=[{"sku": "rose-shears"}])
        assert (await rooms.require()).owned == {}

    async def test_a_refund_that_arrives_before_its_order_counts(self, rooms: Rooms) -> None:
        await rooms.track("Order Refunded", ago=1, order_id="o1")
        await rooms.track("Order Completed", ago=9, order_id="o1", products=[{"sku": "rose-shears"}])
        await rooms.track("Order Completed", ago=8, order_id="o2", products=[{"sku": "desk-lamp"}])
        assert list((await rooms.require()).owned) == ["desk-lamp"]

    async def test_a_cancelled_order_is_undone_whole(self, rooms: Rooms) -> None:
        order = [{"sku": "rose-shears", "quantity": 3}, {"sku": "desk-lamp"}]
        await rooms.track("Order Completed", ago=9, order_id="o1", products=order)
        await rooms.track("Order Cancelled", ago=8, order_id="o1", products=[{"sku": "desk-lamp"}])
        assert (await rooms.require()).owned == {}

    async def test_what_was_bought_leaves_the_cart(self, rooms: Rooms) -> None:
        await rooms.track("Product Added", ago=9, product_id="desk-lamp")
        await rooms.track("Product Added", ago=8, product_id="rye-bread")
        await rooms.track("Product Added", ago=7, product_id="rye-flour")
        await rooms.track("Product Removed", ago=6, product_id="rye-flour")
        assert (await rooms.require()).cart == ("desk-lamp", "rye-bread")
        await rooms.track("Order Completed", ago=5, products=[{"sku": "desk-lamp"}])
        assert (await rooms.require()).cart == ("rye-bread",)
        await rooms.track("Product Added", ago=4, product_id="desk-lamp")
        assert (await rooms.require()).cart == ("rye-bread", "desk-lamp")

    async def test_needs_are_met_for_good_until_refunded(self, rooms: Rooms) -> None:
        await rooms.track(
            "Order Completed", ago=5, order_id="o1", products=[{"sku": "rose-shears"}, {"sku": "rye-bread"}]
        )
        [need] = rooms.profiles.needs(await rooms.require(), rooms.snapshot, NOW)
        assert (need.category, need.pattern, need.satisfied_until) == ("garden/tools", NeedPattern.ONCE, None)
        await rooms.track("Order Refunded", ago=4, order_id="o1")
        assert rooms.profiles.needs(await rooms.require(), rooms.snapshot, NOW) == ()


class TestWords:
    async def test_a_search_is_an_interest_in_words(self, rooms: Rooms) -> None:
        await rooms.track("Products Searched", query="rye  bread ", ago=2, id="m1")
        await rooms.track("Products Searched", query="rye bread", ago=1, id="m2")
        profile = await rooms.require()
        [interest] = profile.interests
        assert interest.subjects == ("text:rye bread",)
        [proof] = interest.evidence
        assert (proof.content_key, proof.text, proof.times) == ("", "rye bread", 2)
        assert (proof.event_id, proof.at) == ("m2", NOW - timedelta(hours=1))
        assert list(profile.text_vectors) == ["rye bread"]

    async def test_likes_and_dislikes_are_understood(self, rooms: Rooms) -> None:
        await rooms.track("Preferences Set", preferences={"likes": "Roses, not lilies", "dislikes": "lamps"})
        profile = await rooms.require()
        assert labels(profile, InterestKind.DECLARED) == ["roses"]
        assert sorted(labels(profile, InterestKind.AVOIDED)) == ["lamps", "lilies"]
        said = {proof.text: proof.event_id for one in profile.interests for proof in one.evidence}
        assert said == dict.fromkeys(
            ["roses", "lilies", "lamps"], profile.preferences["likes"].stamp.message_id
        )
        assert profile.preferences["likes"].value == "Roses, not lilies"
        assert profile.preferences["likes"].source is Source.DECLARED


class TestTraits:
    async def test_the_later_statement_counts_whenever_it_arrives(self, rooms: Rooms) -> None:
        late = {
            "type": "identify",
            "userId": "mia",
            "traits": {"city": "Bath"},
            "timestamp": "2026-03-01T10:00:00Z",
        }
        early = late | {"traits": {"city": "York", "firstName": "Mia"}, "timestamp": "2026-02-01T10:00:00Z"}
        await rooms.send(late)
        await rooms.send(early)
        profile = await rooms.require()
        assert {key: fact.value for key, fact in profile.traits.items()} == {
            "city": "Bath",
            "first_name": "Mia",
        }
        assert profile.traits["city"].source is Source.OBSERVED
        assert profile.display_name == "Mia"

    async def test_a_null_takes_a_trait_back(self, rooms: Rooms) -> None:
        await rooms.identify(city="Bath")
        rooms.clock.instant += timedelta(minutes=1)
        await rooms.identify(city=None)
        assert (await rooms.require()).traits == {}

    async def test_keys_may_hold_dots_and_dollars(self, rooms: Rooms) -> None:
        await rooms.identify(**{"a.b": 1, "$set": {"$inc": {"x.y": 2}}})
        await rooms.track("Product Viewed", product_id="$weird.key")
        profile = await rooms.require()
        assert profile.traits["$set"].value == {"$inc": {"x.y": 2}}
        assert profile.recent[-1].content_key == "$weird.key"


class TestFinding:
    async def test_by_any_identity_in_any_spelling(self, rooms: Rooms) -> None:
        await rooms.identify("mia", anon="a1", email="Mia@Example.com", phone="+44 (0)20 7946-0000")
        profile = await rooms.require()
        for kind, value in (
            ("email", " MIA@example.COM "),
            ("phone", "0044 020 7946 0000"),
            ("anonymous_id", "a1"),
            ("anonymousId", "a1"),
            ("id", profile.id),
        ):
            assert (await rooms.require(value, kind)).id == profile.id

    async def test_someone_never_seen_is_none_and_required_is_a_typed_error(self, rooms: Rooms) -> None:
        assert await rooms.find("nobody") is None
        with pytest.raises(NotFound) as caught:
            await rooms.require("nobody")
        assert caught.value.kind == "UNKNOWN_CUSTOMER"
        assert await rooms.counts() == {"events": 0, "facets": 0, "profiles": 0, "identities": 0}

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            ("email", "no address"),
            ("phone", "call me"),
            ("user_id", "  "),
            ("User Id", "x"),
            ("user_id", "a\x00b"),
        ],
    )
    def test_what_cannot_be_an_identity_is_refused(self, kind: str, value: str) -> None:
        with pytest.raises(InvalidInput):
            parse_ref(kind, value)


class TestTimeline:
    async def test_newest_first_with_cursors_that_hold_still(self, rooms: Rooms) -> None:
        for hour in range(5):
            await rooms.track("Product Viewed", ago=10 - hour, product_id="desk-lamp", id=f"m{hour}")
        profile = await rooms.require()
        page = await rooms.profiles.timeline(profile, first=2)
        assert [entry.id for entry in page.nodes] == ["m4", "m3"]
        assert page.page_info.has_next_page
        await rooms.track("Product Viewed", ago=0, product_id="desk-lamp", id="m5")
        after = page.page_info.end_cursor
        page = await rooms.profiles.timeline(profile, first=10, after=after)
        assert [entry.id for entry in page.nodes] == ["m2", "m1", "m0"]
        assert not page.page_info.has_next_page

    async def test_entries_speak_in_words_and_can_be_filtered(self, rooms: Rooms) -> None:
        await rooms.track(
            "Order Completed", ago=5, products=[{"sku": "rye-bread", "quantity": 2}, {"sku": "desk-lamp"}]
        )
        await rooms.track("Products Searched", ago=4, query="rye")
        await rooms.track("Something Else", ago=3)
        await rooms.identify(email="mia@example.com")
        profile = await rooms.require()
        page = await rooms.profiles.timeline(profile, first=10)
        assert [entry.title for entry in page.nodes] == [
            "Gave details: email",
            "Something Else",
            'Searched for "rye"',
            "Bought 2 x Rye bread and Desk lamp",
        ]
        only = await rooms.profiles.timeline(profile, first=10, kinds=[TimelineKind.PURCHASED])
        assert [entry.kind for entry in only.nodes] == [TimelineKind.PURCHASED]

    @pytest.mark.parametrize(("first", "after"), [(-1, None), (201, None), (1, "nonsense"), (1, "MTIz")])
    async def test_a_page_that_cannot_be_is_refused(
        self, rooms: Rooms, first: int, after: str | None
    ) -> None:
        await rooms.track("Cart Viewed")
        with pytest.raises(InvalidInput):
            await rooms.profiles.timeline(await rooms.require(), first=first, after=after)


class TestFreshness:
    async def test_contents_that_come_after_their_events_count_on_the_next_read(self, rooms: Rooms) -> None:
        await rooms.track("Product Viewed", product_id="oak-bench")
        assert (await rooms.require()).interests == ()
        rooms.snapshot = make_snapshot([make_content("oak-bench")])
        profile = await rooms.require()
        assert [interest.subjects for interest in profile.interests] == [("oak-bench",)]
        assert (await rooms.require()).version == profile.version

    async def test_another_encoder_folds_anew_and_its_vectors_are_never_mixed(self, rooms: Rooms) -> None:
        await rooms.track("Product Viewed", product_id="desk-lamp")
        before = await rooms.require()
        rooms.snapshot = replace(rooms.snapshot, encoder_id="another")
        after = await rooms.require()
        assert (before.encoder_id, after.encoder_id) == (ENCODER, "another")
        assert after.version == before.version + 1


async def test_arrival_in_any_order_gives_the_same_profile(rooms: Rooms) -> None:
    story = [
        track("Order Completed", "u{}", ago=9, order_id="o1", products=[{"sku": "climbing-rose"}]),
        track("Product Viewed", None, anon="a{}", ago=8, product_id="rye-bread"),
        {
            "type": "identify",
            "userId": "u{}",
            "anonymousId": "a{}",
            "traits": {"city": "Bath"},
            "timestamp": "2026-03-02T03:00:00Z",
        },
        track("Order Refunded", "u{}", ago=6, order_id="o1"),
        track("Consent Preference Updated", "u{}", ago=5, purpose="EMAIL_MARKETING", state="GRANTED"),
        track("Feedback Given", "u{}", ago=4, kind="LESS", content_key="desk-lamp"),
    ]
    orders = [(0, 1, 2, 3, 4, 5), (5, 4, 3, 2, 1, 0), (2, 5, 1, 0, 4, 3), (1, 2, 0, 0, 2, 3, 4, 5)]
    seen = []
    for number, order in enumerate(orders):
        for step in order:
            message = {k: v.format(number) if isinstance(v, str) else v for k, v in story[step].items()}
            await rooms.send(message | {"messageId": f"m{number}-{step}"})
        profile = await rooms.require(f"u{number}")
        assert profile.id == (await rooms.require(f"a{number}", "anonymous_id")).id
        seen.append(
            (
                sorted(identity.type for identity in profile.identities),
                {key: fact.value for key, fact in profile.traits.items()},
                profile.owned,
                [(i.kind, i.label, i.weight, i.subjects) for i in profile.interests],
                [(c.purpose, c.channel, c.state) for c in profile.consents],
                [signal.content_key for signal in profile.recent],
            )
        )
    assert seen[1:] == seen[:1] * 3
    assert seen[0][4] == [
        (Purpose.PERSONALIZATION, "*", ConsentState.UNKNOWN),
        (Purpose.EMAIL_MARKETING, "*", ConsentState.GRANTED),
        (Purpose.ANALYTICS, "*", ConsentState.UNKNOWN),
    ]
