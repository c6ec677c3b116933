"""A batch of email: one finished message for each customer of a segment, each with one row in the ledger.

The batch walks through the profiles in the order of their ids and renders them some at a time. A message's
served id is made of the batch's name and the profile's id, so whoever renders it again, after a kill or
beside another process, makes no second row: what the ledger has already is taken from there. How far
the batch has come is written after each chunk. Messages go into a file of JSON lines, cut back at a
resumption to where the last chunk ended, so that each stands there once.
"""

import asyncio
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import orjson

from hub.catalogue.model import Segment
from hub.channels.model import EmailExperience, Experience
from hub.decisions.model import Channel
from hub.errors import Conflict
from hub.kit.clock import Clock
from hub.ledger.model import Served
from hub.profiles.model import CustomerRef, Profile
from hub.profiles.spelling import spelled
from hub.store.database import Store
from hub.store.faults import store_faults

CHUNK = 200  # customers between two checkpoints
AT_ONCE = 64  # rendered side by side: what they read, issue and record goes in one command for all
ATTEMPTS = 3
RENDERED, NOT_OF_IT = "RENDERED", "NOT_OF_THE_SEGMENT"

Progress = Callable[["BatchState"], None]


@dataclass(slots=True)
class BatchState:
    """How far a batch has come; `told` counts messages and, by code, those who get none."""

    name: str
    scenario: str
    segment: Mapping[str, str]  # traits that must match
    members_of: tuple[str, ...] = ()  # keys of segments that one must be in
    after: str = ""  # the last profile that is settled
    written: int = 0  # bytes of the file of messages
    told: Counter[str] = field(default_factory=Counter)
    started_at: datetime | None = None
    done: bool = False

    @property
    def rendered(self) -> int:
        """How many messages there are."""
        return self.told[RENDERED]


class Profiles(Protocol):
    """What is needed of the profile service."""

    async def page_of_ids(self, *, after: str = "", most: int) -> list[str]: ...

    async def get(self, profile_id: str) -> Profile | None: ...


class Segments(Protocol):
    """What is needed of the segments."""

    def get(self, key: str) -> Segment: ...

    def of(self, profile: Profile) -> tuple[Segment, ...]: ...


class Experiences(Protocol):
    """What is needed of the experience service."""

    async def assemble(
        self, ref: CustomerRef, *, channel: Channel, scenario: str, served_id: str | None = None
    ) -> Experience: ...


class Ledger(Protocol):
    """What is needed of the ledger."""

    async def known(self, served_ids: Sequence[str]) -> dict[str, Served]: ...


def served_id_of(batch: str, profile_id: str) -> str:
    """Return the served id that a customer's message in a batch has."""
    return f"srv_{hashlib.sha256(f'{batch}|{profile_id}'.encode()).hexdigest()[:26]}"


