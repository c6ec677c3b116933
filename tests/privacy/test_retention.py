"""What customers did is forgotten when its time is over; what they bought and said is not."""

from datetime import timedelta

import pytest

from hub.kit.clock import FixedClock
from hub.privacy.forgetting import Rebuilder
from hub.privacy.retention import RetentionService
from hub.profiles.model import InterestKind
from hub.store.database import Store
from tests.builders import NOW
from tests.profiles.rooms import Rooms

DAYS = 100


@pytest.fixture
def retention(store: Store, clock: FixedClock) -> RetentionService:
    return RetentionService(store, clock, DAYS)


@pytest.fixture
async def history(rooms: Rooms, clock: FixedClock) -> Rooms:
    """A customer who did much long ago and a little lately."""
    await rooms.identify(email="mia@example.com", city="Bath")
    await rooms.track("Product Viewed", ago=24 * 2000, product_id="rye-bread", id="imported")
    await rooms.track("Product Viewed", ago=5, product_id="desk-lamp")
    await rooms.track("Products Searched", ago=4, query="lamps")
    await rooms.track("Order Completed", ago=3, order_id="o", products=[{"sku": "climbing-rose"}])
    await rooms.track("Preferences Set", ago=2, preferences={"likes": "bread"})
    await rooms.track("Consent Preference Updated", ago=1, purpose="EMAIL_MARKETING", state="GRANTED")
    clock.instant = NOW + timedelta(days=90)
    await rooms.track("Product Viewed", ago=1, product_id="lily-bulb")
    return rooms


async def test_nothing_is_forgotten_before_its_time(history: Rooms, retention: RetentionService) -> None:
    before = await history.require()
    assert await retention.run() == 0
    assert (await history.require()).version == before.version


async def test_what_was_done_is_forgotten_and_interests_with_it(
    history: Rooms, retention: RetentionService, clock: FixedClock
) -> None:
    clock.instant = NOW + timedelta(days=DAYS + 1)
    assert await retention.run() == 3
    mia = await history.require()
    assert {signal.content_key for signal in mia.recent} == {"climbing-rose", "lily-bulb"}
    subjects = {s for i in mia.interests if i.kind is InterestKind.LONG_TERM for s in i.subjects}
    assert subjects == {"climbing-rose", "lily-bulb"}
    assert set(mia.owned) == {"climbing-rose"}
    assert mia.preferences["likes"].value == "bread"
    assert mia.traits["city"].value == "Bath"
    assert mia.identity("email") == "mia@example.com"
    assert [c.state for c in mia.consents if c.updated_at] == ["GRANTED"]
    assert await retention.run() == 0


async def test_a_crash_between_rebuilding_and_removing_is_made_good(
    history: Rooms, retention: RetentionService, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.instant = NOW + timedelta(days=DAYS + 1)

    async def dies(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Rebuilder, "_remove", dies)
        with pytest.raises(KeyboardInterrupt):
            await retention.run()
    assert await retention.run() == 3
    assert {signal.content_key for signal in (await history.require()).recent} == {
        "climbing-rose",
        "lily-bulb",
    }
