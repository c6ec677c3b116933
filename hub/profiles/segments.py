"""Which segments a customer is in: rules evaluated on the profile, at an instant.

Membership is not stored. It is worked out of the profile whenever the customer is looked at, so that it
is as current as the profile itself, and time passing ("within 90 days") needs no job to take effect. Who
all is in a segment is a query, see `hub.profiles.segment_queries`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from hub.catalogue.snapshot import CatalogueSnapshot
from hub.kit.clock import to_milliseconds
from hub.profiles.model import InterestKind, Profile
from hub.profiles.segment_rules import (
    Absent,
    All,
    AnyOf,
    Did,
    HasInterest,
    Known,
    Not,
    Owns,
    Trait,
    rule_of,
)


def segments_of(profile: Profile, snapshot: CatalogueSnapshot, at: datetime) -> tuple[str, ...]:
    """Return the keys of the segments whose rules hold for a customer at an instant, sorted."""
    return tuple(
        segment.key for segment in snapshot.segments if holds(rule_of(segment), profile, snapshot, at)
    )


def holds(rule: Any, profile: Profile, snapshot: CatalogueSnapshot, at: datetime) -> bool:
    """Tell whether a rule holds for a customer at an instant."""
    return _EVALUATORS[type(rule)](rule, profile, snapshot, to_milliseconds(at))


def _trait(rule: Trait, profile: Profile, _snapshot: CatalogueSnapshot, _at: datetime) -> bool:
    fact = profile.traits.get(rule.trait)
    if fact is None or fact.value is None:
        return False
    value = fact.value
    if rule.is_ is not None and not same(value, rule.is_):
        return False
    if rule.in_ is not None and not any(same(value, one) for one in rule.in_):
        return False
    if rule.above is not None and not (_is_number(value) and value > rule.above):
        return False
    return rule.below is None or bool(_is_number(value) and value < rule.below)


def same(value: Any, other: Any) -> bool:
    """Tell whether two values are equal as MongoDB sees it: true is not 1, and 1 is 1.0."""
    if _is_number(value) and _is_number(other):
        return bool(value == other)
    return type(value) is type(other) and bool(value == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _did(rule: Did, profile: Profile, snapshot: CatalogueSnapshot, at: datetime) -> bool:
    keys = None if rule.category is None else keys_below(snapshot, rule.category)
    since = None if rule.within_days is None else at - timedelta(days=rule.within_days)
    count = sum(
        signal.kind is rule.did
        and signal.stamp.at <= at
        and (since is None or signal.stamp.at >= since)
        and (keys is None or signal.content_key in keys)
        for signal in profile.recent
    )
    return count >= rule.times


def _owns(rule: Owns, profile: Profile, snapshot: CatalogueSnapshot, _at: datetime) -> bool:
    keys = keys_below(snapshot, rule.owns)
    return sum(own.count for key, own in profile.owned.items() if key in keys) >= rule.at_least


def _interest(rule: HasInterest, profile: Profile, _snapshot: CatalogueSnapshot, _at: datetime) -> bool:
    kind = InterestKind(rule.kind)
    return any(
        interest.kind is kind and rule.interest in interest.label and interest.weight >= rule.at_least
        for interest in profile.interests
    )


def _known(rule: Known, profile: Profile, _snapshot: CatalogueSnapshot, at: datetime) -> bool:
    first = profile.first_seen_at
    return first is not None and first <= at - timedelta(days=rule.known_days)


def _absent(rule: Absent, profile: Profile, _snapshot: CatalogueSnapshot, at: datetime) -> bool:
    last = profile.last_seen_at
    return last is not None and last <= at - timedelta(days=rule.absent_days)


def keys_below(snapshot: CatalogueSnapshot, category: str) -> frozenset[str]:
    """Return the keys of the contents of a category and everything below it."""
    return frozenset(snapshot.contents[row].key for row in snapshot.rows_of_category(category).tolist())


_EVALUATORS: Mapping[type, Callable[[Any, Profile, CatalogueSnapshot, datetime], bool]] = {
    All: lambda rule, *of: all(holds(each, *of) for each in rule.all),
    AnyOf: lambda rule, *of: any(holds(each, *of) for each in rule.any),
    Not: lambda rule, *of: not holds(rule.not_, *of),
    Trait: _trait,
    Did: _did,
    Owns: _owns,
    HasInterest: _interest,
    Known: _known,
    Absent: _absent,
}
