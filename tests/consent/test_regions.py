"""What silence means, by purpose and region; and that a word, or a browser's signal, stands above it."""

import pytest

from hub.consent.gate import admit, standing
from hub.consent.regions import EEA, Rules, Stance
from hub.errors import SetupError
from hub.profiles.model import ConsentState, CustomerRef, Purpose
from tests.builders import NOW
from tests.profiles.rooms import Rooms

P = Purpose
MIA = CustomerRef("user_id", "mia")


async def personal(
    rooms: Rooms, rules: Rules | None = None, *, gpc: bool = False, channel: str = "WEB"
) -> bool:
    profile = await rooms.require()
    return admit(
        profile, rooms.snapshot, channel=channel, at=NOW, rules=rules or Rules(), gpc=gpc
    ).view.personal


async def withheld(rooms: Rooms) -> str | None:
    found = admit(await rooms.require(), rooms.snapshot, channel="EMAIL", at=NOW).withheld
    return None if found is None else found.code


class TestTheRegion:
    @pytest.mark.parametrize(
        ("country", "expected"),
        [("DE", "DE"), ("de", "DE"), ("Germany", "DE"), ("EIRE", "IE"), ("UK", "GB"), ("EL", "GR"), ("Usa", "US"), ("DEU", "DE"), ("Deutschland", "DE"), ("ESPAÑA", "ES"), ("Espan\u0303a", "ES"),
         ("US", "US"), ("Atlantis", "GB"), ("", "GB"), (None, "GB"), (7, "GB")],
    )  # fmt: skip
    async def test_is_the_customers_country_or_the_default(
        self, rooms: Rooms, country: object, expected: str
    ) -> None:
        await rooms.identify(country=country)
        assert Rules().region_of(await rooms.require()) == expected

    @pytest.mark.parametrize(
        ("traits", "expected"),
        [({"address": {"country": "DE", "city": "Ulm"}}, "DE"), ({"address": {"country": "Sverige"}}, "SE"),
         ({"country": "US", "address": {"country": "DE"}}, "US"), ({"country": "?", "address": {"country": "DE"}}, "DE"),
         ({"address": {"city": "Ulm"}}, "GB"), ({"address": "12 High Street, DE"}, "GB"), ({"address": {"country": 49}}, "GB")],
    )  # fmt: skip
    async def test_is_taken_from_an_address_too_as_segment_has_it(
        self, rooms: Rooms, traits: dict[str, object], expected: str
    ) -> None:
        await rooms.identify(**traits)
        mia = await rooms.require()
        assert Rules().region_of(mia) == expected
        shown = admit(mia, rooms.snapshot, channel="WEB", at=NOW, rules=Rules("FR"), gpc=True).profile
        assert shown is not None
        assert Rules().region_of(shown) == expected
        assert shown.traits.get("address") is None or set(shown.traits["address"].value) == {"country"}

    def test_there_are_thirty_states_in_the_eea(self) -> None:
        assert len(EEA) == 30
        assert not EEA & {"GB", "CH", "US"}


class TestSilence:
    @pytest.mark.parametrize(
        ("country", "may"), [("DE", False), ("France", False), ("NO", False), ("GB", True), ("US", True)]
    )
    async def test_on_personalization_is_no_in_the_eea(self, rooms: Rooms, country: str, may: bool) -> None:
        await rooms.identify(country=country)
        await rooms.track("Product Viewed", product_id="climbing-rose")
        assert await personal(rooms) is may
        await rooms.control.set_consent(MIA, P.PERSONALIZATION, None, ConsentState.GRANTED)
        assert await personal(rooms)

    async def test_with_the_region_of_the_house_where_none_is_said(self, rooms: Rooms) -> None:
        await rooms.track("Product Viewed", product_id="climbing-rose")
        assert await personal(rooms, Rules("GB"))
        assert not await personal(rooms, Rules("DE"))

    @pytest.mark.parametrize(
        ("country", "code"), [("DE", "NO_CONSENT"), ("GB", "NO_CONSENT"), ("CH", "NO_CONSENT"), ("US", None)]
    )
    async def test_on_email_is_no_but_in_the_united_states(
        self, rooms: Rooms, country: str, code: str | None
    ) -> None:
        await rooms.identify(country=country, email="mia@example.com")
        assert await withheld(rooms) == code
        await rooms.control.set_consent(MIA, P.EMAIL_MARKETING, None, ConsentState.DENIED)
        assert await withheld(rooms) == "NO_CONSENT"

    async def test_is_told_with_the_law_it_follows_from(self, rooms: Rooms) -> None:
        await rooms.identify(country="DE")
        told = {one.purpose: (one.state, one.source, one.allowed) for one in standing(await rooms.require())}
        assert told == {
            P.PERSONALIZATION: ("UNKNOWN", "default of DE: no until granted", False),
            P.EMAIL_MARKETING: ("UNKNOWN", "default of DE: no until granted", False),
            P.ANALYTICS: ("UNKNOWN", "default of DE: yes until denied", True),
        }


