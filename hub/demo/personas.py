"""The demo's customers: who they are and what they did, read from `personas.toml`.

Times are relative ("12 days 3 hours ago"), so that a toilet seat is always just bought and the coffee
always about to run out. `histories.py` turns them into events.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
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

from hub.errors import InvalidInput

BETWEEN_STEPS = timedelta(minutes=2)

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
Verb = Literal[
    "views", "clicks", "reads", "adds", "removes", "saves", "searches", "orders", "returns", "complains"
]
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
    "complains": "Complaint Opened",
}
IN_WORDS = frozenset({"searches", "complains"})  # what follows them is said, and names no content


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done in a visit: a verb and either words (a search, a complaint) or items with quantities."""

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
    if verb in IN_WORDS:
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

    user_id: Annotated[str, Field(pattern=r"^(persona-[a-z]+|shopper-[0-9]{3})$")]
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
