"""The consent gate: what may be used of a customer, and whether they may be written to."""

import ast
from datetime import timedelta
from pathlib import Path

import pytest

import hub
from hub.consent.gate import admit
from hub.profiles.model import FeedbackKind, Purpose
from hub.profiles.view import ProfileView
from tests.builders import NOW
from tests.profiles.rooms import Rooms, small_shop

EMAIL, MARKETING = "EMAIL", Purpose.EMAIL_MARKETING


async def history(rooms: Rooms) -> None:
    await rooms.identify(email="mia@example.com", city="Bath")
    await rooms.track("Order Completed", ago=50, products=[{"sku": "climbing-rose"}])
    await rooms.track(
        "Preferences Set", ago=40, preferences={"likes": "bread, not lamps", "layer.needs": "off"}
    )
    await rooms.track("Feedback Given", ago=30, kind="HIDE", content_key="lily-bulb")
    await rooms.track("Product Added", ago=20, product_id="rye-flour")
    await rooms.track("Product Viewed", ago=0.1, product_id="desk-lamp")


async def view_of(rooms: Rooms, *, channel: str = "WEB", minutes: float = 0) -> ProfileView:
    return admit(
        await rooms.find(), rooms.snapshot, channel=channel, at=NOW + timedelta(minutes=minutes)
    ).view


class TestAStranger:
    @pytest.mark.parametrize("channel", ["WEB", "SERVICE_DESK"])
    def test_is_admitted_with_nothing_known(self, channel: str) -> None:
        admission = admit(None, small_shop(), channel=channel, at=NOW)
        assert admission.withheld is None
        assert admission.view.profile_id is None
        assert not admission.view.personal
        assert len(admission.view.interests) == 0

    def test_cannot_be_written_to(self) -> None:
        withheld = admit(None, small_shop(), channel=EMAIL, at=NOW).withheld
        assert withheld is not None
        assert withheld.code == "NO_ADDRESS"


class TestEmail:
    async def said(self, rooms: Rooms, state: str, channel: str | None = None, ago: float = 5) -> None:
        await rooms.track(
            "Consent Preference Updated", ago=ago, purpose=MARKETING.value, state=state, channel=channel
        )

    async def code(self, rooms: Rooms) -> str | None:
        withheld = admit(await rooms.require(), rooms.snapshot, channel=EMAIL, at=NOW).withheld
        return None if withheld is None else withheld.code

    async def test_needs_consent_that_was_given(self, rooms: Rooms) -> None:
        await rooms.identify(email="mia@example.com")
        assert await self.code(rooms) == "NO_CONSENT"
        await self.said(rooms, "GRANTED")
        assert await self.code(rooms) is None
        await self.said(rooms, "DENIED", ago=4)
        assert await self.code(rooms) == "NO_CONSENT"

    async def test_needs_an_address(self, rooms: Rooms) -> None:
        await self.said(rooms, "GRANTED")
        assert await self.code(rooms) == "NO_ADDRESS"

    async def test_what_was_said_last_counts_be_it_of_email_or_of_everything(self, rooms: Rooms) -> None:
        await rooms.identify(email="mia@example.com")
        await self.said(rooms, "GRANTED", EMAIL, ago=9)
        assert await self.code(rooms) is None
        await self.said(rooms, "DENIED", ago=8)
        assert await self.code(rooms) == "NO_CONSENT"
        await self.said(rooms, "GRANTED", EMAIL, ago=7)
        assert await self.code(rooms) is None

    async def test_an_unsubscribe_or_a_complaint_denies_it(self, rooms: Rooms) -> None:
        await rooms.identify(email="mia@example.com")
        for hours, name in ((8, "Unsubscribed"), (6, "Email Marked as Spam")):
            await self.said(rooms, "GRANTED", EMAIL, ago=hours + 1)
            assert await self.code(rooms) is None
            await rooms.track(name, ago=hours)
            assert await self.code(rooms) == "NO_CONSENT"

    async def test_consent_in_segments_own_form(self, rooms: Rooms) -> None:
        await rooms.identify(email="mia@example.com")
        message = {
            "type": "track",
            "userId": "mia",
            "event": "Segment Consent Preference Updated",
            "context": {"consent": {"categoryPreferences": {"Email Marketing": True, "Advertising": False}}},
        }
        assert (await rooms.send(message)).accepted == 1
        assert await self.code(rooms) is None


