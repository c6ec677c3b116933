"""A lease: of many processes, one does a piece of background work at a time.

The lease is a small document with a holder and an end, told by the *server's* clock, so that the
processes' clocks need not agree. A process that dies simply lets its lease run out.
"""

from datetime import timedelta

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from hub.store.database import Store
from hub.store.faults import store_faults


async def take_lease(store: Store, name: str, holder: str, lasting: timedelta) -> bool:
    """Take or renew the lease `name`; return False while another holder has it."""
    milliseconds = int(lasting.total_seconds() * 1000)
    # An absent `until` sorts before every date, so that a fresh document is free to take.
    free = {"$or": [{"$eq": ["$version", holder]}, {"$lt": ["$until", "$$NOW"]}]}
    until = {"$add": ["$$NOW", milliseconds]}
    with store_faults():
        try:
            lease = await store.db["versions"].find_one_and_update(
                {"_id": f"lease:{name}"},
                [
                    {"$set": {"taken": free}},
                    {
                        "$set": {
                            "version": {"$cond": ["$taken", holder, "$version"]},
                            "until": {"$cond": ["$taken", until, "$until"]},
                        }
                    },
                    {"$unset": "taken"},
                ],
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:  # two made the document at once, and this one came second
            return False
    return lease is not None and bool(lease["version"] == holder)
