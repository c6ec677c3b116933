"""The right to a copy: everything the hub holds of one customer, for programs and for people.

An export is a permission and not a copy: a signed link that ends. What it gives is read when it is fetched,
so that no second copy lies about that an erasure would have to find, and an erasure ends the link at once.
"""

from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Protocol

from pymongo import ASCENDING, DESCENDING

from hub.auth.tokens import Signer
from hub.errors import InvalidInput, NotFound
from hub.events.repository import event_from_document
from hub.kit.canonical import canonical
from hub.kit.clock import Clock
from hub.kit.ids import new_id
from hub.ledger.items import spelled_out
from hub.ledger.model import Served
from hub.ledger.repository import served_from
from hub.privacy.model import Export, JobState
from hub.profiles.model import CustomerRef, Profile
from hub.profiles.repository import ProfileRepository
from hub.profiles.sharing import check_one_is_meant
from hub.profiles.timeline import TimelineEntry, entry_of
from hub.store.database import Store
from hub.store.faults import store_faults

EXPORT = "export"  # the purpose of the tokens in links
LIFETIME = timedelta(days=7)
FORMAT = "tutti-export"
VERSION = 2
READ_TOGETHER = 500  # served experiences whose exposures are read in one go


class Profiles(Protocol):
    """What is needed of the profile service."""

    @property
    def repository(self) -> ProfileRepository: ...

    def snapshot(self) -> Any: ...

    async def require(self, ref: CustomerRef) -> Profile: ...


