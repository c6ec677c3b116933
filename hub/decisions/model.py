"""A scenario is a vision made executable; a decision is its channel-free outcome for one customer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from operator import mul
from typing import NamedTuple, Protocol

from hub.catalogue.model import Claim, Content, ContentKind, Offer
from hub.decisions.choices import Choice
from hub.layers.base import Moment
from hub.layers.mix import Mix, MixRequest
from hub.ledger.frequency import FrequencyCap
from hub.offers.model import Grant

# Mix and MixRequest belong to the layers, which stand below; who speaks of decisions needs them too.
__all__ = [
    "Channel",
    "Decision",
    "Goal",
    "Guards",
    "LayerScore",
    "LayerScores",
    "Mix",
    "MixRequest",
    "Note",
    "Option",
    "Question",
    "RankedItem",
    "Ranking",
    "Removed",
    "Scenario",
    "SlotSpec",
    "VarietyStep",
    "Why",
]


class Channel(StrEnum):
    """Where an experience is presented."""

    WEB = "WEB"
    EMAIL = "EMAIL"
    SERVICE_DESK = "SERVICE_DESK"


@dataclass(frozen=True, slots=True)
class SlotSpec:
    """A place on a channel: how many items of which kinds, and which of them."""

    key: str
    title: str
    size: int
    kinds: tuple[ContentKind, ...]
    categories: tuple[str, ...] = ()  # only of these or below them; empty: of any
    tags: tuple[str, ...] = ()  # only with one of these; empty: whatever their tags
    most_price: Decimal | None = None  # only what costs no more; what has no price is not taken then

    def takes(self, content: Content) -> bool:
        """Tell whether a content may stand here."""
        if self.kinds and content.kind not in self.kinds:
            return False
        if self.categories and not any(below(content.category, each) for each in self.categories):
            return False
        if self.tags and not set(self.tags) & set(content.tags):
            return False
        return self.most_price is None or (
            content.price is not None and content.price.amount <= self.most_price
        )


def below(category: str, root: str) -> bool:
    """Tell whether a category is `root` or lies below it."""
    return category == root or category.startswith(f"{root}/")


@dataclass(frozen=True, slots=True)
class Guards:
    """What a scenario does not show, whoever asks: each removal is told by the rule `scenario_guard`."""

    without_categories: tuple[str, ...] = ()
    without_tags: tuple[str, ...] = ()
    most_price: Decimal | None = None  # what costs more is removed; what has no price stays
    # What one call asked for, never part of a scenario that is kept: rule `not_asked_for`.
    chosen: tuple[Choice, ...] = ()

    @property
    def any(self) -> bool:
        """Whether there is anything to guard against."""
        return bool(self.without_categories or self.without_tags) or self.most_price is not None

    def keep_out(self, content: Content) -> bool:
        """Tell whether a content must not be shown in this scenario."""
        if any(below(content.category, each) for each in self.without_categories):
            return True
        if set(self.without_tags) & set(content.tags):
            return True
        return (
            self.most_price is not None
            and content.price is not None
            and content.price.amount > self.most_price
        )


@dataclass(frozen=True, slots=True)
class Goal:
    """What the scenario is measured by: the name of a Segment event, e.g. `Order Completed`."""

    metric: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Moment, slots, mix and goal under one key and version."""

    key: str
    title: str
    description: str = ""
    mix: Mix
    slots: Mapping[Channel, tuple[SlotSpec, ...]]
    goal: Goal
    brands: tuple[str, ...] = ()  # whose content may be shown; empty: every brand of the house
    variety: float = 0.3  # 0: by score alone; 1: by how little what stands above covers
    moments: tuple[str, ...] = ()  # the situations that it is made for; empty: any
    guards: Guards = Guards()
    frequency: tuple[FrequencyCap, ...] = ()  # how often a person is shown an item, or all of it
    questions: int = 0  # at most so many are asked to come to a choice, see `hub.decisions.questions`
    for_another: bool = False  # it is chosen for somebody else: what is known of the customer has no part
    version: int = 1


class LayerScore(NamedTuple):
    """One layer's part in one item: `contribution` is `weight * score`, exactly.

    `rank_before` is the item's rank (1 is best) among all that were scored if this layer were mute,
    `rank_after` its rank as it is. A tuple, since an answer that explains a page makes hundreds of them.
    """

    layer: str
    weight: float
    score: float
    contribution: float
    rank_before: int
    rank_after: int


