"""What cannot be an event gets a typed error that names the field, and leaves nothing behind."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from hub.errors import InvalidInput
from hub.events.names import HANDLED
from hub.events.segment import parse
from hub.kit.clock import isoformat
from tests.builders import NOW
from tests.profiles.rooms import Rooms, track


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


OK = track("Product Viewed", product_id="desk-lamp")
BAD: list[tuple[str, Any, str, tuple[str | int, ...]]] = [
    ("no object", 5, "INVALID_INPUT", ()),
    ("null", None, "INVALID_INPUT", ()),
    ("unknown type", OK | {"type": "trace"}, "UNKNOWN_EVENT_TYPE", ("type",)),
    ("a type that is a list", OK | {"type": ["track"]}, "UNKNOWN_EVENT_TYPE", ("type",)),
    ("no type", {"userId": "mia"}, "UNKNOWN_EVENT_TYPE", ("type",)),
    ("no ids", {k: v for k, v in OK.items() if k != "userId"}, "MISSING_IDENTITY", ("userId",)),
    ("blank ids", OK | {"userId": "  ", "anonymousId": ""}, "MISSING_IDENTITY", ("userId",)),
    ("a user id of the wrong type", OK | {"userId": {"id": 1}}, "INVALID_INPUT", ("userId",)),
    ("a user id too long", OK | {"userId": "x" * 256}, "TOO_LONG", ("userId",)),
    ("a user id with NUL", OK | {"userId": "a\0b"}, "INVALID_INPUT", ("userId",)),
    ("a messageId too long", OK | {"messageId": "x" * 256}, "TOO_LONG", ("messageId",)),
    ("no event name", OK | {"event": " "}, "MISSING_EVENT_NAME", ("event",)),
    ("an event name too long", OK | {"event": "x" * 201}, "TOO_LONG", ("event",)),
    ("properties that are a list", OK | {"properties": []}, "INVALID_INPUT", ("properties",)),
    (
        "40 days ahead",
        OK | {"timestamp": isoformat(NOW + timedelta(days=40))},
        "EVENT_IN_FUTURE",
        ("timestamp",),
    ),
    ("no timestamp of any kind", OK | {"timestamp": "yesterday"}, "BAD_TIMESTAMP", ("timestamp",)),
    ("before 1970", OK | {"timestamp": "1969-12-31T00:00:00Z"}, "BAD_TIMESTAMP", ("timestamp",)),
    ("beyond all years", OK | {"timestamp": "0001-01-01T00:00:00+14:00"}, "BAD_TIMESTAMP", ("timestamp",)),
    (
        "too deep",
        OK | {"properties": {"product_id": "x", "a": nested(20)}},
        "TOO_DEEP",
        ("properties", "a", "a"),
    ),
    ("too long a text", OK | {"context": {"page": "x" * 9000}}, "TOO_LONG", ("context", "page")),
    ("not a number", OK | {"properties": {"a": float("nan")}}, "INVALID_INPUT", ("properties", "a")),
    ("a lone surrogate", OK | {"properties": {"a": "\ud800"}}, "INVALID_INPUT", ("properties", "a")),
    ("a name with NUL", OK | {"properties": {"a\0": 1}}, "BAD_NAME", ("properties",)),
    ("no product", OK | {"properties": {}}, "MISSING_PRODUCT", ("properties", "product_id")),
    (
        "products that are none",
        track("Order Completed", products=5),
        "INVALID_INPUT",
        ("properties", "products"),
    ),
    (
        "a product without an id",
        track("Order Completed", products=[{"sku": "a"}, {"name": "b"}]),
        "MISSING_PRODUCT",
        ("properties", "products", 1, "product_id"),
    ),
    (
        "half a thing",
        track("Order Completed", products=[{"sku": "a", "quantity": 0.5}]),
        "BAD_QUANTITY",
        ("properties", "products", 0, "quantity"),
    ),
    (
        "a negative quantity",
        track("Product Added", sku="a", quantity=-1),
        "BAD_QUANTITY",
        ("properties", "quantity"),
    ),
    ("an empty search", track("Products Searched", query=" "), "INVALID_INPUT", ("properties", "query")),
    ("too long a search", track("Products Searched", query="x" * 501), "TOO_LONG", ("properties", "query")),
    (
        "unknown feedback",
        track("Feedback Given", kind="ADORE", content_key="a"),
        "INVALID_INPUT",
        ("properties", "kind"),
    ),
    (
        "unknown purpose",
        track("Consent Preference Updated", purpose="WORLD_DOMINATION", state="GRANTED"),
        "INVALID_INPUT",
        ("properties", "purpose"),
    ),
    (
        "consent to nothing",
        track("Consent Preference Updated"),
        "INVALID_INPUT",
        ("properties", "purpose"),
    ),
    (
        "no preferences",
        track("Preferences Set", preferences={}),
        "INVALID_INPUT",
        ("properties", "preferences"),
    ),
    ("an alias of nobody", {"type": "alias", "userId": "mia"}, "MISSING_IDENTITY", ("previousId",)),
]


@pytest.mark.parametrize(("message", "code", "path"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_is_refused_with_a_code_and_a_path(message: Any, code: str, path: tuple[str | int, ...]) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(message, received_at=NOW, source="test")
    assert (caught.value.kind, caught.value.path) == (code, path)


async def test_nothing_of_what_was_refused_is_left_behind(rooms: Rooms) -> None:
    receipt = await rooms.send(*(row[1] for row in BAD))
    assert receipt.accepted == 0
    assert [(r.index, r.code) for r in receipt.rejected] == [(at, row[2]) for at, row in enumerate(BAD)]
    assert await rooms.counts() == {"events": 0, "facets": 0, "profiles": 0, "identities": 0}


class TestWhatIsTaken:
    def test_numbers_as_ids_nulls_and_odd_numbers_as_segments_clients_send_them(self) -> None:
        message = OK | {"userId": 42, "anonymousId": None, "messageId": None, "traits": None, "extra": 1}
        message["properties"] = {"product_id": 7, "quantity": "2", "price": "9.90", "big": 2**70}
        event = parse(message, received_at=NOW, source="test")
        assert event.user_id == "42"
        assert [(i.key, i.quantity, i.price) for i in event.items] == [("7", 2, Decimal("9.90"))]
        assert event.properties["big"] == float(2**70)

    def test_lines_of_one_product_are_added(self) -> None:
        event = parse(
            track("Order Completed", products=[{"sku": "a", "quantity": 2}, {"sku": "b"}, {"sku": "a"}]),
            received_at=NOW,
            source="test",
        )
        assert [(i.key, i.quantity) for i in event.items] == [("a", 3), ("b", 1)]

    def test_event_names_in_any_case(self) -> None:
        assert parse(OK | {"event": "product viewed"}, received_at=NOW, source="t").name == "Product Viewed"

    def test_a_senders_wrong_clock_is_set_right_by_sent_at(self) -> None:
        ahead = timedelta(days=40)
        message = OK | {
            "timestamp": isoformat(NOW + ahead - timedelta(minutes=5)),
            "sentAt": isoformat(NOW + ahead),
        }
        assert parse(message, received_at=NOW, source="test").at == NOW - timedelta(minutes=5)

    def test_a_networks_delay_is_no_wrong_clock(self) -> None:
        message = OK | {"timestamp": "2026-03-02T09:00:00Z", "sentAt": isoformat(NOW - timedelta(seconds=2))}
        assert isoformat(parse(message, received_at=NOW, source="test").at) == "2026-03-02T09:00:00.000Z"

    async def test_every_event_of_the_catalogue_is_taken_and_shown(self, rooms: Rooms) -> None:
        said = {
            "Feedback Given": {"kind": "save", "content_key": "desk-lamp"},
            "Preferences Set": {"preferences": {"size": "M"}},
            "Consent Preference Updated": {"purpose": "analytics", "state": "denied"},
            "Interest Corrected": {"interest_id": "i", "action": "remove", "subjects": ["desk-lamp"]},
            "Products Searched": {"query": "lamp"},
        }
        messages = [
            track(name, ago=n + 1, **said.get(name, {"product_id": "desk-lamp"}))
            for n, name in enumerate(HANDLED)
        ]
        receipt = await rooms.send(*messages)
        assert receipt.rejected == ()
        page = await rooms.profiles.timeline(await rooms.require(), first=100)
        assert [entry.kind for entry in page.nodes] == [handled.kind for handled in HANDLED.values()]
        assert all(entry.title for entry in page.nodes)
