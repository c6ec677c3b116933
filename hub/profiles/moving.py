"""How a merge is noted and carried out in the store; see `hub.profiles.linking` for the order of the steps."""

from datetime import datetime

from hub.profiles.profile_codec import Header
from hub.profiles.versioned_writes import write_versioned
from hub.store.database import Database
from hub.store.transactions import Session, transact


class MoveRepository:
    """Writes `profiles`, `facets` and `identities` where one profile goes into another."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._identities = db["identities"]
        self._facets = db["facets"]
        self._profiles = db["profiles"]

    async def note_merge(self, header: Header, into: str, at: datetime, by: str) -> bool:
        """Turn a profile into the note that it was merged away; False if somebody else changed it first."""
        note = {
            "_id": header.id, "version": header.version + 1, "facet_ids": [], "former_ids": list(header.former_ids),
            "merged_into": into, "merged_at": at, "merged_by": by,
        }  # fmt: skip
        return await write_versioned(self._profiles, [note])

    async def move(self, note: Header) -> None:
        """Complete a noted merge: former ids, facets, the identities' hints. Doing it again changes nothing.

        All in one transaction that also touches the note: whoever meets a note may be late, and must not
        carry out one that a split has taken back meanwhile.
        """
        standing = {"_id": note.id, "merged_into": note.merged_into, "merged_by": note.merged_by}

        async def work(session: Session) -> None:
            touched = await self._profiles.update_one(standing, {"$inc": {"touched": 1}}, session=session)
            if touched.matched_count:
                await self.move_in(note, session)

        await transact(self._db, work)

    async def move_in(self, note: Header, session: Session) -> None:
        """Carry out a note within a transaction."""
        assert note.merged_into is not None
        inherited = [note.id, *note.former_ids]
        await self._profiles.update_one(
            {"_id": note.merged_into, "former_ids": {"$not": {"$all": inherited}}},
            {
                "$addToSet": {"former_ids": {"$each": inherited}},
                "$set": {"stale": True},
                "$inc": {"version": 1},
            },
            session=session,
        )
        await self._facets.update_many(
            {"profile_id": note.id},
            {
                "$set": {"profile_id": note.merged_into},
                "$push": {"links": [note.merged_at, note.merged_by, note.id]},
                "$inc": {"version": 1},
            },
            session=session,
        )
        await self._identities.update_many(
            {"profile_id": note.id}, {"$set": {"profile_id": note.merged_into}}, session=session
        )
