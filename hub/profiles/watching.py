"""Customers watched: told as they are now, and again whenever they changed, until they are erased.

One poll for the whole process, four times a second while anybody watches, asks for the versions of all
watched profiles at once. Whose version moved is read anew, when the watcher is ready for it: so a slow
watcher misses states in between, never the latest one, and nothing queues up. Nobody is told anything by
anybody (docs/decisions/0133); each process sees with its own eyes, after a quarter of a second.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from hub.errors import Conflict, TuttiError, Unavailable
from hub.profiles.model import CustomerRef, Profile
from hub.profiles.service import ProfileService

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.25
MOST_EACH = 10  # watches of one caller who speaks for one customer


@dataclass(slots=True, eq=False)
class _Watch:
    """One watcher: the profile that is watched, its version as last read, and whether it moved since."""

    profile_id: str
    version: int
    moved: asyncio.Event = field(default_factory=asyncio.Event)


class WatchService:
    """Watches profiles for one process."""

    def __init__(self, profiles: ProfileService, *, most: int, most_per_key: int) -> None:
        """Take the profiles, how many may be watched at once, and how many for one key."""
        self._profiles = profiles
        self._most = most
        self._most_per_key = most_per_key
        self._seats: Counter[str] = Counter()
        self._watches: dict[str, set[_Watch]] = {}
        self._polling: asyncio.Task[None] | None = None

    @property
    def open(self) -> int:
        """How many watch now."""
        return self._seats[""]

    async def watch(
        self, ref: CustomerRef, *, key: str, speaks_for: str = ""
    ) -> AsyncGenerator[Profile, None]:
        """Yield a customer as they are now, and whenever they changed; the end is that they were erased.

        A merge is followed to whoever the customer is now, a split to whom `ref` names then. What changed
        several times since the last look is told once, as it is. While the store does not answer, nothing is told.

        Args:
            ref: who.
            key: the name of the caller's key; so many of one key.
            speaks_for: the customer for whom alone the caller speaks, if any; fewer of one customer.

        Raises:
            NotFound: UNKNOWN_CUSTOMER.
            Unavailable: TOO_MANY_WATCHES; or the store does not answer at the beginning.
        """
        with self._seated(key, speaks_for):
            profile: Profile | None = await self._profiles.require(ref)
            assert profile is not None
            watch = _Watch(profile.id, profile.version)
            self._join(watch)
            try:
                while profile is not None:
                    yield profile
                    profile = await self._next(ref, watch)
            finally:
                self._leave(watch)

    async def _next(self, ref: CustomerRef, watch: _Watch) -> Profile | None:
        """Return the profile when it is another than was told; None once the customer is erased."""
        while True:
            await watch.moved.wait()
            watch.moved.clear()
            try:
                found = await self._followed(ref, watch.profile_id)
            except (Unavailable, Conflict) as error:
                # Nothing was noted, so that the next poll that succeeds finds it moved again.
                log.warning("a watched customer cannot be read, trying again", reason=error.kind)
                continue
            if found is None:
                return None
            told = (watch.profile_id, watch.version)
            if found.id != watch.profile_id:
                self._move(watch, found.id)
            watch.version = found.version
            if told != (found.id, found.version):
                return found

    async def _followed(self, ref: CustomerRef, watched: str) -> Profile | None:
        found = await self._profiles.find(ref)
        if found is None or watched in {found.id, *found.former_ids}:
            return found
        # Another profile: this customer was split from the watched one, which still stands; or erased, and
        # came back meanwhile as somebody new, who is nobody's to go on watching.
        return found if await self._profiles.repository.versions([watched]) else None

    @contextmanager
    def _seated(self, key: str, speaks_for: str) -> Iterator[None]:
        """Hold a place for one watcher in each count that it falls under."""
        bounds = {"": self._most, f"key:{key}": self._most_per_key}
        if speaks_for:
            bounds[f"customer:{speaks_for}"] = MOST_EACH
        for seat, most in bounds.items():
            if self._seats[seat] >= most:
                whose = (
                    "here" if not seat else "with this key" if seat.startswith("key:") else "for one customer"
                )
                raise Unavailable(
                    f"{most} streams are open {whose}, and no more can be; close some, or again later",
                    code="TOO_MANY_WATCHES",
                )
        self._seats.update(bounds.keys())
        try:
            yield
        finally:
            self._seats.subtract(bounds.keys())
            self._seats += Counter()  # drops what is at nought, so that no name is kept

    def _join(self, watch: _Watch) -> None:
        self._watches.setdefault(watch.profile_id, set()).add(watch)
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll())

    def _move(self, watch: _Watch, profile_id: str) -> None:
        self._unlist(watch)
        watch.profile_id = profile_id
        self._join(watch)

    def _unlist(self, watch: _Watch) -> None:
        beside = self._watches[watch.profile_id]
        beside.discard(watch)
        if not beside:
            del self._watches[watch.profile_id]

    def _leave(self, watch: _Watch) -> None:
        self._unlist(watch)
        if not self._watches and self._polling is not None:
            self._polling.cancel()
            self._polling = None

    async def _poll(self) -> None:
        """Wake the watchers of profiles whose version moved, until cancelled; a fault of a look is the next one's."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self._look()
            except TuttiError as error:
                log.warning("watched customers cannot be looked at, trying again", reason=error.kind)
            except Exception:
                log.exception("a look at watched customers failed")

    async def _look(self) -> None:
        asked = list(self._watches)
        versions = await self._profiles.repository.versions(asked)
        for profile_id in asked:
            for watch in self._watches.get(profile_id, ()):
                if watch.version != versions.get(profile_id):
                    watch.moved.set()