class TestPersonalization:
    async def test_unless_denied_everything_may_be_used(self, rooms: Rooms) -> None:
        await history(rooms)
        view = await view_of(rooms)
        assert view.personal
        assert view.interests.weights.sum() == pytest.approx(1)
        assert view.declared.labels == ("bread",)
        assert view.avoided.labels == ("lamps",)
        assert view.cart == ("rye-flour",)
        assert view.traits["city"] == "Bath"
        assert view.hidden == {"lily-bulb"}

    async def test_denied_leaves_only_what_must_not_be_shown_again(self, rooms: Rooms) -> None:
        await history(rooms)
        await rooms.track("Consent Preference Updated", ago=0, purpose="PERSONALIZATION", state="DENIED")
        view = await view_of(rooms)
        assert not view.personal
        assert [len(d) for d in (view.interests, view.session, view.declared, view.avoided)] == [0, 0, 0, 0]
        assert (view.cart, view.recent, view.traits, view.feedback) == ((), (), {}, {})
        assert view.preferences == {"layer.needs": "off"}
        assert view.hidden == {"lily-bulb"}
        assert list(view.owned) == ["climbing-rose"]

    async def test_denied_on_one_channel_holds_there_alone(self, rooms: Rooms) -> None:
        await history(rooms)
        await rooms.track(
            "Consent Preference Updated", ago=0, purpose="PERSONALIZATION", state="DENIED", channel="EMAIL"
        )
        assert not (await view_of(rooms, channel=EMAIL)).personal
        assert (await view_of(rooms, channel="WEB")).personal


class TestTheSession:
    async def test_is_the_half_hour_before_and_not_more(self, rooms: Rooms) -> None:
        await history(rooms)
        assert (await view_of(rooms)).session.labels == ("Desk lamp",)
        assert len((await view_of(rooms, minutes=23)).session) == 1
        assert len((await view_of(rooms, minutes=25)).session) == 0

    async def test_hears_searches_and_leaves_out_what_was_hidden(self, rooms: Rooms) -> None:
        await rooms.track("Products Searched", ago=0.1, query="rye bread")
        await rooms.track("Product Viewed", ago=0.2, product_id="lily-bulb")
        await rooms.track("Feedback Given", ago=0.05, kind=FeedbackKind.HIDE.value, content_key="lily-bulb")
        assert (await view_of(rooms)).session.labels == ("rye bread",)

    async def test_vectors_of_another_encoder_are_not_used(self, rooms: Rooms) -> None:
        await history(rooms)
        profile = await rooms.require()
        other = small_shop()
        object.__setattr__(other, "encoder_id", "another")
        view = admit(profile, other, channel="WEB", at=NOW).view
        assert [len(d) for d in (view.interests, view.session, view.declared)] == [0, 0, 0]
        assert view.hidden == {"lily-bulb"}


def test_nothing_but_the_gate_makes_a_view() -> None:
    """What reaches layers and channels passed the consent gate, because nothing else can make a `ProfileView`."""
    root = Path(hub.__file__).parent
    makers = set()
    for path in [
        *root.rglob("*.py"),
        *(root.parent / "resolvers").rglob("*.py"),
        *(root.parent / "schema").rglob("*.py"),
    ]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                if name == "ProfileView":
                    makers.add(path.relative_to(root.parent).as_posix())
    assert makers == {"hub/consent/gate.py"}
