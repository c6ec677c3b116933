"""What the demo's customers did, as messages of the Segment spec.

A message's id depends on who did or said what, and how long ago, but not on the clock: playing the
histories again posts the same ids, and the hub counts each once.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from hub.catalogue.model import Content
from hub.demo.personas import BETWEEN_STEPS, EVENT_OF, Persona, Step, parse_step
from hub.errors import InvalidInput
from hub.events.names import CONSENT_UPDATED, FEEDBACK_GIVEN, PREFERENCES_SET
from hub.kit.canonical import digest
from hub.kit.clock import isoformat

LIBRARY = {"name": "tutti-demo", "version": "1"}


def messages(persona: Persona, content: Mapping[str, Content], now: datetime) -> tuple[dict[str, Any], ...]:
    """Return what a persona did as messages of the Segment spec, oldest first.

    Raises:
        InvalidInput: a step names a content that is not in `content`, or returns what was never ordered.
    """
    told = list(_Telling(persona, content, now).messages())
    # Who somebody is comes before what they say in the same breath.
    told.sort(key=lambda m: (m["timestamp"], m["type"] != "identify", m["messageId"]))
    return tuple(told)


class _Telling:
    """Turns one persona's file entry into messages."""

    def __init__(self, persona: Persona, content: Mapping[str, Content], now: datetime) -> None:
        self._persona = persona
        self._content = content
        self._now = now
        self._told: Counter[str] = Counter()
        self._orders = 0
        self._complaints = 0
        self._order_of: dict[str, str] = {}  # content key -> the latest order that holds it

    def messages(self) -> Iterator[dict[str, Any]]:
        persona = self._persona
        yield self._message("identify", persona.joined, {"traits": dict(persona.traits)}, mark=persona.traits)
        for consent in persona.consents:
            said = consent.model_dump(exclude={"at"}, exclude_none=True)
            yield self._track(CONSENT_UPDATED, consent.at, said, mark=said)
        for wish in persona.preferences:
            values = wish.model_dump(exclude={"at"}, exclude_none=True)
            yield self._track(PREFERENCES_SET, wish.at, {"preferences": values}, mark=values)
        for opinion in persona.feedback:
            said = {"kind": opinion.kind, "content_key": self._known(opinion.content).key}
            yield self._track(FEEDBACK_GIVEN, opinion.at, said, mark=said)
        for visit in sorted(persona.visits, key=lambda v: v.at, reverse=True):
            for place, text in enumerate(visit.steps):
                ago = visit.begins - BETWEEN_STEPS * place
                step = parse_step(text)
                yield self._track(EVENT_OF[step.verb], ago, self._properties(step), mark=text)

    def _properties(self, step: Step) -> dict[str, Any]:
        if step.verb == "searches":
            return {"query": step.words}
        if step.verb == "complains":
            self._complaints += 1
            number = f"demo-{self._persona.user_id}-complaint-{self._complaints}"
            return {"complaint_id": number, "subject": step.words}
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

    def _track(self, event: str, ago: timedelta, properties: dict[str, Any], *, mark: Any) -> dict[str, Any]:
        return self._message("track", ago, {"event": event, "properties": properties}, mark=mark)

    def _message(self, kind: str, ago: timedelta, body: dict[str, Any], *, mark: Any) -> dict[str, Any]:
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
