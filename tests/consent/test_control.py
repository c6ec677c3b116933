"""The customer's controls: recorded as events, in force on the next read."""

from datetime import timedelta

import pytest

from hub.consent.control import Correction
from hub.consent.gate import admit
from hub.errors import InvalidInput, NotFound
from hub.profiles.identity import parse_ref
from hub.profiles.model import ConsentState, CustomerRef, FeedbackKind, InterestKind, Profile, Purpose
from tests.builders import NOW
from tests.profiles.rooms import Rooms

MIA = CustomerRef("user_id", "mia")


def labels(profile: Profile, kind: InterestKind) -> list[str]:
    return sorted(interest.label for interest in profile.interests if interest.kind is kind)


@pytest.fixture
async def known(rooms: Rooms) -> Rooms:
    await rooms.track("Order Completed", ago=50, products=[{"sku": "climbing-rose"}, {"sku": "shrub-rose"}])
    await rooms.track("Product Viewed", ago=40, product_id="rye-bread")
    await rooms.identify(email="mia@example.com")
    return rooms


class TestFeedback:
    async def test_hide_is_gone_on_the_next_read(self, known: Rooms) -> None:
        profile = await known.control.give_feedback(MIA, FeedbackKind.HIDE, "rye-bread")
        view = admit(await known.require(), known.snapshot, channel="WEB", at=NOW).view
        assert profile.feedback == {"rye-bread": FeedbackKind.HIDE}
        assert view.hidden == {"rye-bread"}
        assert labels(profile, InterestKind.LONG_TERM) == [profile.interests[0].label]

    async def test_less_avoids_and_is_no_longer_an_interest(self, known: Rooms) -> None:
        profile = await known.control.give_feedback(MIA, FeedbackKind.LESS, "rye-bread")
        assert labels(profile, InterestKind.AVOIDED) == ["Rye bread"]
        assert all(
            "rye-bread" not in i.subjects for i in profile.interests if i.kind is InterestKind.LONG_TERM
        )

    async def test_more_is_declared_and_the_last_word_counts(self, known: Rooms) -> None:
        await known.control.give_feedback(MIA, FeedbackKind.LESS, "rye-bread")
        profile = await known.control.give_feedback(MIA, FeedbackKind.MORE, "rye-bread")
        assert labels(profile, InterestKind.AVOIDED) == []
        assert labels(profile, InterestKind.DECLARED) == ["Rye bread"]

    async def test_is_on_the_timeline(self, known: Rooms) -> None:
        profile = await known.control.give_feedback(MIA, FeedbackKind.SAVE, "desk-lamp")
        page = await known.profiles.timeline(profile, first=1)
        assert [entry.title for entry in page.nodes] == ["Said save to Desk lamp"]

    async def test_by_any_identity_of_the_customer(self, known: Rooms) -> None:
        mia = await known.require()
        for number, ref in enumerate((parse_ref("email", "mia@example.com"), parse_ref("id", mia.id))):
            profile = await known.control.give_feedback(
                ref, FeedbackKind.HIDE, ["desk-lamp", "lily-bulb"][number]
            )
            assert profile.id == mia.id
        assert set((await known.require()).feedback) == {"desk-lamp", "lily-bulb"}

    async def test_of_a_content_that_is_none_changes_nothing(self, known: Rooms) -> None:
        before = await known.counts()
        with pytest.raises(NotFound) as caught:
            await known.control.give_feedback(MIA, FeedbackKind.HIDE, "nothing")
        assert caught.value.kind == "UNKNOWN_CONTENT"
        assert await known.counts() == before


class TestPreferences:
    async def test_are_declared_and_can_be_taken_back(self, known: Rooms) -> None:
        profile = await known.control.set_preferences(MIA, {"likes": "lamps, not lilies", "size": "M"})
        assert labels(profile, InterestKind.DECLARED) == ["lamps"]
        assert labels(profile, InterestKind.AVOIDED) == ["lilies"]
        profile = await known.control.set_preferences(MIA, {"likes": None})
        assert [i for i in profile.interests if i.kind is not InterestKind.LONG_TERM] == []
        assert {key: fact.value for key, fact in profile.preferences.items()} == {"size": "M"}

    @pytest.mark.parametrize(
        "preferences", [{}, {"": "x"}, {"a b": "x"}, {"x": "y" * 1001}, {"likes": 5}, {"x": float("nan")}]
    )
    async def test_that_cannot_be_change_nothing(self, known: Rooms, preferences: dict[str, object]) -> None:
        before = await known.counts()
        with pytest.raises(InvalidInput):
            await known.control.set_preferences(MIA, preferences)  # type: ignore[arg-type]
        assert await known.counts() == before

    async def test_switching_a_layer_off_and_on(self, known: Rooms) -> None:
        profile = await known.control.switch_layer(MIA, "interests", enabled=False)
        assert profile.preferences["layer.interests"].value == "off"
        profile = await known.control.switch_layer(MIA, "interests", enabled=True)
        assert "layer.interests" not in profile.preferences
        with pytest.raises(InvalidInput):
            await known.control.switch_layer(MIA, "No Layer", enabled=False)


