"""Encoding with a memory: once a text, never across models, and never stopped by the memory."""

import asyncio
import logging

import numpy as np
import pytest

from embeddings.cache import CHUNK, CachedEncoder, MemoryCache, key_of
from embeddings.interests import best_similarity
from hub.errors import Conflict, Unavailable
from hub.store.embedding_cache import MongoVectorCache


class CountingEncoder:
    """Makes a vector of the letters of a text, and counts what it is asked."""

    dimensions = 4

    def __init__(self, encoder_id="letters@1", shift=0):
        self.id = encoder_id
        self.asked = []
        self._shift = shift

    def encode(self, texts, *, progress=None):
        self.asked.append(list(texts))
        rows = [np.roll([len(text), text.count("a"), text.count("b"), 1.0], self._shift) for text in texts]
        vectors = np.array(rows, np.float32).reshape(len(texts), 4)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class LostCache:
    """A store that cannot be reached."""

    async def get_many(self, keys):
        raise Unavailable("the store does not answer")

    async def put_many(self, vectors):
        raise Unavailable("the store does not answer")


@pytest.fixture
def counting():
    return CountingEncoder()


@pytest.fixture
def memory():
    return MemoryCache()


class TestOnceAText:
    async def test_rows_come_in_the_order_of_texts_with_repeats(self, counting):
        texts = ["bb", "a", "bb", ""]
        vectors = await CachedEncoder(counting).vectors(texts)
        np.testing.assert_array_equal(vectors, CountingEncoder().encode(texts))
        assert counting.asked == [["bb", "a", ""]]

    async def test_no_texts_are_no_rows_and_no_work(self, counting):
        assert (await CachedEncoder(counting).vectors([])).shape == (0, 4)
        assert counting.asked == []

    async def test_what_was_encoded_is_not_encoded_again(self, counting, memory):
        first = await CachedEncoder(counting, memory).vectors(["a", "b"])
        again = await CachedEncoder(counting, memory).vectors(["b", "c", "a"])  # another process
        assert counting.asked == [["a", "b"], ["c"]]
        assert again[[2, 0]].tobytes() == first.tobytes()

    async def test_this_process_remembers_without_asking_the_store(self, counting, memory):
        cached = CachedEncoder(counting, memory)
        await cached.vectors(["a"])
        cached._cache = LostCache()
        await cached.vectors(["a"])
        assert counting.asked == [["a"]]

    async def test_passing_texts_are_kept_out_of_the_store(self, counting, memory):
        cached = CachedEncoder(counting, memory)
        vector = await cached.vector("a question", keep=False)
        assert len(memory) == 0
        assert (await cached.vector("a question")).tobytes() == vector.tobytes()
        assert len(counting.asked) == 1

    async def test_the_work_is_kept_chunk_by_chunk(self, counting, memory):
        texts = [f"text {number}" for number in range(CHUNK + 10)]
        kept_while_encoding = []
        encode = counting.encode

        def dies_in_the_second_chunk(part, *, progress=None):
            kept_while_encoding.append(len(memory))
            if len(kept_while_encoding) == 2:
                raise MemoryError
            return encode(part)

        counting.encode = dies_in_the_second_chunk
        with pytest.raises(MemoryError):
            await CachedEncoder(counting, memory).vectors(texts)
        assert kept_while_encoding == [0, CHUNK]
        counting.encode = encode
        await CachedEncoder(counting, memory).vectors(texts)
        assert [len(part) for part in counting.asked] == [CHUNK, 10]

    async def test_progress_counts_distinct_texts_and_starts_with_what_is_known(self, counting, memory):
        cached = CachedEncoder(counting, memory)
        await cached.vectors(["a", "b"])
        told = []
        await cached.vectors(["a", "a", "b", "c"], progress=lambda done, whole: told.append((done, whole)))
        assert told == [(2, 3), (3, 3)]

    async def test_what_is_handed_out_can_be_changed_without_harm(self, counting):
        cached = CachedEncoder(counting)
        first = await cached.vectors(["a"])
        before = first.copy()
        first[:] = 0
        np.testing.assert_array_equal(await cached.vectors(["a"]), before)

    async def test_callers_at_the_same_time_get_the_same(self, counting, memory):
        cached = CachedEncoder(counting, memory)
        results = await asyncio.gather(*(cached.vectors(["a", "b"]) for _ in range(8)))
        assert {result.tobytes() for result in results} == {results[0].tobytes()}

    async def test_half_a_surrogate_pair_does_not_break_the_key(self, counting):
        assert key_of("m", "\ud83c") == key_of("m", "\N{REPLACEMENT CHARACTER}")


