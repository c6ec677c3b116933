"""Merges, splits and reviews: what was done to whom, by whom and why, and what waits for a decision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

BY_ITSELF = "the hub"  # in the audit trail, of what no agent decided


class OperationKind(StrEnum):
    """What was done to profiles."""

    MERGE = "MERGE"
    SPLIT = "SPLIT"


class OperationState(StrEnum):
    """Where an operation stands: intended, carried out, or found to be needless."""

    PENDING = "PENDING"
    DONE = "DONE"
    VOID = "VOID"


class ReviewKind(StrEnum):
    """Why two customers may be one and were not merged."""

    TWO_USERS = "TWO_USERS"
    SHARED_ADDRESS = "SHARED_ADDRESS"
    SHARED_DEVICE = "SHARED_DEVICE"
    SPLIT_BEFORE = "SPLIT_BEFORE"
    SIMILAR = "SIMILAR"


class ReviewState(StrEnum):
    """Whether an agent has decided."""

    OPEN = "OPEN"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Proof:
    """One piece of evidence: what it says in words, since when, and where it can be looked up.

    `source` is a messageId, a review's id or the name of a method.
    """

    text: str
    at: datetime
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One merge or split in the audit trail, written before it is carried out.

    A merge has `into` and one id in `others`, the profile that went; a split has in `into` the profile
    that stayed and in `others` those that left. `left` and `stayed` are the facets that a split put apart.
    """

    id: str
    kind: OperationKind
    state: OperationState
    at: datetime
    into: str
    others: tuple[str, ...]
    by: str
    reason: str | None
    evidence: tuple[Proof, ...] = ()
    left: tuple[str, ...] = ()
    stayed: tuple[str, ...] = ()
    named: tuple[str, ...] = ()  # keys of the identities that a split was asked to let go


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Two customers who may be one: an agent decides. `facets` are what was seen to contradict.

    `identity` is the key of the identity that both claim, if it is one; `score` the probability in [0, 1]
    that a matcher gave. `carried_out` says that an accepted one has been merged.
    """

    id: str
    kind: ReviewKind
    state: ReviewState
    facets: tuple[str, str]
    identity: str | None
    evidence: tuple[Proof, ...]
    opened_at: datetime
    score: float | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    reason: str | None = None
    carried_out: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """What leaves a profile in a split, and where it goes.

    `links` are, by facet, the links that it keeps; `to` is the profile it had come from, None where it
    never had one.
    """

    to: str | None
    links: Mapping[str, int]

    @property
    def facets(self) -> Sequence[str]:
        """The facets that leave, in order."""
        return sorted(self.links)
