"""The hub, as the renderer sees it: one document, one key, finished messages."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import httpx

DOCUMENT = files(__package__).joinpath("email.graphql").read_text(encoding="utf-8")
TRY_AGAIN = "TRY_AGAIN"  # the hub's word for: the store does not answer, so consent cannot be known
AGAIN = frozenset({429, 500, 502, 503, 504})


class Refused(Exception):
    """The hub refuses for good: a wrong key, no such scenario, a question it does not understand."""


class Away(Exception):
    """The hub did not answer, however often it was asked."""


@dataclass(frozen=True, slots=True)
class Message:
    """A finished message, or `withheld`: why there is none."""

    served_id: str | None = None
    to: str = ""
    subject: str = ""
    text: str = ""
    html: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    withheld: str | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How often something is tried, and how long is waited in between.

    Waits double, with chance, so that renderers that fell over together do not come back together.
    """

    attempts: int = 6
    first: float = 0.5  # seconds
    most: float = 60.0

    def wait(self, attempt: int, sleep: Callable[[float], None] = time.sleep) -> None:
        """Wait after the `attempt`-th try, counted from 1."""
        longest = min(self.first * 2 ** (attempt - 1), self.most)
        sleep(longest * random.uniform(0.5, 1.0))  # noqa: S311 - no secret


class Hub:
    """Asks for messages. One instance a thread."""

    def __init__(self, url: str, key: str, *, patience: Patience, timeout: float = 30.0) -> None:
        self._client = httpx.Client(
            base_url=url.rstrip("/"), headers={"Authorization": f"Bearer {key}"}, timeout=timeout
        )
        self._patience = patience

    def message(self, customer: Mapping[str, Any], scenario: str, *, preview: bool = False) -> Message:
        """Return a customer's message.

        Raises:
            Refused: the hub says no for good.
            Away: it did not answer, or said `TRY_AGAIN`, to the last.
        """
        said = "it was not asked"
        for attempt in range(1, self._patience.attempts + 1):
            if attempt > 1:
                self._patience.wait(attempt - 1)
            try:
                answer = self._client.post(
                    "/graphql",
                    json={
                        "query": DOCUMENT,
                        "variables": {"for": dict(customer), "scenario": scenario, "preview": preview},
                    },
                )
            except httpx.TransportError as error:
                said = type(error).__name__
                continue
            if answer.status_code in AGAIN:
                said = f"status {answer.status_code}"
                continue
            message = _read(answer)
            if message.withheld != TRY_AGAIN:
                return message
            said = TRY_AGAIN
        raise Away(said)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def _read(answer: httpx.Response) -> Message:
    try:
        body = answer.json()
    except ValueError:
        raise Refused(f"the hub answered {answer.status_code} and no JSON: is this its address?") from None
    if body.get("errors"):
        raise Refused(body["errors"][0].get("message", f"status {answer.status_code}"))
    found = body["data"]["experience"]
    if found["withheld"] is not None:
        return Message(withheld=found["withheld"]["code"])
    return Message(
        served_id=found["servedId"],
        to=found["to"],
        subject=found["subject"],
        text=found["text"],
        html=found["html"],
        headers=tuple((header["name"], header["value"]) for header in found["headers"]),
    )
