"""From an event to a facet, and facets into one: `project` and `join`.

`join` is commutative, associative and idempotent, hence late events, repeated events and events in any
order give the same facet; that is what lets a crash be answered by simply projecting again.
See docs/decisions/0040-a-facet-is-a-join-semilattice.md.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from hub.events import gpc
from hub.events.model import Event, EventType, Mention
from hub.events.names import (
    CONSENT_UPDATED,
    FEEDBACK_GIVEN,
    INTEREST_CORRECTED,
    PREFERENCES_SET,
    PRODUCTS_SEARCHED,
    UNSUBSCRIBED,
    Handled,
)
from hub.kit.canonical import canonical
from hub.profiles.joining import (
    MOST_FACTS,
    MOST_LINES,
    MOST_OF_A_DAY,
    MOST_SIGNALS,
    ORDERED,
    fact_order,
    join_all,
    registers,
)
from hub.profiles.model import (
    ConsentRecord,
    ConsentState,
    Facet,
    Fact,
    FeedbackKind,
    Identity,
    PurchaseLine,
    Purpose,
    Signal,
    SignalKind,
    Source,
    Ticket,
)

__all__ = ["MOST_LINES", "MOST_SIGNALS", "join", "join_all", "project", "text_subject"]

LONGEST_HINT = 200
MOST_BYTES = 8_192  # of a trait as JSON; a longer one is kept in its event alone
LONGEST_SUBJECT = 200
MENTIONED_ONLY_FOR_LINKING = frozenset({"anonymous_id", "previous_id"})


def join(a: Facet, b: Facet) -> Facet:
    """Return the least facet that holds everything both hold."""
    return join_all((a, b))


def project(event: Event) -> Facet:
    """Return what one event says of its customer; pure, and the same for ever."""
    parts = _says(event)
    if gpc.was_signalled(event.context):
        parts = _under_privacy_control(event, parts)
    return Facet(
        identities=_identities(event),
        traits=_traits(event),
        first_seen_at=event.at,
        last_seen_at=event.at,
        **parts,
    )


def text_subject(text: str) -> str:
    """Return the subject under which words (a query, a like) can be disowned or named."""
    return f"text:{text}"


def _identities(event: Event) -> Mapping[str, Identity]:
    primary = event.primary
    named = [Mention(primary.type, primary.value, primary.type == "user_id")]
    named += [one for one in event.mentions if one.type not in MENTIONED_ONLY_FOR_LINKING]
    return {one.key: Identity(one.type, one.value, one.verified, event.at) for one in named}


def _traits(event: Event) -> Mapping[str, Fact]:
    told = event.context.get("traits")
    sources: list[Mapping[str, Any]] = [told] if isinstance(told, dict) else []
    if event.type is EventType.IDENTIFY:
        sources.append(event.traits)
    elif event.type is EventType.GROUP and "group_id" in event.properties:
        sources.append({"group_id": event.properties["group_id"]})
    stamp = event.stamp
    maps = [
        {_snake(key): Fact(value, Source.OBSERVED, stamp)}
        for one in sources
        for key, value in one.items()
        if not isinstance(value, (str, list, dict)) or len(canonical(value)) <= MOST_BYTES
    ]
    if not event.is_gift:  # how somebody came who looks for a present says little of themselves
        maps += [{key: Fact(value, Source.INFERRED, stamp)} for key, value in hints_of(event.context).items()]
    return registers(maps, fact_order, MOST_FACTS) if maps else {}


def hints_of(context: Mapping[str, Any]) -> dict[str, str]:
    """Return what the circumstances of an event tell of somebody of whom little else may be known.

    `campaign`, `referrer` (the host alone), `language` and `visit_country`, as Segment's context has them. Where
    a visit seems to come from is not the trait `country`, since by that the law is chosen that holds.
    """
    campaign, page, place = (_inside(context, key) for key in ("campaign", "page", "location"))
    told = {
        "campaign": campaign.get("name") or campaign.get("source"),
        "referrer": _host(page.get("referrer") or _inside(context, "referrer").get("url")),
        "language": str(context.get("locale") or "").replace("_", "-").partition("-")[0].lower(),
        "visit_country": place.get("country"),
    }
    return {key: value[:LONGEST_HINT] for key, value in told.items() if isinstance(value, str) and value}


def _inside(context: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = context.get(key)
    return found if isinstance(found, dict) else {}


def _host(url: Any) -> str:
    try:
        return (urlsplit(url).hostname or "") if isinstance(url, str) else ""
    except ValueError:  # what calls itself a URL need not be one
        return ""


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip()).replace(" ", "_").lower() or "_"


def _says(event: Event) -> dict[str, Any]:
    """Return the fields of the facet that the event's name decides."""
    handled, properties, stamp = event.handled, event.properties, event.stamp
    if handled is None:
        return {}
    if event.name == FEEDBACK_GIVEN:
        return _feedback(event)
    if event.name == PREFERENCES_SET:
        return {
            "preferences": {
                key: Fact(value, Source.DECLARED, stamp) for key, value in properties["preferences"].items()
            }
        }
    if event.name == CONSENT_UPDATED:
        return {"consents": _consents(event)}
    if event.name in UNSUBSCRIBED:
        record = ConsentRecord(ConsentState.DENIED, stamp, event.name)
        return {"consents": {consent_key(Purpose.EMAIL_MARKETING, "*"): record}}
    if event.name == INTEREST_CORRECTED:
        subjects = properties["subjects"]
        if properties["action"] == "REMOVE":
            return {"disowned": dict.fromkeys(subjects, stamp)}
        return {"names": {one: Fact(properties["label"].strip(), Source.DECLARED, stamp) for one in subjects}}
    if event.name == PRODUCTS_SEARCHED:
        return (
            {}
            if event.is_gift
            else {"signals": (Signal(stamp, SignalKind.SEARCHED, None, properties["query"]),)}
        )
    if handled.signal is SignalKind.CONTACTED or handled.ticket is not None:
        return _of_service(event, handled)
    return _of_items(event, handled)


