"""Segment's spec from outside: one JSON message in, one checked `Event` out.

Accepted as Segment's own clients send it: `timestamp`, `originalTimestamp` and `sentAt` with the clock
skew between them, numbers as ids, nulls for what is absent, `product_id` or `sku` for a content's key.
Source: https://segment.com/docs/connections/spec/common/ (timestamps) and .../spec/ecommerce/v2/.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from hub.errors import InvalidInput
from hub.events import own
from hub.events.items import items_of
from hub.events.model import Event, EventType, Mention
from hub.events.names import FEEDBACK_GIVEN, HANDLED, PRODUCTS_SEARCHED, canonical_name
from hub.events.plainness import check_plain
from hub.kit.clock import to_milliseconds
from hub.kit.ids import new_id
from hub.profiles.identity import LONGEST_VALUE, normalise

FARTHEST_AHEAD = timedelta(hours=24)
# Below this, a difference between the clocks is a network's delay and no skew.
LEAST_SKEW = timedelta(seconds=10)
LONGEST_NAME = 200
LONGEST_QUERY = 500
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TYPES = tuple(kind.value for kind in EventType)


def _id_text(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return (value.strip() or None) if isinstance(value, str) else value


def _object(value: Any) -> Any:
    return {} if value is None else value


Id = Annotated[Annotated[str, Field(max_length=LONGEST_VALUE)] | None, BeforeValidator(_id_text)]
Name = Annotated[str, Field(max_length=LONGEST_NAME)] | None
Object = Annotated[dict[str, Any], BeforeValidator(_object)]


class Message(BaseModel):
    """The fields of a message that the hub reads; others are let pass."""

    model_config = ConfigDict(extra="ignore", strict=False)

    type: Literal["identify", "track", "page", "screen", "group", "alias"]
    messageId: Id = None  # noqa: N815 - the spec's spelling
    userId: Id = None  # noqa: N815
    anonymousId: Id = None  # noqa: N815
    previousId: Id = None  # noqa: N815
    groupId: Id = None  # noqa: N815
    event: Name = None
    name: Name = None
    category: Name = None
    traits: Object = Field(default_factory=dict)
    properties: Object = Field(default_factory=dict)
    context: Object = Field(default_factory=dict)
    timestamp: datetime | None = None
    originalTimestamp: datetime | None = None  # noqa: N815
    sentAt: datetime | None = None  # noqa: N815


# What `Message.model_validate` calls; its own wrapper is a fifth of the time, and every message pays it.
_validated: Callable[[Any], Message] = Message.__pydantic_validator__.validate_python


def parse(message: Any, *, received_at: datetime, source: str) -> Event:
    """Check one message and return it as an event.

    Args:
        message: a JSON object in the Segment spec, its `type` among its keys.
        received_at: when it came, by the hub's clock.
        source: where it came from: a write key's name, an import.

    Raises:
        InvalidInput: with a code of its own (UNKNOWN_EVENT_TYPE, MISSING_IDENTITY, MISSING_EVENT_NAME,
            EVENT_IN_FUTURE, TOO_LONG, ...) and the path of the field.
    """
    checked = _validate(message)
    if checked.userId is None and checked.anonymousId is None:
        raise InvalidInput(
            "a message needs a userId or an anonymousId", path=("userId",), code="MISSING_IDENTITY"
        )
    at = _instant(checked, received_at)
    kind = EventType(checked.type)
    properties: dict[str, Any] = check_plain(checked.properties, ("properties",))
    traits: dict[str, Any] = check_plain(checked.traits, ("traits",))
    context: dict[str, Any] = check_plain(checked.context, ("context",))
    name = _name(checked, kind)
    handled = HANDLED.get(name) if kind is EventType.TRACK else None
    if handled is not None:
        properties = own.check(name, properties, context)
        if name == PRODUCTS_SEARCHED:
            properties = _searched(properties)
    if kind is EventType.GROUP and checked.groupId is not None:
        properties = {**properties, "group_id": _identity("user_id", checked.groupId, "groupId")}
    return Event(
        id=_message_id(checked),
        type=kind,
        name=name,
        at=at,
        received_at=received_at,
        source=source,
        user_id=_identity("user_id", checked.userId, "userId"),
        anonymous_id=_identity("anonymous_id", checked.anonymousId, "anonymousId"),
        mentions=_mentions(checked, kind, traits, context),
        properties=properties,
        traits=traits,
        context=context,
        items=()
        if name == FEEDBACK_GIVEN
        else items_of(properties, needed=bool(handled and handled.needs_item)),
    )


def _validate(message: Any) -> Message:
    if not isinstance(message, Mapping):
        raise InvalidInput("a message is a JSON object")
    if message.get("type") not in TYPES:
        raise InvalidInput(
            f"the type of a message is one of {', '.join(TYPES)}", path=("type",), code="UNKNOWN_EVENT_TYPE"
        )
    try:
        return _validated(message)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        code = "TOO_LONG" if fault["type"] == "string_too_long" else "INVALID_INPUT"
        if fault["type"].startswith("datetime"):
            code = "BAD_TIMESTAMP"
        raise InvalidInput(fault["msg"], path=tuple(fault["loc"]), code=code) from None


def _identity(kind: str, value: str | None, field: str) -> str | None:
    if value is None:
        return None
    try:
        return normalise(kind, value)
    except InvalidInput as error:
        raise InvalidInput(error.message, path=(field,)) from None


def _message_id(message: Message) -> str:
    if message.messageId is None:
        return new_id("msg")
    return _identity("user_id", message.messageId, "messageId") or ""


def _name(message: Message, kind: EventType) -> str:
    if kind is not EventType.TRACK:
        return (message.name or message.category or "").strip()
    name = (message.event or "").strip()
    if not name:
        raise InvalidInput("a track message names its event", path=("event",), code="MISSING_EVENT_NAME")
    return canonical_name(check_plain(name, ("event",)))


def _instant(message: Message, received_at: datetime) -> datetime:
    field = (
        "timestamp"
        if message.timestamp is not None or message.originalTimestamp is None
        else "originalTimestamp"
    )
    told = message.timestamp or message.originalTimestamp
    if told is None:
        return received_at
    try:
        at = _aware(told)
        if message.sentAt is not None:
            skew = received_at - _aware(message.sentAt)
            at += skew if abs(skew) >= LEAST_SKEW else timedelta(0)
        at = to_milliseconds(at)
    except OverflowError:
        raise InvalidInput(
            "an instant between 1970 and now is expected", path=(field,), code="BAD_TIMESTAMP"
        ) from None
    if at < EPOCH:
        raise InvalidInput("an instant between 1970 and now is expected", path=(field,), code="BAD_TIMESTAMP")
    if at > received_at + FARTHEST_AHEAD:
        raise InvalidInput(
            "the event lies more than 24 hours in the future; check the sender's clock and `sentAt`",
            path=(field,),
            code="EVENT_IN_FUTURE",
        )
    return at


def _aware(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _searched(properties: dict[str, Any]) -> dict[str, Any]:
    query = properties.get("query")
    if not isinstance(query, str) or not query.strip():
        raise InvalidInput("Products Searched needs its query", path=("properties", "query"))
    if len(query) > LONGEST_QUERY:
        raise InvalidInput(
            f"a query has at most {LONGEST_QUERY} characters", path=("properties", "query"), code="TOO_LONG"
        )
    return {**properties, "query": " ".join(query.split())}


def _mentions(
    message: Message, kind: EventType, traits: dict[str, Any], context: dict[str, Any]
) -> tuple[Mention, ...]:
    """Return the further identities that a message names: visitor, address, phone, external ids."""
    told: list[tuple[str, Any, bool]] = []
    if message.userId is not None and message.anonymousId is not None:
        told.append(("anonymous_id", message.anonymousId, False))
    if kind is EventType.ALIAS:
        if message.previousId is None:
            raise InvalidInput("an alias names its previousId", path=("previousId",), code="MISSING_IDENTITY")
        told.append(("previous_id", _identity("user_id", message.previousId, "previousId"), False))
    for source in (context.get("traits"), traits if kind is EventType.IDENTIFY else None):
        told.extend(_addresses(source))
    if isinstance(external := context.get("externalIds"), list):
        told.extend(
            # A loyalty card is a person's by its nature; any other external id has to be verified first.
            (entry["type"], entry.get("id"), entry["type"] == "loyalty_id")
            for entry in external
            if isinstance(entry, dict) and _is_identity_type(entry.get("type"))
        )
    found: dict[str, Mention] = {}
    for type_, value, verified in told:
        mention = _mention(type_, value, verified)
        if mention is not None and (mention.key not in found or verified):
            found[mention.key] = mention
    return tuple(found[key] for key in sorted(found))


def _addresses(source: Any) -> list[tuple[str, Any, bool]]:
    if not isinstance(source, dict):
        return []
    return [
        (type_, source.get(type_), source.get(f"{type_}_verified", source.get(f"{type_}Verified")) is True)
        for type_ in ("email", "phone")
    ]


def _mention(type_: str, value: Any, verified: bool) -> Mention | None:
    if not isinstance(value, str):
        return None
    try:
        return Mention(type_, normalise(type_, value), verified)
    except InvalidInput:
        return None  # a trait that is no address is still a trait


def _is_identity_type(kind: Any) -> bool:
    reserved = {"id", "user_id", "anonymous_id", "previous_id"}
    return (
        isinstance(kind, str)
        and kind.isidentifier()
        and kind.islower()
        and len(kind) <= 32
        and kind not in reserved
    )
