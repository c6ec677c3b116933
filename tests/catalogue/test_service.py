"""Putting entries, refreshing the snapshot and paging through it, on a real store."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from hub.catalogue.model import Answer, BrandFacts, Claim, Content, ContentKind, Need, NeedPattern, Offer
from hub.catalogue.putting import ATTEMPTS, PutResult
from hub.catalogue.repository import MOST_TOLD, REMEMBERED, STALE, CatalogueRepository
from hub.catalogue.service import CatalogueService
from hub.errors import Conflict, InvalidInput
from hub.kit.money import Money

pytestmark = pytest.mark.mongod


def content(key: str, title: str = "A rose", **fields) -> Content:
    return Content(key=key, kind=ContentKind.PRODUCT, title=title, **fields)


FULL = content(
    "rose",
    price=Money(Decimal("12.50"), "GBP"),
    need=Need(NeedPattern.DURABLE, 3650),
    tags=("red", "climbing"),
    goes_with=("garden/tools",),
)
WREN = BrandFacts(key="wren", name="Wren", voice="Warm", claims=(Claim("c", "True"),), forbidden=("cheap",))


class TestPutting:
    async def test_what_is_put_is_in_the_snapshot_as_it_was(self, catalogue):
        assert await catalogue.put_contents([FULL]) == PutResult(added=1)
        assert catalogue.snapshot.contents == (FULL,)

    async def test_putting_the_same_again_changes_nothing(self, catalogue, store):
        await catalogue.put_contents([FULL, content("b")])
        announced = await store.db["versions"].find_one({"_id": "catalogue"})
        assert await catalogue.put_contents([FULL, content("b")]) == PutResult(unchanged=2)
        assert await store.db["versions"].find_one({"_id": "catalogue"}) == announced

    async def test_an_equal_price_in_another_spelling_is_no_change(self, catalogue):
        await catalogue.put_contents([FULL])
        respelled = replace(FULL, price=Money(Decimal("12.5"), "GBP"))
        assert await catalogue.put_contents([respelled]) == PutResult(unchanged=1)

    async def test_a_change_is_a_new_version_and_the_old_one_stays_in_history(self, catalogue, store):
        await catalogue.put_contents([content("a", "One")])
        assert await catalogue.put_contents([content("a", "Two")]) == PutResult(changed=1)
        assert [(c.title, c.version) for c in catalogue.snapshot.contents] == [("Two", 2)]
        kept = await store.db["history"].find({}).to_list()
        assert [(h["_id"], h["was"]["title"]) for h in kept] == [("contents:a:1", "One")]

    async def test_of_two_with_one_key_the_later_counts(self, catalogue):
        assert await catalogue.put_contents([content("a", "One"), content("a", "Two")]) == PutResult(added=1)
        assert catalogue.snapshot.contents[0].title == "Two"

    async def test_the_version_that_a_caller_says_does_not_count(self, catalogue):
        await catalogue.put_contents([content("a", version=7)])
        assert catalogue.snapshot.contents[0].version == 1

    async def test_only_what_changed_is_embedded(self, catalogue, drawn):
        await catalogue.put_contents([content("a", "One"), content("b", "Two")])
        drawn.asked.clear()
        await catalogue.put_contents([content("a", "One"), content("b", "Three")])
        assert set(drawn.asked) == {"Three"}

    async def test_a_claim_that_changes_is_a_new_version_of_that_claim_alone(self, catalogue):
        two = replace(WREN, claims=(Claim("c", "True"), Claim("d", "Also")))
        await catalogue.put_brand_facts([two])
        await catalogue.put_brand_facts([replace(two, claims=(Claim("c", "Truer"), Claim("d", "Also")))])
        claims = catalogue.snapshot.facts["wren"].claims
        assert [(c.key, c.version) for c in claims] == [("c", 2), ("d", 1)]

    async def test_an_offer_for_a_moment_that_there_is_not_is_refused(self, store, drawn, clock):
        catalogue = CatalogueService(store, drawn, clock, moments=("birthday",))
        fit = Offer(key="o", title="Ten", terms="Once", moments=("birthday",))
        with pytest.raises(InvalidInput) as caught:
            await catalogue.put_offers([fit, replace(fit, key="p", moments=("birthday", "brithday"))])
        assert (caught.value.path, caught.value.kind) == ((1, "moments", 1), "UNKNOWN_MOMENT")
        assert await store.db["offers"].count_documents({}) == 0
        assert await catalogue.put_offers([fit]) == PutResult(added=1)

    async def test_a_claim_not_made_is_refused_and_nothing_is_written(self, catalogue, store):
        await catalogue.put_brand_facts([WREN])
        with pytest.raises(InvalidInput) as caught:
            await catalogue.put_contents([content("a"), content("b", claims=("organic",))])
        assert caught.value.path == (1, "claims", 0)
        assert await store.db["contents"].count_documents({}) == 0

    async def test_an_answer_with_a_forbidden_word_is_refused_and_nothing_is_written(self, catalogue, store):
        await catalogue.put_brand_facts([WREN])
        with pytest.raises(InvalidInput):
            await catalogue.put_answers([Answer(key="a", title="Price", text="So cheap")])
        assert await store.db["answers"].count_documents({}) == 0

    async def test_content_comes_to_break_a_rule_when_the_facts_change(self, catalogue):
        await catalogue.put_brand_facts([WREN])
        await catalogue.put_contents(
            [content("a", claims=("c",)), content("b", "Cheap pot")], keep_faulty=True
        )
        assert dict(catalogue.snapshot.brand_faults) == {1: "forbidden_word"}
        await catalogue.put_brand_facts([replace(WREN, claims=(), forbidden=())])
        assert dict(catalogue.snapshot.brand_faults) == {0: "unknown_claim"}

    async def test_offers_keep_the_traits_of_their_audience_whatever_their_names(self, catalogue):
        offer = Offer(
            key="o", title="Ten off", terms="Once", percent_off=Decimal(10), audience={"a.b$c": "gold"}
        )
        await catalogue.put_offers([offer])
        assert catalogue.snapshot.offers == (offer,)

    async def test_many_writers_at_once_lose_nothing(self, catalogue, other, store):
        writers = ATTEMPTS // 2 * 2
        await asyncio.gather(
            *(
                service.put_contents([content(f"{i}", f"Title {n}") for i in range(5)], refresh=False)
                for n, service in enumerate([catalogue, other] * (writers // 2))
            )
        )
        await catalogue.refresh()
        kept = [document async for document in store.db["history"].find()]
        for now in catalogue.snapshot.contents:
            before = {d["version"]: d["was"]["title"] for d in kept if d["key"] == now.key}
            assert sorted(before) == list(range(1, now.version))  # a writer that met another wrote again
            assert {now.title, *before.values()} == {f"Title {n}" for n in range(writers)}

    async def test_a_writer_that_was_overtaken_is_refused(self, catalogue, store, clock):
        await catalogue.put_contents([content("a", "One")])
        old = catalogue.snapshot.contents[0]
        await catalogue.put_contents([content("a", "Two")])
        with pytest.raises(Conflict):
            await CatalogueRepository(store.db).write(
                [], [(old, replace(old, title="Three", version=2))], clock.now()
            )


class TestRefreshing:
    async def test_an_empty_store_gives_an_empty_catalogue_that_works(self, catalogue):
        assert await catalogue.refresh() is False
        assert len(catalogue.snapshot) == 0
        assert (await catalogue.page(5)).nodes == ()

    async def test_another_process_sees_a_change_when_it_refreshes(self, catalogue, other):
        await catalogue.put_contents([content("a")])
        assert await other.refresh() is True
        assert other.snapshot.version == catalogue.snapshot.version
        assert await other.refresh() is False

    async def test_the_same_entries_make_the_same_version(self, catalogue, other, store, clock):
        await catalogue.put_contents([content("a")])
        await other.refresh()
        before = other.snapshot.version
        await catalogue.put_contents([content("b")])
        await store.db["contents"].delete_one({"_id": "b"})
        await CatalogueRepository(store.db).announce(clock.now())
        await other.refresh()
        assert other.snapshot.version == before
        assert [c.key for c in other.snapshot.contents] == ["a"]

    async def test_following_reads_what_changed_and_nothing_else(self, catalogue, other, monkeypatch):
        await catalogue.put_contents([content("a"), content("b")])
        await other.refresh()

        async def never(*_of):
            raise AssertionError("everything was read")

        monkeypatch.setattr(CatalogueRepository, "versions_of", never)
        monkeypatch.setattr(CatalogueRepository, "get_all", never)
        await catalogue._putting.put(
            Content, [content("b", "Two"), content("c")], lambda c: (c.embedding_text,)
        )
        await catalogue._putting.put(
            Answer, [Answer(key="q", title="When?", text="Now.")], lambda a: (a.title,)
        )
        await other.refresh()
        assert [(c.key, c.title) for c in other.snapshot.contents] == [
            ("a", "A rose"), ("b", "Two"), ("c", "A rose"),
        ]  # fmt: skip
        assert [answer.key for answer in other.snapshot.answers] == ["q"]

    async def test_a_word_about_something_else_does_not_silence_what_a_dead_process_wrote(
        self, catalogue, other, store, clock
    ):
        await catalogue.put_contents([content("a")])
        await other.refresh()
        repository = CatalogueRepository(store.db)
        await repository.open_intent(clock.now())
        await repository.write([content("b")], [], clock.now())  # and its process dies here
        clock.instant += STALE + timedelta(seconds=1)
        await repository.announce(clock.now(), changed=(Content, ["a"]))
        await other.refresh()
        await other.repair()
        assert [c.key for c in other.snapshot.contents] == ["a", "b"]
        assert not await repository.left_over(clock.now(), younger=True)

    @pytest.mark.parametrize(
        "announced", ["more than is remembered", "too many keys", "by an earlier version"]
    )
    async def test_who_cannot_know_what_changed_looks_at_everything(
        self, catalogue, other, store, clock, announced
    ):
        repository = CatalogueRepository(store.db)
        await catalogue.put_contents([content("a")])
        await other.refresh()
        if announced == "more than is remembered":
            await repository.write([content("b")], [], clock.now())
            for _ in range(REMEMBERED + 1):
                await repository.announce(clock.now(), changed=(Content, ["a"]))
        elif announced == "too many keys":
            await catalogue.put_contents([content(f"b{n}") for n in range(MOST_TOLD + 1)])
        else:
            await repository.write([content("b")], [], clock.now())
            await store.db["versions"].update_one({"_id": "catalogue"}, {"$set": {"version": "cat_older"}})
        await other.refresh()
        assert len(other.snapshot) == (MOST_TOLD + 2 if announced == "too many keys" else 2)

    async def test_what_was_taken_away_is_gone_after_a_word_about_it(self, catalogue, other, store, clock):
        await catalogue.put_contents([content("a"), content("b")])
        await other.refresh()
        await store.db["contents"].delete_one({"_id": "a"})
        await CatalogueRepository(store.db).announce(clock.now(), changed=(Content, ["a"]))
        await other.refresh()
        assert [c.key for c in other.snapshot.contents] == ["b"]

    async def test_a_snapshot_that_somebody_holds_never_changes(self, catalogue):
        await catalogue.put_contents([content("a", "One")])
        held = catalogue.snapshot
        await catalogue.put_contents([content("a", "Two"), content("b")])
        assert [c.title for c in held.contents] == ["One"]
        assert len(held.vectors) == 1

    async def test_a_watching_process_sees_a_change_within_a_second(self, catalogue, other):
        watching = asyncio.create_task(other.watch())
        try:
            await asyncio.sleep(0.3)
            await catalogue.put_contents([content("a")])
            async with asyncio.timeout(1):
                while other.snapshot.version != catalogue.snapshot.version:
                    await asyncio.sleep(0.01)
        finally:
            watching.cancel()

    async def test_what_a_dead_writer_left_unannounced_is_announced_for_it(
        self, catalogue, other, store, clock
    ):
        await catalogue.put_contents([content("a")])
        await other.refresh()
        repository = CatalogueRepository(store.db)
        await repository.open_intent(clock.now())
        await repository.write([content("b")], [], clock.now())
        assert await other.refresh() is False

        assert await catalogue.put_contents([content("b")]) == PutResult(unchanged=1)
        assert await other.refresh() is True
        assert [c.key for c in other.snapshot.contents] == ["a", "b"]

    async def test_a_watcher_repairs_after_a_dead_writer_by_itself(self, catalogue, store, clock):
        repository = CatalogueRepository(store.db)
        await repository.open_intent(clock.now())
        await repository.write([content("b")], [], clock.now())
        await catalogue.refresh()
        clock.instant += STALE + timedelta(seconds=1)
        await catalogue.repair()
        assert not await repository.left_over(clock.now(), younger=True)


class TestPaging:
    async def test_pages_follow_each_other_by_key(self, catalogue):
        await catalogue.put_contents([content(key) for key in "cabed"])
        first = await catalogue.page(2)
        second = await catalogue.page(2, first.page_info.end_cursor)
        third = await catalogue.page(2, second.page_info.end_cursor)
        assert ["".join(c.key for c in page.nodes) for page in (first, second, third)] == ["ab", "cd", "e"]
        assert [page.page_info.has_next_page for page in (first, second, third)] == [True, True, False]
        assert first.total_count == 5

    async def test_a_cursor_holds_when_what_it_points_behind_is_gone_or_new_comes(self, catalogue, store):
        await catalogue.put_contents([content(key) for key in "abd"])
        cursor = (await catalogue.page(2)).page_info.end_cursor
        await store.db["contents"].delete_one({"_id": "b"})
        await catalogue.put_contents([content("c")])
        assert [c.key for c in (await catalogue.page(5, cursor)).nodes] == ["c", "d"]

    async def test_a_search_puts_the_nearest_in_meaning_first(self, catalogue):
        await catalogue.put_contents([content(key, f"Title {key}") for key in "abcde"])
        assert (await catalogue.page(1, search=" Title c ")).nodes[0].key == "c"

    @pytest.mark.parametrize(
        ("arguments", "path"),
        [
            ({"first": -1}, "first"),
            ({"first": 201}, "first"),
            ({"first": 1, "after": "no cursor"}, "after"),
            ({"first": 1, "after": "!", "search": "x"}, "after"),
            ({"first": 1, "search": "x" * 501}, "search"),
        ],
    )
    async def test_impossible_arguments_are_refused_by_name(self, catalogue, arguments, path):
        with pytest.raises(InvalidInput) as caught:
            await catalogue.page(**arguments)
        assert caught.value.path == (path,)
