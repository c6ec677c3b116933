"""How bodies lie in the store: every byte comes back, and rows of an earlier release stay what they were."""

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from hub.kit.canonical import canonical
from hub.ledger import repository
from hub.ledger.packing import MAGIC, packed, unpacked, zstd
from tests.ledger.test_ledger import ledger, served  # noqa: F401 - a fixture


class TestPacked:
    @given(st.binary(max_size=2_000))
    def test_every_byte_comes_back(self, body):
        assert unpacked(packed(body)) == body

    @given(st.recursive(st.none() | st.floats(allow_nan=False) | st.text(), st.lists, max_leaves=5))
    def test_canonical_json_that_lies_there_unpacked_is_left_as_it_is(self, value):
        body = canonical({"slots": value})
        assert not body.startswith(MAGIC)
        assert unpacked(body) == body

    def test_what_repeats_itself_takes_a_fraction(self):
        body = canonical({"items": [{"layer": "base", "score": 0.25, "weight": 1.0}] * 200})
        assert len(packed(body)) * 10 < len(body)

    def test_threads_that_pack_at_once_get_each_their_own(self):
        bodies = [
            canonical({"item": n, "words": [f"{n * step:x}" for step in range(300)]}) for n in range(200)
        ]
        with ThreadPoolExecutor(8) as threads:
            assert [unpacked(frame) for frame in threads.map(packed, bodies)] == bodies

    def test_a_frame_tells_how_long_its_body_is(self):
        assert zstd.get_frame_info(packed(b"a body" * 99)).decompressed_size == 6 * 99


class TestRowsOfAnEarlierRelease:
    async def test_they_replay_and_stand_in_one_chain_with_packed_ones(self, ledger, store, monkeypatch):  # noqa: F811
        old, new = served(), served()
        with monkeypatch.context() as earlier:
            earlier.setattr(repository, "packed", lambda body: body)
            await ledger.record(old)
        await ledger.record(new)
        kept = [bytes(row["body"]) async for row in store.db["served"].find().sort("seq", 1)]
        assert [each.startswith(MAGIC) for each in kept] == [False, True]
        assert [(await ledger.get(row.id)).body for row in (old, new)] == [old.body, new.body]
        report = await ledger.verify()
        assert (report.rows, report.chains, report.faults) == (2, 1, ())
