"""A small shop: mugs and jams, customers with habits, and a new thing that only the window knows."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from hub.catalogue.model import Content, ContentKind
from hub.events.segment import parse
from hub.experiments.log import EventLog
from hub.experiments.world import Embedder
from tests.builders import DIMENSIONS, ENCODER, text_vector

T = datetime(2026, 3, 2, tzinfo=UTC)
GOODS = {
    "mug-red": "Red mug", "mug-blue": "Blue mug", "mug-green": "Green mug", "jam-fig": "Fig jam",
    "jam-plum": "Plum jam", "jam-pear": "Pear jam", "lamp": "Brass lamp", "mug-gold": "Gold mug",
}  # fmt: skip


class Words:
    """An encoder made of words, see tests.builders."""

    id = ENCODER
    dimensions = DIMENSIONS

    def encode(self, texts, *, progress=None):
        return np.stack([text_vector(text) for text in texts])


def order(user, days, *keys, number=0):
    at = T + timedelta(days=days)
    return parse(
        {
            "type": "track", "event": "Order Completed", "userId": user, "timestamp": at.isoformat(),
            "messageId": f"{user}-{days}-{number}",
            "properties": {"order_id": f"{user}-{days}", "products": [{"product_id": k} for k in keys]},
        },
        received_at=T + timedelta(days=60),
        source="test",
    )  # fmt: skip


def make_log(*more):
    events = []
    for number in range(16):
        user, sort = f"c{number}", "mug" if number % 2 else "jam"
        own = [key for key in GOODS if key.startswith(sort) and key != "mug-gold"]
        favourite, other, later = own[number % 3], own[(number + 1) % 3], own[(number + 2) % 3]
        events += [order(user, -80 + number, favourite, other), order(user, -40, favourite)]
        events += [order(user, -5, favourite), order(user, 3, favourite, later)]
    events += [order("c1", 5, "mug-gold"), order("c3", 6, "mug-gold"), order("nobody", 4, "jam-fig"), *more]
    events.sort(key=lambda event: (event.at, event.id))
    log = tuple(events)

    def contents_before(at):
        keys = {item.key for event in log if event.at < at for item in event.items}
        return [Content(key=key, kind=ContentKind.PRODUCT, title=GOODS.get(key, key)) for key in sorted(keys)]

    return EventLog(log, contents_before)


@pytest.fixture(scope="session")
def embed():
    return Embedder(Words())