class ExportService:
    """Grants exports, and reads what they give."""

    def __init__(self, store: Store, profiles: Profiles, signer: Signer, clock: Clock, base_url: str) -> None:
        self._db = store.db
        self._profiles = profiles
        self._signer = signer
        self._clock = clock
        self._base_url = base_url

    async def grant(self, ref: CustomerRef) -> Export:
        """Return an export with the link under which the data can be fetched for a week.

        Raises:
            NotFound: UNKNOWN_CUSTOMER.
            Conflict: SEVERAL_CUSTOMERS share the name.
        """
        profile = await self.subject(ref)
        export_id, now = new_id("exp"), self._clock.now()
        with store_faults():
            await self._db["exports"].insert_one(
                {"_id": export_id, "profile_id": profile.id, "granted_at": now, "expires_at": now + LIFETIME}
            )
        token = self._signer.sign(EXPORT, {"export": export_id}, lifetime=LIFETIME)
        return Export(
            id=export_id,
            state=JobState.DONE,
            url=f"{self._base_url}/exports/{token}",
            expires_at=now + LIFETIME,
        )

    async def subject(self, ref: CustomerRef) -> Profile:
        """Return whose copy it is to be.

        Raises:
            NotFound: UNKNOWN_CUSTOMER.
            Conflict: SEVERAL_CUSTOMERS share the name.
        """
        await check_one_is_meant(self._profiles.repository, ref)
        return await self._profiles.require(ref)

    async def open(self, token: str) -> Profile:
        """Return whose data a link gives.

        Raises:
            InvalidInput: BAD_TOKEN, if it was tampered with or has ended.
            NotFound: the customer was erased since.
        """
        export_id = self._signer.verify(EXPORT, token).get("export")
        if not isinstance(export_id, str):
            raise InvalidInput("this link names nothing", code="BAD_TOKEN")
        with store_faults():
            found = await self._db["exports"].find_one({"_id": export_id})
        if found is None or found["expires_at"] <= self._clock.now():
            raise NotFound("this export has ended, or the customer was erased since", code="EXPORT_ENDED")
        return await self._profiles.require(CustomerRef("id", found["profile_id"]))

    # for programs

    async def document(self, profile: Profile) -> AsyncIterator[bytes]:
        """Yield the JSON document of everything that is held of a customer, piece by piece."""
        head: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "made_at": self._clock.now(),
            "customer": await self._customer(profile),
        }
        yield canonical(head)[:-1]
        for name, rows in (
            ("events", self._events(profile)),
            ("served", self._served_rows(profile)),
            ("exposures", self._exposures(profile)),
            ("grants", self._grants(profile)),
            ("questions", self._questions(profile)),
            ("merges", self._merges(profile)),
            ("reviews", self._reviews(profile)),
        ):
            yield f',"{name}":['.encode()
            first = True
            async for row in rows:
                yield canonical(row) if first else b"," + canonical(row)
                first = False
            yield b"]"
        yield b"}"

    async def _customer(self, profile: Profile) -> dict[str, Any]:
        """Return the profile in words and values: what is believed, since when, and why."""
        facets = await self._profiles.repository.facets_of([profile.id])
        return {
            "id": profile.id,
            "former_ids": profile.former_ids,
            "version": profile.version,
            "first_seen_at": profile.first_seen_at,
            "last_seen_at": profile.last_seen_at,
            "identities": profile.identities,
            "traits": {key: _told(fact) for key, fact in profile.traits.items()},
            "preferences": {key: _told(fact) for key, fact in profile.preferences.items()},
            "consents": profile.consents,
            "consent_statements": [
                {"said_of": linked.primary.key, "about": about, **_told(record)}
                for linked in facets
                for about, record in sorted(linked.facet.consents.items())
            ],
            "interests": [
                {
                    "id": one.id,
                    "kind": one.kind,
                    "label": one.label,
                    "weight": one.weight,
                    "evidence": one.evidence,
                    "subjects": one.subjects,
                }
                for one in profile.interests
            ],
            "feedback": dict(profile.feedback),
            "owned": profile.owned,
            "cart": profile.cart,
            "tickets": profile.tickets,
        }

    async def _events(self, profile: Profile) -> AsyncIterator[dict[str, Any]]:
        query = {"facet_id": {"$in": list(profile.facet_ids)}}
        with store_faults():
            async for found in self._db["events"].find(query).sort([("at", ASCENDING), ("_id", ASCENDING)]):
                event = event_from_document(found)
                yield {
                    "message_id": event.id,
                    "type": event.type,
                    "event": event.name,
                    "at": event.at,
                    "received_at": event.received_at,
                    "source": event.source,
                    "user_id": event.user_id,
                    "anonymous_id": event.anonymous_id,
                    "properties": event.properties,
                    "traits": event.traits,
                    "context": event.context,
                }

    async def _served(self, profile: Profile) -> AsyncIterator[Served]:
        query = {"profile_id": {"$in": [profile.id, *profile.former_ids]}}
        with store_faults():
            async for found in self._db["served"].find(query).sort([("at", ASCENDING), ("_id", ASCENDING)]):
                yield served_from(found)

    async def _served_rows(self, profile: Profile) -> AsyncIterator[dict[str, Any]]:
        async for served in self._served(profile):
            yield {
                "id": served.id,
                "at": served.at,
                "channel": served.channel,
                "scenario": served.scenario_key,
                "kept_until": served.expires_at,
                "body": spelled_out(served),
            }

    async def _exposures(self, profile: Profile) -> AsyncIterator[dict[str, Any]]:
        query = {"profile_id": {"$in": [profile.id, *profile.former_ids]}}
        with store_faults():
            cursor = self._db["served"].find(query, {"_id": 1}).sort([("at", ASCENDING), ("_id", ASCENDING)])
            while part := await cursor.to_list(READ_TOGETHER):
                ids = [document["_id"] for document in part]
                seen: dict[str, list[dict[str, Any]]] = defaultdict(list)
                async for found in (
                    self._db["exposures"].find({"served_id": {"$in": ids}}).sort("_id", ASCENDING)
                ):
                    seen[found["served_id"]].append(found)
                for served_id in ids:
                    for found in seen[served_id]:
                        yield {"served": served_id, "content": found["content_key"], "at": found["at"]}

    async def _grants(self, profile: Profile) -> AsyncIterator[dict[str, Any]]:
        query = {"profile_id": {"$in": [profile.id, *profile.former_ids]}}
        names = (
            "code",
            "offer_key",
            "state",
            "channel",
            "granted_at",
            "expires_at",
            "redeemed_at",
            "order_id",
        )
        with store_faults():
            async for found in self._db["grants"].find(query).sort("_id", ASCENDING):
                yield {name: found.get(name) for name in names}

    async def _questions(self, profile: Profile) -> AsyncIterator[dict[str, Any]]:
        query = {"profile_id": {"$in": [profile.id, *profile.former_ids]}}
        with store_faults():
            async for found in (
                self._db["questions"].find(query).sort([("at", ASCENDING), ("_id", ASCENDING)])
            ):
                yield {
                    "at": found["at"],
                    "channel": found["channel"],
                    "question": found.get("text"),
                    "answer": found["answer"],
                    "kept_until": found["expires_at"],
                }

    async def _merges(self, profile: Profile) -> AsyncIterator[dict[str, Any]]:
        query = {"profiles": {"$in": [profile.id, *profile.former_ids]}}
        with store_faults():
            async for found in self._db["merges"].find(query).sort([("at", ASCENDING), ("_id", ASCENDING)]):
                # Neither the other customer's ids nor evidence, which may speak of them.
                yield {name: found[name] for name in ("at", "kind", "state", "by", "reason")}

    async def _reviews(self, profile: Profile) -> AsyncIterator[dict[str, Any]]:
        query = {"facets": {"$in": list(profile.facet_ids)}}
        names = ("opened_at", "kind", "state", "identity", "score", "decided_at", "reason")
        with store_faults():
            async for found in self._db["reviews"].find(query).sort("_id", ASCENDING):
                own = found["identity"] in {identity.key for identity in profile.identities}
                yield {name: found[name] for name in names if own or name != "identity"}

    # for people

    async def happened(self, profile: Profile) -> AsyncIterator[TimelineEntry]:
        """Yield what happened, newest first, each in a few words."""
        query = {"facet_id": {"$in": list(profile.facet_ids)}}
        snapshot = self._profiles.snapshot()
        with store_faults():
            async for found in self._db["events"].find(query).sort([("at", DESCENDING), ("_id", DESCENDING)]):
                yield entry_of(event_from_document(found), snapshot)

    def served(self, profile: Profile) -> AsyncIterator[Served]:
        """Return what the customer was served, oldest first."""
        return self._served(profile)


def _told(record: Any) -> dict[str, Any]:
    """Return a fact or a consent, with the instant and the message that told it."""
    fields = {name: getattr(record, name) for name in record.__slots__ if name != "stamp"}
    return {**fields, "at": record.stamp.at, "message_id": record.stamp.message_id}
