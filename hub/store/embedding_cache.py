"""The cache of vectors in MongoDB: collection `embeddings`, `_id` is "encoder id:sha256 of the text".

Two processes that encode the same text at once are no conflict: the first one's vector stays, so that
from then on everybody has the same.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError

from hub.store.codecs import vector_from_bson, vector_to_bson
from hub.store.faults import store_faults

READ_AT_ONCE = 5_000
DUPLICATE = 11_000


class MongoVectorCache:
    """A `embeddings.cache.VectorCache` kept in the store."""

    def __init__(self, db: AsyncDatabase[dict[str, Any]]) -> None:
        self._vectors = db["embeddings"]

    async def get_many(self, keys: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the vectors of those keys that are known.

        Raises:
            Unavailable: if the store cannot answer.
        """
        found: dict[str, NDArray[np.float32]] = {}
        with store_faults():
            for start in range(0, len(keys), READ_AT_ONCE):
                part = list(keys[start : start + READ_AT_ONCE])
                async for document in self._vectors.find({"_id": {"$in": part}}):
                    found[document["_id"]] = vector_from_bson(document["vector"])
        return found

    async def put_many(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Remember vectors; a key that is known already keeps its vector.

        Raises:
            Unavailable: if the store cannot answer.
        """
        if not vectors:
            return
        documents = [{"_id": key, "vector": vector_to_bson(vector)} for key, vector in vectors.items()]
        with store_faults():
            try:
                await self._vectors.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                if any(fault["code"] != DUPLICATE for fault in error.details["writeErrors"]):
                    raise
