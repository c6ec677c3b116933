"""Segments for those who work with them: which there are, how many are in one, and who.

Definitions are the catalogue's, and known in every process within a second. Who is in one is asked of the
store: a scan of `profiles`, linear in the customers. Counting counts everybody for whom the rule holds;
who refused to be profiled is in no list.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from hub.catalogue.model import Segment
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.consent.gate import RULES, allowed
from hub.consent.regions import Rules
from hub.errors import InvalidInput, NotFound
from hub.kit.clock import Clock
from hub.kit.pages import Page, decode_cursor, page_of
from hub.profiles.model import CustomerRef, Profile, Purpose
from hub.profiles.segment_queries import count_members, list_members
from hub.profiles.segment_rules import parse_rule, rule_of
from hub.profiles.segments import segments_of
from hub.store.database import Store

LARGEST_PAGE = 100
WEB = "WEB"


class Catalogue(Protocol):
    """What is needed of the catalogue service."""

    @property
    def snapshot(self) -> CatalogueSnapshot: ...

    async def put_segments(self, segments: Sequence[Segment], *, refresh: bool = True) -> Any: ...

    async def remove_segment(self, key: str) -> Segment | None: ...


class Profiles(Protocol):
    """What is needed of the profile service."""

    async def find(self, ref: CustomerRef, *, keep: bool = True) -> Profile | None: ...


class SegmentService:
    """Segments by key."""

    def __init__(
        self, store: Store, catalogue: Catalogue, profiles: Profiles, clock: Clock, rules: Rules = RULES
    ) -> None:
        """Take the store, the catalogue that holds the definitions, the profiles, the clock, and the regions' rules."""
        self._store = store
        self._catalogue = catalogue
        self._profiles = profiles
        self._clock = clock
        self._rules = rules

    def list(self) -> tuple[Segment, ...]:
        """Return the segments in the order of their keys."""
        return self._catalogue.snapshot.segments

    def get(self, key: str) -> Segment:
        """Return one segment.

        Raises:
            NotFound: UNKNOWN_SEGMENT, naming those there are.
        """
        for segment in self.list():
            if segment.key == key:
                return segment
        known = ", ".join(segment.key for segment in self.list()) or "none yet"
        raise NotFound(
            f"there is no segment {key!r}; there are {known}", path=("key",), code="UNKNOWN_SEGMENT"
        )

    async def put(self, segments: Sequence[Segment]) -> tuple[Segment, ...]:
        """Define segments, or define them anew; return them as they are now.

        Raises:
            InvalidInput: UNKNOWN_CATEGORY, where one favours what the catalogue does not have.
            Conflict: others kept changing the same segments.
            Unavailable: the store does not answer.
        """
        known = self._catalogue.snapshot.codes_below
        for at, segment in enumerate(segments):
            for place, category in enumerate(segment.favours):
                if category not in known:
                    raise InvalidInput(
                        f"the catalogue has no category {category!r}",
                        path=(at, "favours", place),
                        code="UNKNOWN_CATEGORY",
                    )
        await self._catalogue.put_segments(segments)
        return tuple(self.get(segment.key) for segment in segments)

    async def delete(self, key: str) -> Segment:
        """Take a segment away and return what it was; its versions stay in `history`.

        Nothing else names a segment by its key: scenarios, mixes and offers do not, and what was learned of its
        members goes when groups are counted next.

        Raises:
            NotFound: UNKNOWN_SEGMENT, naming those there are.
            Conflict: others kept changing it.
            Unavailable: the store does not answer.
        """
        return await self._catalogue.remove_segment(key) or self.get(key)

    async def count(self, rule: Mapping[str, Any]) -> int:
        """Return for how many customers a rule holds now.

        Raises:
            InvalidInput: INVALID_RULE.
            Unavailable: the store does not answer.
        """
        return await count_members(
            self._store.db, parse_rule(rule), self._catalogue.snapshot, self._clock.now()
        )

    async def members(self, key: str, *, first: int, after: str | None = None) -> Page[Profile]:
        """Return who is in a segment now, in the order of their ids, but those who refused to be profiled.

        Raises:
            NotFound: UNKNOWN_SEGMENT.
            InvalidInput: `first` or `after` is impossible.
            Unavailable: the store does not answer.
        """
        if not 0 <= first <= LARGEST_PAGE:
            raise InvalidInput(f"first must be between 0 and {LARGEST_PAGE}", path=("first",))
        try:
            position = "" if after is None else decode_cursor(after)
        except ValueError as error:
            raise InvalidInput(str(error), path=("after",)) from None
        rule, now, snapshot = rule_of(self.get(key)), self._clock.now(), self._catalogue.snapshot
        found: list[tuple[str, Profile]] = []
        behind = position
        while len(found) <= first:
            ids = await list_members(self._store.db, rule, snapshot, now, after=behind, most=first + 1)
            for id_ in ids:
                profile = await self._profiles.find(CustomerRef("id", id_))
                if profile is not None and allowed(profile, Purpose.PERSONALIZATION, WEB, self._rules):
                    found.append((id_, profile))
            if len(ids) <= first:
                break
            behind = ids[-1]
        return page_of(found[: first + 1], first=first, has_previous=bool(position))

    def of(self, profile: Profile) -> tuple[Segment, ...]:
        """Return the segments that a customer is in now; none for who refused to be profiled."""
        if not allowed(profile, Purpose.PERSONALIZATION, WEB, self._rules):
            return ()
        mine = set(segments_of(profile, self._catalogue.snapshot, self._clock.now()))
        return tuple(segment for segment in self.list() if segment.key in mine)
