"""Single things that a customer takes back: gone with all that rested on them, and not to come back."""

import pytest

from hub.errors import InvalidInput, NotFound, TuttiError, Unavailable
from hub.events.repository import EventRepository
from hub.kit.clock import FixedClock
from hub.privacy.forgetting import MOST_AT_ONCE, ForgettingService, Rebuilder
from hub.profiles.model import CustomerRef
from hub.store.database import Store
from tests.privacy.scan import dump
from tests.profiles.rooms import Rooms, track

MIA = CustomerRef("user_id", "mia")


@pytest.fixture
def forgetting(store: Store, clock: FixedClock, rooms: Rooms) -> ForgettingService:
    return ForgettingService(store, rooms.profiles, clock)


@pytest.fixture
async def past(rooms: Rooms) -> Rooms:
    await rooms.track("Product Viewed", ago=9, product_id="climbing-rose", id="rose")
    await rooms.track("Products Searched", ago=8, query="rye bread", id="bread")
    await rooms.track("Product Added", ago=7, product_id="rye-flour", id="flour")
    await rooms.track("Feedback Given", ago=6, kind="HIDE", content_key="desk-lamp", id="hidden")
    await rooms.track("Preferences Set", ago=5, preferences={"likes": "roses"}, id="said")
    await rooms.track("Order Completed", ago=4, order_id="o", products=[{"sku": "lily-bulb"}], id="order")
    await rooms.track("Consent Preference Updated", ago=3, purpose="ANALYTICS", state="DENIED", id="consent")
    await rooms.identify(city="Bath")
    return rooms


async def test_an_interest_goes_with_what_it_rested_on(past: Rooms, forgetting: ForgettingService) -> None:
    mia = await forgetting.forget(MIA, ["bread", "flour"], by="test")
    subjects = {subject for one in mia.interests for subject in one.subjects}
    assert subjects == {"climbing-rose", "lily-bulb", "text:roses"}
    assert mia.cart == ()
    assert [signal.content_key for signal in mia.recent] == ["climbing-rose", "lily-bulb"]


async def test_what_was_hidden_by_mistake_is_shown_again(past: Rooms, forgetting: ForgettingService) -> None:
    assert (await past.require()).feedback == {"desk-lamp": "HIDE"}
    assert (await forgetting.forget(MIA, ["hidden"], by="test")).feedback == {}


async def test_it_is_as_if_it_had_never_been(past: Rooms, forgetting: ForgettingService) -> None:
    await past.send(track("Product Viewed", "ben", ago=9, product_id="climbing-rose", id="bens"))
    await forgetting.forget(MIA, ["bread", "flour", "hidden", "said"], by="test")
    await forgetting.forget(CustomerRef("user_id", "ben"), ["bens"], by="test")
    [facet] = await past.profiles.repository.facets_of([(await past.require()).id])
    assert not facet.facet.carts
    assert not facet.facet.preferences
    assert (await past.require("ben")).interests == ()


async def test_sent_again_it_does_not_come_back(past: Rooms, forgetting: ForgettingService) -> None:
    await forgetting.forget(MIA, ["rose"], by="test")
    receipt = await past.track("Product Viewed", ago=9, product_id="climbing-rose", id="rose")
    assert (receipt.accepted, [one.code for one in receipt.rejected]) == (0, ["EVENT_FORGOTTEN"])
    assert "climbing-rose" not in [signal.content_key for signal in (await past.require()).recent]
    again = await past.track("Product Viewed", ago=1, product_id="climbing-rose", id="another")
    assert again.accepted == 1


async def test_doing_it_again_changes_nothing(past: Rooms, forgetting: ForgettingService) -> None:
    once = await forgetting.forget(MIA, ["rose"], by="test")
    assert (await forgetting.forget(MIA, ["rose"], by="test")).version == once.version


async def test_of_a_merged_customer_both_sides_can_be_forgotten(
    past: Rooms, forgetting: ForgettingService
) -> None:
    await past.track("Product Viewed", "ben", ago=9, product_id="shrub-rose", id="bens")
    await past.merges.merge(MIA, [CustomerRef("user_id", "ben")], by="ann")
    mia = await forgetting.forget(MIA, ["bens", "rose"], by="test")
    assert {signal.content_key for signal in mia.recent} == {None, "rye-flour", "lily-bulb"}


@pytest.mark.parametrize(
    ("ids", "error", "code", "path"),
    [
        ([], InvalidInput, "NOTHING_TO_FORGET", ("eventIds",)),
        (["rose"] * (MOST_AT_ONCE + 1), InvalidInput, "TOO_MANY", ("eventIds",)),
        (["rose", "order"], InvalidInput, "MUST_BE_KEPT", ("eventIds", 1)),
        (["consent"], InvalidInput, "MUST_BE_KEPT", ("eventIds", 0)),
        (["rose", "never"], NotFound, "UNKNOWN_EVENT", ("eventIds", 1)),
        (["bens"], NotFound, "UNKNOWN_EVENT", ("eventIds", 0)),
    ],
)
async def test_what_is_refused_changes_nothing(
    past: Rooms,
    forgetting: ForgettingService,
    ids: list[str],
    error: type[TuttiError],
    code: str,
    path: tuple[str | int, ...],
) -> None:
    await past.track("Product Viewed", "ben", ago=9, product_id="shrub-rose", id="bens")
    before = await dump(past.store)
    with pytest.raises(error) as caught:
        await forgetting.forget(MIA, ids, by="test")
    assert (caught.value.kind, caught.value.path) == (code, path)
    assert await dump(past.store) == before


@pytest.mark.parametrize("step", ["_remove", "_parts"])
async def test_a_crash_on_the_way_is_completed_by_asking_again(
    past: Rooms, forgetting: ForgettingService, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    async def die(*_: object) -> None:
        raise Unavailable("the store is gone")

    with monkeypatch.context() as patch:
        patch.setattr(Rebuilder, step, die)
        with pytest.raises(Unavailable):
            await forgetting.forget(MIA, ["rose"], by="test")
    mia = await forgetting.forget(MIA, ["rose"], by="test")
    assert "climbing-rose" not in [signal.content_key for signal in mia.recent]
    stored = await EventRepository(past.store.db).of_facet(mia.facet_ids[0])
    assert "rose" not in [event.id for event in stored]
