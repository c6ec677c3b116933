"""The demo's other shoppers: two hundred and forty of whom nobody tells a story, drawn by circles of taste.

Some of what the hub says it says only of many: what people like you bought, groups of similar customers.
Twelve personas are nobody to be anonymous among, so the demo house has a crowd as well. A shopper's
doings depend on their name alone, and their messages' ids too: playing them again changes nothing.
"""

import random
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hub.catalogue.model import Content, NeedPattern
from hub.demo.histories import messages
from hub.demo.personas import Persona
from hub.errors import InvalidInput

FILE = "crowd.toml"
CITIES = ("Leeds", "Bristol", "Norwich", "Hexham", "Ludlow", "Stirling", "Swansea", "Oxford")
STRAYS = 0.25  # of a basket's lines come from another circle
OLDEST, LATEST = 420, 4  # days ago, of visits


class Circle(BaseModel):
    """Shoppers with a taste in common; what stands first in `items` is bought most."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    shoppers: int = Field(ge=1, le=10_000)
    items: tuple[str, ...] = Field(min_length=4)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    circles: tuple[Circle, ...] = Field(min_length=2)


@dataclass(frozen=True, slots=True)
class Shopper:
    """One of the crowd, and where they belong."""

    user_id: str
    circle: Circle


@cache
def load_circles() -> tuple[Circle, ...]:
    """Return the circles of the demo house.

    Raises:
        InvalidInput: the file is none of circles; the path names the field.
    """
    try:
        return _File.model_validate(tomllib.loads((files(__package__) / FILE).read_text("utf-8"))).circles
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(f"{FILE}: {first['msg']}", path=(FILE, *first["loc"])) from None


def shoppers() -> tuple[Shopper, ...]:
    """Return the crowd, always in the same order."""
    members = [circle for circle in load_circles() for _ in range(circle.shoppers)]
    return tuple(Shopper(f"shopper-{number:03d}", circle) for number, circle in enumerate(members, 1))


def crowd_messages(
    content: Mapping[str, Content], now: datetime, crowd: Sequence[Shopper] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield what the crowd did, shopper by shopper, as messages of the Segment spec; see `histories.messages`.

    Raises:
        InvalidInput: a circle names a content that is not in `content`.
    """
    for shopper in shoppers() if crowd is None else crowd:
        yield from messages(_persona(shopper, content), content, now)


def _persona(shopper: Shopper, content: Mapping[str, Content]) -> Persona:
    draw = random.Random(shopper.user_id)  # noqa: S311 - a demo is no secret
    joined = draw.randint(OLDEST + 1, OLDEST + 600)
    days = sorted(draw.sample(range(LATEST, OLDEST), draw.randint(2, 4)), reverse=True)
    owned: set[str] = set()
    visits = [
        {"at": f"{day} days {draw.randint(1, 12)} hours ago", "steps": _steps(shopper, content, owned, draw)}
        for day in days
    ]
    return Persona.model_validate(
        {
            "user_id": shopper.user_id,
            "story": f"One of the circle {shopper.circle.name}.",
            "look_at": "Counts only among many.",
            "joined": f"{joined} days ago",
            "traits": {"country": "GB", "city": draw.choice(CITIES)},
            "visits": visits,
        }
    )


def _steps(
    shopper: Shopper, content: Mapping[str, Content], owned: set[str], draw: random.Random
) -> tuple[str, ...]:
    """Return what is done in one visit: something is looked at, and two or three things may be ordered.

    Only what runs out is bought again.
    """
    others = [circle for circle in load_circles() if circle is not shopper.circle]
    basket: list[str] = []
    for _ in range(draw.randint(2, 3)):
        circle = draw.choice(others) if draw.random() < STRAYS else shopper.circle
        weights = [1 / (place + 2) for place in range(len(circle.items))]
        key = draw.choices(circle.items, weights)[0]
        known = content.get(key)
        again = known is not None and known.need.pattern is NeedPattern.REPLENISHABLE
        if key not in basket and (again or key not in owned):
            basket.append(key)
    owned.update(basket)
    looked = f"views {draw.choice(shopper.circle.items)}"
    return (looked, f"orders {', '.join(basket)}") if basket else (looked,)