class TestTwoModels:
    async def test_never_see_each_others_vectors(self, memory):
        one, other = CountingEncoder("letters@1"), CountingEncoder("letters@2", shift=1)
        await CachedEncoder(one, memory).vectors(["a", "b"])
        vectors = await CachedEncoder(other, memory).vectors(["a", "b"])
        assert other.asked == [["a", "b"]]
        np.testing.assert_array_equal(vectors, other.encode(["a", "b"]))
        assert len(memory) == 4

    async def test_the_text_itself_is_not_in_the_key(self):
        key = key_of("letters@1", "someone's private question")
        assert key.startswith("letters@1:")
        assert "private" not in key
        assert len(key.split(":")[1]) == 64

    async def test_the_encoder_names_itself(self, counting):
        cached = CachedEncoder(counting)
        assert (cached.id, cached.dimensions) == ("letters@1", 4)


class TestStoreOutOfReach:
    async def test_texts_are_encoded_all_the_same_and_the_log_says_so(self, counting, caplog):
        with caplog.at_level(logging.WARNING, logger="embeddings.cache"):
            vectors = await CachedEncoder(counting, LostCache()).vectors(["a"])
        np.testing.assert_array_equal(vectors, CountingEncoder().encode(["a"]))
        assert "cannot be reached" in caplog.text

    async def test_other_failures_are_not_hidden(self, counting):
        class Broken(LostCache):
            async def get_many(self, keys):
                raise Conflict("a bug")

        with pytest.raises(Conflict):
            await CachedEncoder(counting, Broken()).vectors(["a"])


class TestMemory:
    async def test_the_least_recently_used_goes_first(self):
        memory = MemoryCache(2)
        vector = np.ones(3, np.float32)
        await memory.put_many({"a": vector, "b": vector})
        await memory.get_many(["a"])
        await memory.put_many({"c": vector})
        assert set(await memory.get_many(["a", "b", "c"])) == {"a", "c"}

    async def test_what_is_known_stays_as_it_is(self):
        memory = MemoryCache()
        await memory.put_many({"a": np.zeros(1, np.float32)})
        await memory.put_many({"a": np.ones(1, np.float32)})
        assert memory.recall(["a"])["a"] == [0.0]


@pytest.mark.mongod
class TestInTheStore:
    async def test_vectors_come_back_bit_by_bit(self, store):
        cache = MongoVectorCache(store.db)
        vectors = np.random.default_rng(0).normal(size=(3, 384)).astype(np.float32)
        await cache.put_many(dict(zip("abc", vectors, strict=True)))
        found = await cache.get_many(["c", "a", "z"])
        assert set(found) == {"a", "c"}
        assert found["a"].tobytes() == vectors[0].tobytes()
        assert found["c"].dtype == np.float32

    async def test_a_known_key_keeps_its_vector_and_new_ones_are_added(self, store):
        cache = MongoVectorCache(store.db)
        zero, one = np.zeros(2, np.float32), np.ones(2, np.float32)
        await cache.put_many({"a": zero})
        await cache.put_many({"a": one, "b": one})
        found = await cache.get_many(["a", "b"])
        assert found["a"].tolist() == [0, 0]
        assert found["b"].tolist() == [1, 1]

    async def test_nothing_asked_or_given_is_nothing_done(self, store):
        cache = MongoVectorCache(store.db)
        await cache.put_many({})
        assert await cache.get_many([]) == {}
        assert await store.db["embeddings"].count_documents({}) == 0

    async def test_more_keys_than_one_read_takes(self, store, monkeypatch):
        monkeypatch.setattr("hub.store.embedding_cache.READ_AT_ONCE", 2)
        cache = MongoVectorCache(store.db)
        vectors = {str(number): np.full(2, number, np.float32) for number in range(7)}
        await cache.put_many(vectors)
        found = await cache.get_many(list(vectors))
        assert {key: vector[0] for key, vector in found.items()} == {str(n): n for n in range(7)}

    async def test_vectors_of_two_models_lie_side_by_side(self, store):
        cache = MongoVectorCache(store.db)
        for encoder_id in ("letters@1", "letters@2"):
            await CachedEncoder(CountingEncoder(encoder_id), cache).vectors(["a", "b"])
        ids = await store.db["embeddings"].distinct("_id")
        assert sorted(key.split(":")[0] for key in ids) == ["letters@1"] * 2 + ["letters@2"] * 2

    @pytest.mark.model
    async def test_the_real_model_through_the_store(self, store, encoder):
        texts = ["lunch bag red retrospot", "lunch bag suki design", "how do I return a parcel?"]
        first = await CachedEncoder(encoder, MongoVectorCache(store.db)).vectors(texts)
        asleep = CountingEncoder(encoder.id)
        again = await CachedEncoder(asleep, MongoVectorCache(store.db)).vectors(texts)
        assert asleep.asked == []
        assert again.tobytes() == first.tobytes()
        assert best_similarity(first[:1], first[1:2])[0] > best_similarity(first[:1], first[2:])[0] + 0.3
