"""Customers for the stories, made through the public ingest endpoint as a shop would make them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from tests.e2e.hub_process import HubProcess


class Shopper:
    """One customer of one story, with an id nobody else has."""

    def __init__(self, hub: HubProcess, **traits: Any) -> None:
        self.hub = hub
        self.user_id = f"story-{uuid4().hex[:12]}"
        self.ref = {"userId": self.user_id}
        self.send(type="identify", traits=traits)

    def send(self, **message: Any) -> httpx.Response:
        """Post one message of the Segment spec; it must be taken."""
        kind = message.pop("type")
        body = {"userId": self.user_id, "messageId": uuid4().hex, **message}
        answer = httpx.post(
            f"{self.hub.url}/v1/{kind}", json=body, auth=(self.hub.keys["ingest"], ""), timeout=20
        )
        assert answer.status_code == 200, answer.text
        return answer

    def track(self, event: str, *, days_ago: float = 0.0, **properties: Any) -> None:
        """Post a track message."""
        at = datetime.now(UTC) - timedelta(days=days_ago)
        self.send(type="track", event=event, timestamp=at.isoformat(), properties=properties)

    def buys(self, *keys: str, days_ago: float = 0.0, order: str | None = None) -> str:
        """Complete an order of one each; return its id."""
        order = order or uuid4().hex[:8]
        self.track(
            "Order Completed",
            days_ago=days_ago,
            order_id=order,
            products=[{"product_id": key, "quantity": 1} for key in keys],
        )
        return order

    def consents(self, purpose: str, state: str, channel: str | None = None) -> dict[str, Any]:
        """Say yes or no to a purpose, through GraphQL."""
        given = {"purpose": purpose, "state": state, "channel": channel, "for": self.ref}
        return self.hub.data(self.hub.contract("control"), {"input": given}, operation="Consent")[
            "setConsent"
        ]