def _feedback(event: Event) -> dict[str, Any]:
    kind = FeedbackKind(event.properties["kind"])
    if event.is_gift and kind is not FeedbackKind.HIDE:  # what was asked not to be shown is not shown
        return {}
    return {"feedback": {event.properties["content_key"]: (kind, event.stamp)}}


def _under_privacy_control(event: Event, parts: dict[str, Any]) -> dict[str, Any]:
    """Return what an event says without making it a sign of interest; the signal itself is an objection.

    Orders, carts and what the customer says on purpose count as ever.
    """
    kept = {name: value for name, value in parts.items() if name != "signals"}
    objection = ConsentRecord(ConsentState.DENIED, event.stamp, gpc.SOURCE, signal=True)
    key = consent_key(Purpose.PERSONALIZATION, "*")
    return {**kept, "consents": {key: objection, **parts.get("consents", {})}}


def consent_key(purpose: Purpose, channel: str) -> str:
    """Return the key of a consent in a facet."""
    return f"{purpose.value}|{channel}"


def _consents(event: Event) -> dict[str, ConsentRecord]:
    properties = event.properties
    if "categories" in properties:
        states = properties["categories"]
    else:
        states = {properties["purpose"]: properties["state"]}
    return {
        consent_key(Purpose(purpose), properties.get("channel", "*")): ConsentRecord(
            ConsentState(state),
            event.stamp,
            properties.get("source") or event.source,
            properties.get("policy_version", ""),
            properties.get("proof", ""),
        )
        for purpose, state in states.items()
    }


def _of_items(event: Event, handled: Handled) -> dict[str, Any]:
    """Return what an event says of the contents it is about; what is a gift says nothing of the giver.

    A gift that was ordered leaves a line of no pieces behind, so that its return takes nothing away from
    what the giver has, and it leaves the cart.
    """
    stamp, kind = event.stamp, handled.signal
    said: dict[str, Any] = {}
    own = [
        item if not item.gifts else item._replace(quantity=item.quantity - item.gifts)
        for item in ([] if event.is_gift else event.items)
        if item.quantity > item.gifts
    ]
    if kind is not None and own:
        # Within one event all stamps are equal, so that the order of keys is the order of signals.
        most = MOST_SIGNALS if kind in ORDERED else MOST_OF_A_DAY
        keys = sorted(item.key for item in own)[-most:]
        said["signals"] = tuple(Signal(stamp, kind, key) for key in keys)
    if handled.cart is not None:
        said["carts"] = {item.key: (handled.cart, stamp) for item in (own if handled.cart else event.items)}
    if handled.purchase:
        order_id = _order_id(event)
        if handled.voids and order_id is not None and (not event.items or event.name == "Order Cancelled"):
            said["void_orders"] = {order_id: stamp}
        else:
            said["purchases"] = {
                item.key: (PurchaseLine(stamp, handled.purchase * item.quantity, order_id),) for item in own
            }
            if handled.purchase > 0 and len(own) < len(event.items):
                given = {item.key for item in event.items} - {item.key for item in own}
                said["purchases"] |= {key: (PurchaseLine(stamp, 0, order_id),) for key in sorted(given)}
                said["carts"] = dict.fromkeys(sorted(given), (False, stamp))
    return said


def _of_service(event: Event, handled: Handled) -> dict[str, Any]:
    """Return what an event says of a matter that the customer brought to service."""
    said: dict[str, Any] = {}
    if handled.signal is not None:
        said["signals"] = (Signal(event.stamp, handled.signal),)
    if handled.ticket is not None:
        key = _named(event, "ticket_id") or _named(event, "complaint_id") or ""
        kind, about = (event.properties.get(name) for name in ("type", "subject"))
        complaint = handled.complaint or (isinstance(kind, str) and kind.strip().casefold() == "complaint")
        words = " ".join(about.split())[:LONGEST_SUBJECT] if isinstance(about, str) else ""
        said["tickets"] = {key: Ticket(key, event.stamp, handled.ticket, complaint, words)}
    return said


def _order_id(event: Event) -> str | None:
    return _named(event, "order_id")


def _named(event: Event, name: str) -> str | None:
    """Return an id among the properties: a text or a number, at most 255 characters of it."""
    told = event.properties.get(name)
    return (
        str(told)[:255]
        if isinstance(told, (str, int)) and not isinstance(told, bool) and told != ""
        else None
    )
