"""Importing into a real store: plain files, refusals with their lines, torn groups, a process killed with -9."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from hub.errors import InvalidInput, Unavailable
from hub.imports.service import make_plan
from tests.imports.conftest import COLUMNS, RETAIL, retail_file

pytestmark = pytest.mark.mongod


def lines(path: Path, *rows: dict) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def content(key: str, **fields) -> dict:
    return {"key": key, "kind": "PRODUCT", "title": f"Title {key}", **fields}


@pytest.fixture
def bring_in(importer, tmp_path, progress):
    async def run(path: Path, what: str | None = None, mapping: Path | None = None, **more):
        plan = make_plan(path, mapping, what)
        return await importer.bring_in(plan, tmp_path / "rejects.jsonl", progress=progress, **more)

    return run


def rejected(tmp_path: Path) -> list[tuple[int, str]]:
    file = tmp_path / "rejects.jsonl"
    return (
        [(r["line"], r["reason"]) for r in map(json.loads, file.read_text().splitlines())]
        if file.exists()
        else []
    )


class TestPlainFiles:
    async def test_contents_need_no_mapping(self, tmp_path, bring_in, catalogue):
        path = lines(
            tmp_path / "a.jsonl",
            content(
                "a",
                price={"amount": "2.50", "currency": "GBP"},
                need={"pattern": "REPLENISHABLE", "days": 30},
            ),
            content("b", version=9),
        )
        summary = await bring_in(path, "contents")
        assert summary.state.sections["contents"].counts.tally["added"] == 2
        assert [(c.key, c.version) for c in catalogue.snapshot.contents] == [("a", 1), ("b", 1)]
        assert not (tmp_path / "rejects.jsonl").exists()

    async def test_bad_lines_are_rejected_with_the_field_and_the_good_ones_come_in(
        self, tmp_path, bring_in, catalogue
    ):
        path = lines(
            tmp_path / "a.jsonl",
            content("a", kind="THING"),
            content("b", colour="red"),
            {"key": "c", "kind": "PRODUCT"},
            content("d", price={"amount": "nan", "currency": "GBP"}),
            content("e", need={"pattern": "DURABLE"}),
            content("f", claims=["organic"]),
            content("g", published_at="2026-01-01T00:00:00"),
            content("h"),
        )
        await bring_in(path, "contents")
        assert [c.key for c in catalogue.snapshot.contents] == ["h"]
        found = dict(rejected(tmp_path))
        assert found[1].startswith("kind: ")
        assert found[2] == "colour: there is no such field"
        assert found[3] == "title: is missing"
        assert found[4].startswith("price.amount: ")
        assert "has a length in days" in found[5]
        assert "does not make" in found[6]
        assert found[7].startswith("published_at: ")
        assert set(found) == set(range(1, 8))

    async def test_events_are_segment_messages_and_count_once(self, tmp_path, bring_in, store):
        path = lines(
            tmp_path / "a.jsonl",
            {"type": "track", "event": "Product Viewed", "userId": "u", "properties": {"product_id": "a"}},
            {"type": "shout", "userId": "u"},
        )
        await bring_in(path, "events")
        await bring_in(path, "events", again=True)
        assert await store.db["events"].count_documents({}) == 1
        assert [line for line, _ in rejected(tmp_path)] == [2]

    async def test_brand_facts_offers_and_answers(self, tmp_path, bring_in, catalogue):
        facts = {"key": "wren", "name": "Wren", "voice": "Warm", "claims": [{"key": "c", "text": "True"}]}
        words = {"forbidden": ["cheap"], "guarded": ["climate neutral"]}
        await bring_in(lines(tmp_path / "f.jsonl", facts | words), "brand_facts")
        answers = (
            {"key": "a", "title": "T", "text": "X", "claims": ["c"]},
            {"key": "b", "title": "T", "text": ""},
            {"key": "d", "title": "T", "text": "Sent climate neutral."},
        )
        await bring_in(lines(tmp_path / "a.jsonl", *answers), "answers")
        both = {"percent_off": "10", "amount_off": {"amount": 1, "currency": "GBP"}}
        offers = (
            {"key": "o", "title": "Ten", "terms": "Once", "percent_off": 10},
            {"key": "p", "title": "Both", "terms": "Once", **both},
        )
        await bring_in(lines(tmp_path / "o.jsonl", *offers), "offers")
        assert [a.key for a in catalogue.snapshot.answers] == ["a"]
        assert [o.key for o in catalogue.snapshot.offers] == ["o"]
        assert catalogue.snapshot.house_brand == "wren"

    async def test_a_faulty_feed_is_rejected_or_on_request_kept_and_never_shown(
        self, tmp_path, bring_in, catalogue
    ):
        facts = {"key": "wren", "name": "Wren", "voice": "Warm", "forbidden": ["cheap"]}
        await bring_in(lines(tmp_path / "f.jsonl", facts), "brand_facts")
        path = lines(tmp_path / "a.jsonl", content("a", title="A cheap pot"), content("b"))
        await bring_in(path, "contents")
        assert [c.key for c in catalogue.snapshot.contents] == ["b"]
        await bring_in(path, "contents", keep_faulty=True)
        assert [c.key for c in catalogue.snapshot.contents] == ["a", "b"]
        assert catalogue.snapshot.brand_faults == {0: "forbidden_word"}

    async def test_a_file_that_changed_is_another_import_and_brings_what_is_new(
        self, tmp_path, bring_in, catalogue
    ):
        await bring_in(lines(tmp_path / "a.jsonl", content("a")), "contents")
        summary = await bring_in(lines(tmp_path / "a.jsonl", content("a"), content("b")), "contents")
        tally = summary.state.sections["contents"].counts.tally
        assert (tally["added"], tally["unchanged"]) == (1, 1)


class TestPlans:
    def test_without_mapping_it_must_be_said_what_the_lines_are(self, tmp_path):
        with pytest.raises(InvalidInput, match="--what says what the lines are"):
            make_plan(lines(tmp_path / "a.jsonl"), None, None)

    def test_an_unknown_section_is_refused_with_those_that_there_are(self, tmp_path):
        with pytest.raises(InvalidInput, match="contents, answers, events"):
            make_plan(lines(tmp_path / "a.jsonl"), None, "customers")

    def test_a_section_that_the_mapping_does_not_have_is_refused(self, tmp_path):
        path = retail_file(tmp_path / "a.parquet", [("1", "10001", "MUG", 1, "2011-07-01", 1.0, 1.0, "UK")])
        with pytest.raises(InvalidInput, match="it has: contents, events"):
            make_plan(path, RETAIL / "mapping.toml", "answers")


class TestTornGroups:
    MAPPING = """
        [[events]]
        name = "orders"
        group = "{invoice}"
        window = 2
        message = { type = "track", event = "Order Completed", messageId = "o-{invoice}", userId = "u" }
        item = { product_id = "{code}" }
    """

    @pytest.mark.parametrize("batch", [1, 1_000])
    async def test_lines_too_far_from_their_group_are_rejected_and_say_why(
        self, tmp_path, bring_in, store, monkeypatch, batch
    ):
        monkeypatch.setattr("hub.imports.runner.MOST_UNITS", batch)
        mapping = tmp_path / "m.toml"
        mapping.write_text(self.MAPPING)
        rows = [{"invoice": invoice, "code": str(at)} for at, invoice in enumerate("ABCDA")]
        summary = await bring_in(lines(tmp_path / "a.jsonl", *rows), None, mapping)
        counts = summary.state.sections["events"].counts
        assert (counts.imported, counts.merged, counts.rejected) == (4, 0, 1)
        assert rejected(tmp_path)[0][0] == 5
        assert "the first part began in line 1" in rejected(tmp_path)[0][1]
        kept = await store.db["events"].find_one({"_id": "o-A"})
        assert [item["key"] for item in kept["items"]] == ["0"]


async def test_a_store_that_stops_answering_is_told_and_running_again_completes(
    tmp_path, importer, progress, catalogue, store, monkeypatch
):
    path = lines(tmp_path / "a.jsonl", *({"type": "page", "userId": f"u{n}", "name": "x"} for n in range(30)))
    monkeypatch.setattr("hub.imports.runner.MOST_UNITS", 10)
    record, calls = importer._ingest.record, 0

    async def failing(messages, *, source):
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Unavailable("the store does not answer")
        return await record(messages, source=source)

    monkeypatch.setattr(importer._ingest, "record", failing)
    plan = make_plan(path, None, "events")
    with pytest.raises(Unavailable):
        await importer.bring_in(plan, tmp_path / "r.jsonl", progress=progress)
    assert await store.db["events"].count_documents({}) == 10
    summary = await importer.bring_in(plan, tmp_path / "r.jsonl", progress=progress)
    assert summary.state.sections["events"].counts.tally == {"recorded": 30, "there already": 0}
    assert calls == 4


@pytest.mark.model
async def test_an_import_killed_with_9_again_and_again_completes_to_the_same_state(tmp_path, settings, store):
    days = [f"2011-07-{day:02} 09:00:00" for day in range(1, 29)]
    rows = [
        (
            f"{n // 20}",
            f"{10_000 + n * 7 % 40}",
            f"ITEM {n * 7 % 40}",
            1 + n % 3,
            days[n // 20 % 28],
            2.5,
            None if n % 100 < 20 else 1.0 + n // 20 % 60,
            "UK",
        )
        for n in range(24_000)
    ]
    path = retail_file(tmp_path / "retail.parquet", rows)
    assert len(rows[0]) == len(COLUMNS)
    uri = settings.mongodb_uri.get_secret_value()
    environment = os.environ | {
        "TUTTI_MONGODB_URI": uri,
        "TUTTI_DATABASE": settings.database,
        "TUTTI_DATA_DIR": str(tmp_path),
    }

    async def start():
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "hub",
            "import",
            str(path),
            "--mapping",
            str(RETAIL / "mapping.toml"),
            cwd=tmp_path,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def under_way(position: int) -> bool:
        kept = await store.db["imports"].find_one({})
        events = next((s for s in kept["sections"] if s["name"] == "events"), None) if kept else None
        return events is not None and events["position"] >= position

    kills = 0
    for position in (1, 15_000):
        process = await start()
        while process.returncode is None and not await under_way(position):
            await asyncio.sleep(0.01)
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        await process.wait()
    assert kills >= 1
    assert (await store.db["imports"].find_one({}))["state"] == "under way"

    process = await start()
    output, _ = await process.communicate()
    assert process.returncode == 0
    assert "24,000" in output.decode()
    kept = await store.db["imports"].find_one({})
    assert kept["state"] == "done"
    events = next(s for s in kept["sections"] if s["name"] == "events")
    assert (events["imported"] + events["merged"], events["rejected"]) == (24_000, 0)
    assert await store.db["events"].count_documents({"event": "Order Completed"}) == 1_200
    assert await store.db["events"].count_documents({"projected": False}) == 0
    sold = await (
        await store.db["events"].aggregate(
            [{"$unwind": "$items"}, {"$group": {"_id": 0, "n": {"$sum": "$items.quantity"}}}]
        )
    ).to_list()
    assert sold[0]["n"] == sum(row[3] for row in rows)
    assert await store.db["profiles"].count_documents({}) == 60 - 60 // 5 + 1_200 // 5
