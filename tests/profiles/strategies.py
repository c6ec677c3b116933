"""Facets and events of every kind, with few enough keys and instants that they collide."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from hub.events.model import Event
from hub.events.segment import parse
from hub.kit.clock import isoformat
from hub.profiles.facets import join_all, project
from tests.builders import NOW

KEYS = st.sampled_from(["climbing-rose", "shrub-rose", "rye-bread", "desk-lamp", "a.b$c", "$where"])
CHANNELS = st.sampled_from([None, "*", "WEB", "EMAIL"])
PRODUCTS = st.lists(
    st.fixed_dictionaries(
        {"product_id": KEYS}, optional={"quantity": st.integers(1, 5), "gift": st.booleans()}
    ),
    min_size=1,
    max_size=3,
)


def _one(name: str, **properties: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"event": st.just(name), "properties": st.fixed_dictionaries(properties)})


TRACKS = st.one_of(
    st.sampled_from(["Product Viewed", "Product Added", "Product Removed", "Article Read"]).flatmap(
        lambda name: _one(name, product_id=KEYS)
    ),
    st.sampled_from(["Order Completed", "Order Refunded", "Order Cancelled"]).flatmap(
        lambda name: _one(name, products=PRODUCTS, order_id=st.sampled_from(["o1", "o2", None]))
    ),
    _one("Order Refunded", order_id=st.sampled_from(["o1", "o2"])),
    _one("Products Searched", query=st.sampled_from(["rose", "rye bread"])),
    _one("Feedback Given", kind=st.sampled_from(["HIDE", "LESS", "MORE", "SAVE", "SKIP"]), content_key=KEYS),
    _one(
        "Preferences Set",
        preferences=st.dictionaries(
            st.sampled_from(["likes", "dislikes", "layer.needs"]),
            st.sampled_from(["roses, not rye", "lamps", None]),
            min_size=1,
        ),
    ),
    _one(
        "Consent Preference Updated",
        purpose=st.sampled_from(["PERSONALIZATION", "EMAIL_MARKETING"]),
        channel=CHANNELS,
        state=st.sampled_from(["GRANTED", "DENIED"]),
    ),
    _one(
        "Interest Corrected",
        interest_id=st.just("int_1"),
        action=st.sampled_from(["REMOVE", "RENAME"]),
        label=st.sampled_from(["my roses", "bread"]),
        subjects=st.lists(KEYS, min_size=1, max_size=2),
    ),
    _one("Unsubscribed"),
    st.sampled_from(
        ["Support Ticket Opened", "Complaint Opened", "Support Ticket Closed", "Complaint Closed"]
    ).flatmap(
        lambda name: _one(
            name, ticket_id=st.sampled_from(["t1", 2, None]), subject=st.sampled_from(["late", None, 7])
        )
    ),
)
TRAITS = st.dictionaries(
    st.sampled_from(["firstName", "first_name", "email", "city"]),
    st.sampled_from(["Mia", "mia@example.com", "MIA@example.com", None, 3]),
    max_size=3,
)
OTHERS = st.one_of(
    st.fixed_dictionaries({"type": st.just("identify"), "traits": TRAITS}),
    st.fixed_dictionaries({"type": st.just("page"), "name": st.just("Home")}),
    st.fixed_dictionaries({"type": st.just("group"), "groupId": st.sampled_from(["g1", "g2"])}),
)


@st.composite
def messages(draw: st.DrawFn, users: tuple[str, ...] = ("mia",)) -> dict[str, Any]:
    """One message of any kind; ids are few, so that some come twice with other content."""
    message = draw(st.one_of(TRACKS.map(lambda track: {"type": "track", **track}), OTHERS))
    hours = draw(st.integers(0, 6))
    return {
        **message,
        "userId": draw(st.sampled_from(users)),
        "messageId": draw(st.one_of(st.uuids(version=4).map(str), st.sampled_from(["m1", "m2"]))),
        "timestamp": isoformat(NOW - timedelta(hours=hours)),
    }


def parsed(message: dict[str, Any]) -> Event:
    return parse(message, received_at=NOW, source="test")


EVENTS = messages().map(parsed)
FACETS = st.lists(EVENTS, min_size=1, max_size=5).map(
    lambda events: join_all([project(event) for event in events])
)