class TestConsent:
    async def test_is_in_force_on_the_next_read_with_source_and_policy(self, known: Rooms) -> None:
        profile = await known.control.set_consent(
            MIA,
            Purpose.EMAIL_MARKETING,
            "EMAIL",
            ConsentState.GRANTED,
            source="newsletter form",
            policy_version="7",
        )
        [consent] = [c for c in profile.consents if c.channel == "EMAIL"]
        assert (consent.state, consent.source, consent.updated_at) == (
            ConsentState.GRANTED,
            "newsletter form",
            NOW + timedelta(milliseconds=1),  # behind what was known at NOW
        )
        assert admit(profile, known.snapshot, channel="EMAIL", at=NOW).withheld is None
        profile = await known.control.set_consent(MIA, Purpose.EMAIL_MARKETING, None, ConsentState.DENIED)
        withheld = admit(profile, known.snapshot, channel="EMAIL", at=NOW).withheld
        assert withheld is not None
        assert withheld.code == "NO_CONSENT"

    async def test_beats_what_a_sender_with_a_fast_clock_said(self, known: Rooms) -> None:
        await known.track("Consent Preference Updated", ago=-20, purpose="PERSONALIZATION", state="GRANTED")
        profile = await known.control.set_consent(MIA, Purpose.PERSONALIZATION, None, ConsentState.DENIED)
        assert not admit(profile, known.snapshot, channel="WEB", at=NOW).view.personal

    async def test_that_nobody_gives_is_refused(self, known: Rooms) -> None:
        with pytest.raises(InvalidInput):
            await known.control.set_consent(MIA, Purpose.ANALYTICS, None, ConsentState.UNKNOWN)
        with pytest.raises(InvalidInput):
            await known.control.set_consent(MIA, Purpose.ANALYTICS, "no channel!", ConsentState.DENIED)


class TestInterests:
    async def test_a_removed_interest_is_gone_until_there_is_new_evidence(self, known: Rooms) -> None:
        roses = (await known.require()).interests[0]
        profile = await known.control.correct_interest(MIA, roses.id, Correction.REMOVE)
        assert [i.subjects for i in profile.interests] == [("rye-bread",)]
        assert "climbing-rose" in profile.owned
        await known.track("Product Viewed", ago=-0.01, product_id="climbing-rose")
        assert ("climbing-rose",) in [i.subjects for i in (await known.require()).interests]

    async def test_a_renamed_interest_keeps_its_name_while_it_grows(self, known: Rooms) -> None:
        roses = (await known.require()).interests[0]
        await known.control.correct_interest(MIA, roses.id, Correction.RENAME, "My rose bed")
        await known.track("Product Viewed", ago=-0.01, product_id="rose-shears")
        renamed = (await known.require()).interests[0]
        assert (renamed.label, renamed.id) == ("My rose bed", roses.id)

    async def test_a_declared_interest_can_be_removed(self, known: Rooms) -> None:
        profile = await known.control.set_preferences(MIA, {"likes": "lamps"})
        [lamps] = [i for i in profile.interests if i.kind is InterestKind.DECLARED]
        profile = await known.control.correct_interest(MIA, lamps.id, Correction.REMOVE)
        assert labels(profile, InterestKind.DECLARED) == []

    async def test_what_cannot_be_corrected_changes_nothing(self, known: Rooms) -> None:
        roses = (await known.require()).interests[0]
        before = await known.counts()
        with pytest.raises(InvalidInput):
            await known.control.correct_interest(MIA, roses.id, Correction.RENAME, " ")
        with pytest.raises(NotFound) as caught:
            await known.control.correct_interest(MIA, "int_none", Correction.REMOVE)
        assert caught.value.kind == "UNKNOWN_INTEREST"
        assert await known.counts() == before


async def test_an_unknown_customer_is_a_typed_error_and_nobody_is_made_up(rooms: Rooms) -> None:
    nobody = CustomerRef("user_id", "nobody")
    for call in (
        rooms.control.give_feedback(nobody, FeedbackKind.HIDE, "desk-lamp"),
        rooms.control.set_preferences(nobody, {"likes": "x"}),
        rooms.control.set_consent(nobody, Purpose.ANALYTICS, None, ConsentState.DENIED),
        rooms.control.correct_interest(nobody, "int_1", Correction.REMOVE),
        rooms.control.switch_layer(nobody, "needs", enabled=False),
    ):
        with pytest.raises(NotFound) as caught:
            await call
        assert caught.value.kind == "UNKNOWN_CUSTOMER"
    assert await rooms.counts() == {"events": 0, "facets": 0, "profiles": 0, "identities": 0}
