"""The demo's customers: who they are and what they did, and that as messages of the Segment spec.

Times are relative ("12 days 3 hours ago"), so that a toilet seat is always just bought and the coffee
always about to run out. A message's id depends on who did what in which visit and not on the clock:
playing the histories again posts the same ids, and the hub counts each once.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from hub.catalogue.model import Content
from hub.errors import InvalidInput
from hub.events.names import CONSENT_UPDATED, FEEDBACK_GIVEN, PREFERENCES_SET
from hub.kit.canonical import digest
from hub.kit.clock import isoformat

BETWEEN_STEPS = timedelta(minutes=2)
LIBRARY = {"name": "tutti-demo", "version": "1"}

_AGO = re.compile(r"(?:(\d+) days?)?\s*(?:(\d+) hours?)?\s*(?:(\d+) minutes?)?\s+ago")
_LINE = re.compile(r"(?P<key>[a-z0-9-]+)(?: x(?P<quantity>[1-9]\d*))?")


def parse_ago(text: str) -> timedelta:
    """Return how long ago `text` says: days, hours and minutes in this order, then `ago`.

    Raises:
        ValueError: if it says nothing of the kind.
    """
    found = _AGO.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        raise ValueError(f"{text!r} is no time such as '12 days 3 hours ago'")
    days, hours, minutes = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)


Ago = Annotated[timedelta, BeforeValidator(parse_ago)]
Verb = Literal["views", "clicks", "reads", "adds", "removes", "saves", "searches", "orders", "returns"]
EVENT_OF: Mapping[str, str] = {
    "views": "Product Viewed",
    "clicks": "Product Clicked",
    "reads": "Article Read",
    "adds": "Product Added",
    "removes": "Product Removed",
    "saves": "Product Added to Wishlist",
    "searches": "Products Searched",
    "orders": "Order Completed",
    "returns": "Order Refunded",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done in a visit: a verb and either words (a search) or items with quantities."""

    verb: str
    words: str = ""
    items: tuple[tuple[str, int], ...] = ()


def parse_step(text: str) -> Step:
    """Return the step that a line such as `orders rose-arden x2, rose-food` tells.

    Raises:
        ValueError: if the verb is unknown, or what follows is no list of content keys.
    """
    verb, _, rest = text.strip().partition(" ")
    if verb not in EVENT_OF:
        raise ValueError(f"{text!r} begins with no verb of {', '.join(EVENT_OF)}")
    rest = rest.strip()
    if not rest:
        raise ValueError(f"{text!r} does not say what")
    if verb == "searches":
        return Step(verb, words=rest)
    found = [_LINE.fullmatch(part.strip()) for part in rest.split(",")]
    items = tuple((m["key"], int(m["quantity"] or 1)) for m in found if m is not None)
    if len(items) != len(found) or (len(items) > 1 and verb not in {"orders", "returns"}):
        raise ValueError(f"{text!r} does not name its items as 'key' or 'key x2'")
    return Step(verb, items=items)


def _steps_can_be_read(steps: tuple[str, ...]) -> tuple[str, ...]:
    for step in steps:
        parse_step(step)
    return steps


