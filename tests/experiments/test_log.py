"""An event log without a mapping: messages of the Segment spec, and contents as they were told before an instant."""

from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pytest

from hub.errors import InvalidInput
from hub.experiments.log import read_log
from hub.kit.money import Money

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LATER = datetime(2026, 5, 1, tzinfo=UTC)


def message(day, *products, event="Order Completed", at="09:00:00+02:00", **properties):
    listed = {"products": list(products)} if event == "Order Completed" else dict(products[0])
    return {
        "type": "track", "event": event, "userId": "ada", "messageId": f"{event}-{day}-{len(products)}",
        "timestamp": f"2026-04-{day:02}T{at}", "properties": {**listed, **properties},
    }  # fmt: skip


@pytest.fixture
def log_of(tmp_path):
    def made(*messages):
        path = tmp_path / "log.jsonl"
        path.write_bytes(b"\n".join(orjson.dumps(one) for one in messages))
        return read_log(path, None, now=NOW)

    return made


def contents(log, at=LATER):
    return {content.key: content for content in log.contents_before(at)}


def test_events_stand_in_the_order_of_their_instants_whatever_their_zones(log_of):
    log = log_of(
        message(2, {"product_id": "b"}, at="01:00:00+09:00"),
        message(1, {"product_id": "a"}, at="17:00:00-08:00"),
        message(1, {"product_id": "c"}, {"product_id": "d"}, at="15:00:00Z"),
    )
    assert [event.items[0].key for event in log.events] == ["c", "b", "a"]


def test_a_content_has_title_category_and_price_as_they_were_told_last(log_of):
    log = log_of(
        message(1, {"product_id": "rose"}),
        message(2, {"product_id": "rose", "name": "Rose", "category": "Garden > Roses", "price": 9}, event="Product Viewed"),
        message(3, {"product_id": "rose", "name": "Climbing rose", "price": "12.50"}, currency="gbp"),
        message(9, {"product_id": "rose", "name": "Dead rose", "category": "compost"}),
    )  # fmt: skip
    rose = contents(log, datetime(2026, 4, 5, tzinfo=UTC))["rose"]
    assert (rose.title, rose.category) == ("Climbing rose", "Garden/Roses")
    assert rose.price == Money(Decimal("12.50"), "GBP")
    assert rose.published_at == log.events[0].at


def test_without_words_a_content_is_called_by_its_key(log_of):
    found = contents(log_of(message(1, {"product_id": "a", "category": " / ", "price": 3})))["a"]
    assert (found.title, found.category) == ("a", "")
    assert found.price == Money(Decimal(3), "XXX")


def test_nothing_is_known_of_what_was_not_heard_of_yet(log_of):
    log = log_of(message(3, {"product_id": "a"}))
    assert contents(log, datetime(2026, 4, 2, tzinfo=UTC)) == {}


def test_what_is_no_event_is_passed_over_and_a_log_of_nothing_else_is_refused(log_of):
    assert len(log_of({"no": "event"}, message(1, {"product_id": "a"})).events) == 1
    with pytest.raises(InvalidInput, match="no event"):
        log_of({"no": "event"})