class TestTheSetting:
    def test_names_regions(self) -> None:
        rules = Rules.parse("GB", "EEA, gb")
        assert rules.stance(P.PERSONALIZATION, "GB") is Stance.OPT_IN
        assert rules.stance(P.PERSONALIZATION, "FR") is Stance.OPT_IN
        assert rules.stance(P.PERSONALIZATION, "US") is Stance.OPT_OUT
        assert Rules.parse("GB", "*").stance(P.PERSONALIZATION, "US") is Stance.OPT_IN
        assert Rules.parse("GB", "").stance(P.PERSONALIZATION, "FR") is Stance.OPT_OUT

    def test_that_names_none_is_refused(self) -> None:
        with pytest.raises(SetupError, match="Europe"):
            Rules.parse("GB", "Europe")


class TestGlobalPrivacyControl:
    async def test_is_heeded_for_the_request_whatever_was_granted(self, rooms: Rooms) -> None:
        await rooms.track("Product Viewed", product_id="climbing-rose")
        await rooms.control.set_consent(MIA, P.PERSONALIZATION, None, ConsentState.GRANTED)
        assert await personal(rooms)
        assert not await personal(rooms, gpc=True)

    async def under(self, rooms: Rooms, event: str, *, ago: float = 1.0, **properties: object) -> None:
        from hub.events.gpc import marked
        from tests.profiles.rooms import track

        await rooms.send(marked(track(event, ago=ago, **properties)))

    async def test_events_under_it_are_no_signs_of_interest_but_orders_count(self, rooms: Rooms) -> None:
        await self.under(rooms, "Product Viewed", product_id="climbing-rose")
        await self.under(rooms, "Order Completed", products=[{"sku": "rose-shears"}])
        mia = await rooms.require()
        assert (mia.interests, mia.recent) == ((), ())
        assert set(mia.owned) == {"rose-shears"}

    async def test_an_event_under_it_is_an_objection_where_nothing_was_said(self, rooms: Rooms) -> None:
        await rooms.track("Product Viewed", ago=9, product_id="climbing-rose")
        assert await personal(rooms)
        await self.under(rooms, "Product Viewed", product_id="rye-bread")
        assert not await personal(rooms)
        assert not await personal(rooms, channel="EMAIL")
        [consent] = [c for c in (await rooms.require()).consents if c.purpose is P.PERSONALIZATION]
        assert (consent.state, consent.source) == (ConsentState.DENIED, "global privacy control")

    @pytest.mark.parametrize("ago", [5.0, 0.1])
    async def test_what_the_customer_says_stands_above_it_before_or_after(
        self, rooms: Rooms, ago: float
    ) -> None:
        await self.under(rooms, "Product Viewed", product_id="rye-bread")
        await rooms.track("Consent Preference Updated", ago=ago, purpose="PERSONALIZATION", state="GRANTED")
        assert await personal(rooms)


async def test_several_purposes_in_one_breath(rooms: Rooms) -> None:
    await rooms.identify(country="DE", email="mia@example.com")
    await rooms.track(
        "Consent Preference Updated", purposes=["EMAIL_MARKETING", "personalization"], state="GRANTED",
        source="welcome form", policy_version="3",
    )  # fmt: skip
    mia = await rooms.require()
    said = {c.purpose: (c.state, c.source, c.policy_version) for c in mia.consents}
    assert said[P.EMAIL_MARKETING] == said[P.PERSONALIZATION] == ("GRANTED", "welcome form", "3")
    receipt = await rooms.track("Consent Preference Updated", purposes=["FLYING"], state="GRANTED")
    assert [r.path[0] for r in receipt.rejected] == ["properties"]
    assert (await rooms.track("Consent Preference Updated", purposes="ANALYTICS", state="GRANTED")).rejected