class Strict(BaseModel):
    """Knows its fields and no others: a slip of the pen is an error and not a silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Visit(Strict):
    """Some steps, two minutes apart, the last of them `at`."""

    at: Ago
    steps: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_steps_can_be_read)]

    @property
    def begins(self) -> timedelta:
        """How long ago its first step was."""
        return self.at + BETWEEN_STEPS * (len(self.steps) - 1)


class ConsentGiven(Strict):
    """What the customer said about one purpose, and where."""

    purpose: Literal["PERSONALIZATION", "EMAIL_MARKETING", "ANALYTICS"]
    state: Literal["GRANTED", "DENIED"]
    at: Ago
    channel: Literal["WEB", "EMAIL", "SERVICE_DESK"] | None = None
    source: str = "account page"


class PreferencesSet(Strict):
    """What the customer told us about their taste, in their own words."""

    at: Ago
    likes: str | None = None
    dislikes: str | None = None


class FeedbackGiven(Strict):
    """What the customer said about one thing that was shown."""

    at: Ago
    kind: Literal["SKIP", "REPEAT", "HIDE", "LESS", "MORE", "SAVE"]
    content: str


class Persona(Strict):
    """One customer of the demo.

    Visits that end before `joined` are anonymous: they carry `device` alone. From then on messages
    carry the user id, and the device too where there is one.
    """

    user_id: Annotated[str, Field(pattern=r"^persona-[a-z]+$")]
    story: str
    look_at: str
    joined: Ago
    traits: Mapping[str, str]
    device: str | None = None
    consents: tuple[ConsentGiven, ...] = ()
    preferences: tuple[PreferencesSet, ...] = ()
    feedback: tuple[FeedbackGiven, ...] = ()
    visits: tuple[Visit, ...] = ()

    @model_validator(mode="after")
    def _anonymous_visits_have_a_device(self) -> "Persona":
        if self.device is None and any(visit.begins > self.joined for visit in self.visits):
            raise ValueError(f"{self.user_id} has visits before joining, so a device is needed")
        return self


class _File(Strict):
    personas: tuple[Persona, ...]


def load_personas(text: str | None = None) -> tuple[Persona, ...]:
    """Read the personas from TOML, by default from the package's own file.

    Raises:
        InvalidInput: the text is no TOML, or says something impossible; the path points at it.
    """
    if text is None:
        text = (files(__package__) / "personas.toml").read_text(encoding="utf-8")
    try:
        return _File.model_validate(tomllib.loads(text)).personas
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"personas.toml: {error}", path=("personas.toml",)) from None
    except ValidationError as error:
        fault: Any = error.errors(include_url=False, include_input=False)[0]
        raise InvalidInput(f"personas.toml: {fault['msg']}", path=("personas.toml", *fault["loc"])) from None


def messages(persona: Persona, content: Mapping[str, Content], now: datetime) -> tuple[dict[str, Any], ...]:
    """Return what a persona did as messages of the Segment spec, oldest first.

    Raises:
        InvalidInput: a step names a content that is not in `content`, or returns what was never ordered.
    """
    told = sorted(_Telling(persona, content, now).messages(), key=lambda m: (m["timestamp"], m["messageId"]))
    return tuple(told)


class _Telling:
    """Turns one persona's file entry into messages."""

    def __init__(self, persona: Persona, content: Mapping[str, Content], now: datetime) -> None:
        self._persona = persona
        self._content = content
        self._now = now
        self._told: Counter[str] = Counter()
        self._orders = 0
        self._order_of: dict[str, str] = {}  # content key -> the latest order that holds it

    def messages(self) -> Iterator[dict[str, Any]]:
        persona = self._persona
        yield self._message("identify", persona.joined, {"traits": dict(persona.traits)}, mark="joined")
        for consent in persona.consents:
            said = consent.model_dump(exclude={"at"}, exclude_none=True)
            yield self._track(CONSENT_UPDATED, consent.at, said, mark=f"{consent.purpose} {consent.channel}")
        for wish in persona.preferences:
            values = wish.model_dump(exclude={"at"}, exclude_none=True)
            yield self._track(PREFERENCES_SET, wish.at, {"preferences": values}, mark="prefers")
        for opinion in persona.feedback:
            said = {"kind": opinion.kind, "content_key": self._known(opinion.content).key}
            yield self._track(FEEDBACK_GIVEN, opinion.at, said, mark=f"{opinion.kind} {opinion.content}")
        for visit in sorted(persona.visits, key=lambda v: v.at, reverse=True):
            for place, text in enumerate(visit.steps):
                ago = visit.begins - BETWEEN_STEPS * place
                step = parse_step(text)
                yield self._track(EVENT_OF[step.verb], ago, self._properties(step), mark=text)

    def _properties(self, step: Step) -> dict[str, Any]:
        if step.verb == "searches":
            return {"query": step.words}
        if step.verb == "orders":
            self._orders += 1
            order = f"demo-{self._persona.user_id}-{self._orders:03d}"
            self._order_of.update({key: order for key, _ in step.items})
            return {"order_id": order, **self._basket(step)}
        if step.verb == "returns":
            return {"order_id": self._latest_order_of(step.items[0][0]), **self._basket(step)}
        content = self._known(step.items[0][0])
        if step.verb == "reads":
            return {"content_id": content.key, "title": content.title, "category": content.category}
        return self._product(content, step.items[0][1])

    def _basket(self, step: Step) -> dict[str, Any]:
        lines = [(self._known(key), quantity) for key, quantity in step.items]
        total = sum(
            quantity * content.price.amount for content, quantity in lines if content.price is not None
        )
        currency = next(content.price.currency for content, _ in lines if content.price is not None)
        return {
            "total": float(total),
            "currency": currency,
            "products": [self._product(content, quantity) for content, quantity in lines],
        }

    @staticmethod
    def _product(content: Content, quantity: int) -> dict[str, Any]:
        product: dict[str, Any] = {
            "product_id": content.key,
            "sku": content.key,
            "name": content.title,
            "brand": content.brand,
            "category": content.category,
            "quantity": quantity,
        }
        if content.price is not None:
            product |= {"price": float(content.price.amount), "currency": content.price.currency}
        return product

    def _known(self, key: str) -> Content:
        content = self._content.get(key)
        if content is None:
            raise InvalidInput(
                f"{self._persona.user_id} meets {key!r}, which the demo house does not have",
                path=(self._persona.user_id, key),
            )
        return content

    def _latest_order_of(self, key: str) -> str:
        if key not in self._order_of:
            raise InvalidInput(
                f"{self._persona.user_id} returns {key!r} without having ordered it",
                path=(self._persona.user_id, key),
            )
        return self._order_of[key]

    def _track(self, event: str, ago: timedelta, properties: dict[str, Any], *, mark: str) -> dict[str, Any]:
        return self._message("track", ago, {"event": event, "properties": properties}, mark=mark)

    def _message(self, kind: str, ago: timedelta, body: dict[str, Any], *, mark: str) -> dict[str, Any]:
        persona = self._persona
        what = digest([persona.user_id, kind, ago.total_seconds(), mark])
        self._told[what] += 1  # the same thing twice at the same moment is two things
        who: dict[str, str] = {} if ago > persona.joined else {"userId": persona.user_id}
        if persona.device is not None:
            who["anonymousId"] = persona.device
        return {
            "messageId": f"demo-{persona.user_id}-{what}-{self._told[what]}",
            "type": kind,
            "timestamp": isoformat(self._now - ago),
            **who,
            "context": {"library": LIBRARY},
            **body,
        }
