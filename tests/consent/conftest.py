import pytest

from hub.kit.clock import FixedClock
from hub.store.database import Store
from tests.profiles.rooms import Rooms, make_rooms


@pytest.fixture
def rooms(store: Store, clock: FixedClock) -> Rooms:
    return make_rooms(store, clock)