class EmailBatch:
    """Renders batches."""

    def __init__(
        self,
        store: Store,
        profiles: Profiles,
        experiences: Experiences,
        ledger: Ledger,
        clock: Clock,
        *,
        segments: Segments,
    ) -> None:
        self._batches = store.db["email_batches"]
        self._profiles = profiles
        self._experiences = experiences
        self._ledger = ledger
        self._clock = clock
        self._segments = segments

    async def run(
        self,
        name: str,
        scenario: str,
        segment: Mapping[str, str],
        out: Path,
        progress: Progress,
        *,
        members_of: Sequence[str] = (),
    ) -> BatchState:
        """Render a batch, or what is left of it; one that is done is not done again.

        Args:
            name: what the batch is called; the same name goes on where it stopped.
            scenario: the scenario's key.
            segment: traits that must match; empty: everybody.
            out: the file that messages are written to, one JSON object a line.
            progress: told the state after each chunk.
            members_of: keys of segments that one must be in, all of them.

        Raises:
            Conflict: if the name belongs to a batch of another scenario or segment, or to another file.
            NotFound: UNKNOWN_SCENARIO, UNKNOWN_SEGMENT.
            Unavailable: if the store does not answer; run it again.
        """
        for key in members_of:
            self._segments.get(key)
        state = await self._begin(name, scenario, segment, tuple(members_of))
        if state.done:
            return state
        with out.open("ab") as file:
            if file.tell() < state.written:
                raise Conflict(
                    f"{out} is not the file that {name!r} was written to; give it, or another name"
                )
            file.truncate(state.written)
            while ids := await self._profiles.page_of_ids(after=state.after, most=CHUNK):
                for line in await self._chunk(state, ids):
                    file.write(line)
                file.flush()
                os.fsync(file.fileno())
                state.after, state.written = ids[-1], file.tell()
                await self._save(state)
                progress(state)
        state.done = True
        await self._save(state)
        return state

    async def _chunk(self, state: BatchState, ids: Sequence[str]) -> list[bytes]:
        """Settle some customers and return their messages in the order of `ids`."""
        known = await self._ledger.known([served_id_of(state.name, each) for each in ids])
        free = asyncio.Semaphore(AT_ONCE)

        async def one(profile_id: str) -> tuple[str, bytes]:
            served = known.get(served_id_of(state.name, profile_id))
            if served is not None:
                return RENDERED, _line(served.id, profile_id, served.content)
            async with free:
                return await self._render(state, profile_id)

        settled = await asyncio.gather(*(one(each) for each in ids))
        state.told.update(code for code, _ in settled)
        return [line for _, line in settled if line]

    async def _render(self, state: BatchState, profile_id: str) -> tuple[str, bytes]:
        if (state.segment or state.members_of) and not await self._belongs(profile_id, state):
            return NOT_OF_IT, b""
        served_id = served_id_of(state.name, profile_id)
        code = ""
        for _ in range(ATTEMPTS):
            message = await self._experiences.assemble(
                CustomerRef("id", profile_id),
                channel=Channel.EMAIL,
                scenario=state.scenario,
                served_id=served_id,
            )
            assert isinstance(message, EmailExperience)
            if message.withheld is None:
                content = {
                    "to": message.to,
                    "subject": message.subject,
                    "preheader": message.preheader,
                    "html": message.html,
                    "text": message.text,
                    "headers": [[header.name, header.value] for header in message.headers],
                }
                return RENDERED, _line(served_id, profile_id, content)
            code = message.withheld.code
            if code != "TRY_AGAIN":
                break
            # Another process may have been faster with the same row.
            if found := (await self._ledger.known([served_id])).get(served_id):
                return RENDERED, _line(served_id, profile_id, found.content)
        return code, b""

    async def _belongs(self, profile_id: str, state: BatchState) -> bool:
        profile = await self._profiles.get(profile_id)
        if profile is None:
            return False
        matches = all(
            name in profile.traits and spelled(profile.traits[name].value) == value
            for name, value in state.segment.items()
        )
        return matches and {*state.members_of} <= {segment.key for segment in self._segments.of(profile)}

    async def _begin(
        self, name: str, scenario: str, segment: Mapping[str, str], members_of: tuple[str, ...]
    ) -> BatchState:
        with store_faults():
            found = await self._batches.find_one({"_id": name})
        if found is None:
            state = BatchState(name, scenario, dict(segment), members_of, started_at=self._clock.now())
            await self._save(state)
            return state
        before = tuple(found.get("members_of", ()))
        if (found["scenario"], found["segment"], before) != (scenario, dict(segment), members_of):
            of = [*(f"{key}={value}" for key, value in found["segment"].items()), *before]
            raise Conflict(
                f"the batch {name!r} is of scenario {found['scenario']!r} for {', '.join(of) or 'everybody'}; "
                "give this one another name"
            )
        return BatchState(
            name,
            scenario,
            dict(segment),
            members_of,
            found["after"],
            found["written"],
            Counter(found["told"]),
            found["started_at"],
            found["done"],
        )

    async def _save(self, state: BatchState) -> None:
        document: dict[str, Any] = {
            "scenario": state.scenario,
            "segment": dict(state.segment),
            "members_of": list(state.members_of),
            "after": state.after,
            "written": state.written,
            "told": dict(state.told),
            "started_at": state.started_at,
            "saved_at": self._clock.now(),
            "done": state.done,
        }
        with store_faults():
            await self._batches.replace_one({"_id": state.name}, document, upsert=True)


def _line(served_id: str, profile_id: str, content: Mapping[str, Any]) -> bytes:
    parts = ("to", "subject", "preheader", "html", "text", "headers")
    return orjson.dumps(
        {"served_id": served_id, "customer": profile_id, **{part: content[part] for part in parts}},
        option=orjson.OPT_APPEND_NEWLINE,
    )