@dataclass(frozen=True, slots=True)
class VarietyStep:
    """What variety did to one item, after scoring: the score itself is never changed by it.

    `rank_by_score` is where the item stood among all that were scored; `closest_key` names the item
    of its kind above it that is most like it, `similarity` is their cosine (0 for the first of a kind).
    `crowding` is how much of it the items of its kind above cover together, from 0 to 1.
    """

    rank_by_score: int
    closest_key: str | None
    similarity: float
    crowding: float = 0.0


@dataclass(frozen=True, slots=True)
class OutOfReach:
    """Lists that the dial of diversity does not hold for: the first `shortest` to `longest` items of one kind.

    `diversity` is that of the one among them which is farthest from the setting: the nearest that was found.
    """

    kind: ContentKind
    shortest: int
    longest: int
    diversity: float


@dataclass(frozen=True, slots=True)
class LayerScores:
    """Every layer's part in one item, as columns in the order of the mix: what is kept of an item that nobody asks about."""

    layers: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    scores: Sequence[float] = ()
    ranks_before: Sequence[int] = ()
    rank_after: int = 0

    def each(self) -> tuple[LayerScore, ...]:
        """Return the parts one by one."""
        contributions = map(mul, self.weights, self.scores)
        after = [self.rank_after] * len(self.layers)
        columns = (self.layers, self.weights, self.scores, contributions, self.ranks_before, after)
        return tuple(map(LayerScore._make, zip(*columns, strict=True)))


@dataclass(frozen=True, slots=True)
class Why:
    """Why an item stands where it does: in a sentence, and exactly."""

    sentence: str
    parts: LayerScores = LayerScores()
    variety: VarietyStep | None = None

    @property
    def contributions(self) -> tuple[LayerScore, ...]:
        """Each layer's part, in the order of the mix."""
        return self.parts.each()


@dataclass(frozen=True, slots=True)
class RankedItem:
    """One item of the ranking; position counts from 1, after variety; `score` is the contributions' sum."""

    position: int
    score: float
    content: Content
    why: Why


@dataclass(frozen=True, slots=True)
class Option:
    """One answer that can be given: its key, a label for people, and which share of what is left fits it."""

    key: str
    label: str
    share: float


@dataclass(frozen=True, slots=True)
class Question:
    """The next question of a guided choice: the one whose answer is expected to tell most, in bits.

    `number` counts from 1, `most` is how many are asked at most, `left` how many things are still in question.
    """

    key: str
    text: str
    options: tuple[Option, ...]
    bits: float
    number: int
    most: int
    left: int


@dataclass(frozen=True, slots=True)
class Removed:
    """A candidate that a gate removed: the first gate that did, and by which rule."""

    content: Content
    gate: str
    rule: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Note:
    """A coded remark: why something is degraded, withheld, or to be minded."""

    code: str
    message: str


class Ranking(Protocol):
    """All eligible candidates, best first. Explanations cost time, so items are made when asked for."""

    @property
    def contents(self) -> Sequence[Content]:
        """The ranked contents, without explanation; position is index + 1."""
        ...

    def __len__(self) -> int: ...

    def item(self, index: int) -> RankedItem:
        """Return the item at an index (position - 1), explained; the same object every time."""
        ...

    def first(self, count: int) -> tuple[RankedItem, ...]:
        """Return the first items, explained."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The ranked, explained, channel-free outcome for one customer, scenario and instant."""

    at: datetime
    scenario: Scenario
    moment: Moment
    profile_id: str | None
    profile_version: int
    configuration_version: str
    mix: Mix  # as played
    ranking: Ranking
    removed: tuple[Removed, ...]
    offers: tuple[Offer, ...]
    voice: str
    claims: tuple[Claim, ...]
    degraded: Note | None = None
    grants: tuple[Grant, ...] = ()  # the issues to this customer of `offers`; one that is not issued has none
    question: Question | None = None  # the next one, where the scenario asks and there is one worth asking
    out_of_reach: tuple[OutOfReach, ...] = ()  # where the dial of diversity could not be kept to

    def grant_of(self, offer: Offer) -> Grant | None:
        """Return the issue of one of the offers to this customer, None if it was not issued."""
        return next((grant for grant in self.grants if grant.offer.key == offer.key), None)
