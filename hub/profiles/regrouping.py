"""Merges and splits carried out in the store: pointers of facets move, events never do.

Each is one short transaction over the profiles, their facets, their identities and the operation that says
so; its cost grows with identities. Where two cross, one of them is tried again and finds what the other did.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.kit.ids import new_id
from hub.profiles.facet_repository import links_from
from hub.profiles.merge_model import Operation, OperationState, Part
from hub.profiles.merge_repository import OperationRepository
from hub.profiles.model import CustomerRef, Facet, LinkedFacet
from hub.profiles.profile_codec import HEADER_FIELDS, Header, header_from_document
from hub.profiles.repository import ProfileRepository
from hub.profiles.splitting import parts_of
from hub.store.database import Database
from hub.store.faults import store_faults
from hub.store.transactions import Session, transact


@dataclass(frozen=True, slots=True)
class _Leaving:
    """A part with the profile it becomes and the former ids that go with it."""

    part: Part
    to: str
    former: frozenset[str]


class Regrouper:
    """Carries out operations; each happens whole or not at all."""

    def __init__(self, db: Database, repository: ProfileRepository, operations: OperationRepository) -> None:
        self._db = db
        self._repository = repository
        self._operations = operations
        self._profiles = db["profiles"]
        self._facets = db["facets"]
        self._identities = db["identities"]
        self._events = db["events"]

    async def merge(self, operation: Operation) -> bool:
        """Carry out a merge; False if one of the two was merged away since it was intended, or it waits no more.

        Raises:
            Conflict: others kept changing the same customers.
            Unavailable: the store does not answer.
        """
        into, gone = operation.into, operation.others[0]

        async def work(session: Session) -> bool:
            headers = await self._headers([into, gone], session)
            if len(headers) < 2 or any(header.merged_into is not None for header in headers.values()):
                return False
            if not await self._operations.settle(operation.id, OperationState.DONE, session):
                return False
            before = headers[gone]
            note = {
                "_id": gone, "version": before.version + 1, "facet_ids": [],
                "former_ids": list(before.former_ids), "merged_into": into, "merged_at": operation.at,
                "merged_by": operation.id,
            }  # fmt: skip
            await self._profiles.replace_one({"_id": gone, "version": before.version}, note, session=session)
            await self._repository.move_in(header_from_document(note), session)
            return True

        return await transact(self._db, work)

    async def plan(self, profile_id: str, named: Sequence[str]) -> list[Part]:
        """Return what would leave if facets were to; nothing where nothing was ever merged."""
        with store_faults():
            facets = await self._pointers_of(profile_id)
            linkers = await self._facet_of_event(facets)
        return parts_of(facets, named, linkers)

    async def split(self, operation: Operation) -> bool:
        """Carry out a split; False if what it is about has changed since it was intended.

        Raises:
            Conflict: others kept changing the same customer.
            Unavailable: the store does not answer.
        """

        async def work(session: Session) -> bool:
            header = (await self._headers([operation.into], session)).get(operation.into)
            if header is None or header.merged_into is not None:
                return False
            if not await self._operations.is_pending(operation.id, session):
                return False
            facets = {facet.id: facet for facet in await self._pointers_of(header.id, session)}
            homes = self._identities.find({"_id": {"$in": list(operation.named)}}, session=session)
            named = {document["facet_id"] for document in await homes.to_list()}
            linkers = await self._facet_of_event(list(facets.values()), session)
            parts = parts_of(list(facets.values()), named, linkers) if named <= facets.keys() else []
            if not parts:
                return False
            await self._carry_out(operation, header, facets, parts, session)
            return True

        return await transact(self._db, work)

    async def _carry_out(
        self,
        operation: Operation,
        header: Header,
        facets: Mapping[str, LinkedFacet],
        parts: Sequence[Part],
        session: Session,
    ) -> None:
        notes = await self._headers(header.former_ids, session)
        leaving = _with_former_ids(header, facets, parts, notes)
        for one in leaving:
            await self._settle_part(one, facets, notes.get(one.to), session)
        gone = {facet_id for one in leaving for facet_id in one.part.links}
        home = {key: one.to for one in leaving for key in (one.to, *one.former)}
        stayed = sorted(facets.keys() - gone)
        await self._profiles.update_one(
            {"_id": header.id, "version": header.version},
            {
                "$set": {
                    "former_ids": [key for key in header.former_ids if key not in home],
                    "facet_ids": stayed,
                    "stale": True,
                },
                "$inc": {"version": 1},
            },
            session=session,
        )
        await self._correct_notes(header.id, notes, home, session)
        others = [one.to for one in leaving]
        await self._operations.settle(
            operation.id,
            OperationState.DONE,
            session,
            others=others,
            profiles=[header.id, *others],
            left=sorted(gone),
            stayed=stayed,
        )

    async def _settle_part(
        self, one: _Leaving, facets: Mapping[str, LinkedFacet], note: Header | None, session: Session
    ) -> None:
        """Give what leaves its profile back: the document, the facets, the identities' hints."""
        document: dict[str, Any] = {
            "_id": one.to,
            "version": 1 if note is None else note.version + 1,
            "facet_ids": one.part.facets,
            "former_ids": sorted(one.former),
            "stale": True,
        }
        await self._profiles.replace_one({"_id": one.to}, document, upsert=True, session=session)
        for facet_id, keep in one.part.links.items():
            kept = [[link.at, link.by, link.came_from] for link in facets[facet_id].links[:keep]]
            await self._facets.update_one(
                {"_id": facet_id},
                {"$set": {"profile_id": one.to, "links": kept}, "$inc": {"version": 1}},
                session=session,
            )
        await self._identities.update_many(
            {"facet_id": {"$in": one.part.facets}}, {"$set": {"profile_id": one.to}}, session=session
        )

    async def _correct_notes(
        self, stayed: str, notes: Mapping[str, Header], home: Mapping[str, str], session: Session
    ) -> None:
        """Let notes of profiles merged earlier point to, and know of, only what is still with them."""
        restored = set(home.values())
        for note in notes.values():
            if note.id in restored or note.merged_into is None:
                continue
            own = home.get(note.id, stayed)
            former = [key for key in note.former_ids if home.get(key, stayed) == own]
            into = note.merged_into if home.get(note.merged_into, stayed) == own else own
            if former != list(note.former_ids) or into != note.merged_into:
                await self._profiles.update_one(
                    {"_id": note.id},
                    {"$set": {"former_ids": former, "merged_into": into}, "$inc": {"version": 1}},
                    session=session,
                )

    async def _headers(self, profile_ids: Sequence[str], session: Session) -> dict[str, Header]:
        cursor = self._profiles.find(
            {"_id": {"$in": sorted(profile_ids)}}, dict.fromkeys(HEADER_FIELDS, 1), session=session
        )
        return {document["_id"]: header_from_document(document) for document in await cursor.to_list()}

    async def _pointers_of(self, profile_id: str, session: Session | None = None) -> list[LinkedFacet]:
        """Return a profile's facets as far as splitting looks at them: whose they are, and not what they hold."""
        cursor = self._facets.find(
            {"profile_id": profile_id}, {"version": 1, "primary": 1, "links": 1}, session=session
        )
        return [
            LinkedFacet(
                id=document["_id"],
                version=document["version"],
                profile_id=profile_id,
                primary=CustomerRef(*document["primary"]),
                facet=Facet(),
                links=links_from(document),
            )
            for document in await cursor.sort("_id", 1).to_list()
        ]

    async def _facet_of_event(
        self, facets: Sequence[LinkedFacet], session: Session | None = None
    ) -> dict[str, str]:
        by = sorted({link.by for facet in facets for link in facet.links})
        if not by:
            return {}
        found = await self._events.find({"_id": {"$in": by}}, {"facet_id": 1}, session=session).to_list()
        return {document["_id"]: document["facet_id"] for document in found}


def _with_former_ids(
    header: Header, facets: Mapping[str, LinkedFacet], parts: Sequence[Part], notes: Mapping[str, Header]
) -> list[_Leaving]:
    """Return the parts with what becomes of the ids of profiles merged earlier."""
    former: dict[int, set[str]] = defaultdict(set)
    targets = [part.to or new_id("prf") for part in parts]
    for number, (part, to) in enumerate(zip(parts, targets, strict=True)):
        found = set(notes[to].former_ids) if to in notes else set()
        found |= {
            link.came_from
            for facet_id, keep in part.links.items()
            for link in facets[facet_id].links[:keep]
            if link.came_from is not None
        }
        found |= {key for one in found if one in notes for key in notes[one].former_ids}
        former[number] = (found & set(header.former_ids)) - {to}
    for number in range(len(parts)):
        for other, to in enumerate(targets):
            if other != number and to in former[number]:  # it had come with this part, and leaves on its own
                former[number] -= {to, *former[other]}
    return [_Leaving(part, targets[number], frozenset(former[number])) for number, part in enumerate(parts)]
