"""Items of what was served: told by the row's listing, and the rest read from the body, once somebody asks."""

from dataclasses import replace

import pytest

from hub.catalogue.model import Content
from hub.kit.canonical import canonical
from hub.ledger.items import contents_of, items_of, listing_of, spelled_out
from hub.ledger.model import ServedScore, ServedVariety
from tests.ledger.test_ledger import ledger, served  # noqa: F401 - a fixture


def listed(**given):
    row = served(**given)
    told = [
        (item.slot, item.position, item.score, Content(key=item.content.key, kind=item.content.kind,
         title=item.content.title), item.why.sentence)
        for item in items_of(row)
    ]  # fmt: skip
    order = {"second": 0, "first": 1}  # the body's
    return replace(row, listing=listing_of(sorted(told, key=lambda each: order[each[0]]), html=False))


def told(row):
    return [
        (i.position, i.slot, i.content.key, i.content.title, i.content.version, i.score, i.why.sentence)
        for i in items_of(row)
    ]


class TestListing:
    def test_it_tells_what_the_body_tells(self):
        row = listed()
        assert told(row) == told(replace(row, listing=None))
        assert [item.content.key for item in items_of(row)] == ["teapot", "kettle", "mug"]

    def test_titles_and_sentences_need_no_body(self):
        row = replace(listed(), body=b"not parsed")
        assert next((i.content.title, i.why.sentence) for i in items_of(row)) == (
            "Teapot",
            "Because of teapot",
        )
        assert row.html is None

    def test_what_it_does_not_tell_is_read_from_the_body(self):
        item = items_of(listed())[1]
        assert str(item.content.price) == "9.50 GBP"
        assert item.why.contributions[0].contribution == 0.2
        assert item.why.variety is None
        assert item.content == contents_of(listed())["kettle"]
        assert item.content == items_of(served())[1].content
        assert item.content != items_of(served())[0].content
        with pytest.raises(AttributeError):
            _ = item.content.colour

    def test_a_row_of_a_release_that_kept_columns_tells_the_parts_by_its_mix(self):
        why = {
            "sentence": "Because of teapot",
            "scores": [0.4, -1],
            "ranks_before": [2, 7],
            "rank_after": 1,
            "variety": {"rank_by_score": 1, "closest_key": None, "similarity": 0.0},
        }
        content = served().told[1][1]["content"]
        told = [{"position": 1, "score": 0.14, "content": content, "why": why}]
        mix = [["base", 0.5], ["needs", 1]]
        row = served(body=canonical({"format": 2, "mix": mix, "slots": [{"key": "first", "items": told}]}))
        (item,) = items_of(row)
        assert item.why.contributions == (
            ServedScore("base", 0.5, 0.4, 0.2, 2, 1),
            ServedScore("needs", 1.0, -1.0, -1.0, 7, 1),
        )
        assert item.why.variety == ServedVariety(1, None, 0.0)
        (shown,) = spelled_out(row)["slots"][0]["items"]
        assert shown["why"] == {
            "sentence": "Because of teapot",
            "variety": why["variety"],
            "contributions": [
                {"layer": "base", "weight": 0.5, "score": 0.4, "contribution": 0.2, "rank_before": 2, "rank_after": 1},
                {"layer": "needs", "weight": 1.0, "score": -1.0, "contribution": -1.0, "rank_before": 7, "rank_after": 1},
            ],
        }  # fmt: skip

    def test_spelled_out_a_row_of_before_is_as_it_was(self):
        assert spelled_out(served()) == served().content

    def test_contents_are_whole_and_by_position(self):
        found = contents_of(listed())
        assert list(found) == ["teapot", "kettle", "mug"]
        assert all(isinstance(content, Content) for content in found.values())


class TestInTheStore:
    async def test_it_comes_back_and_a_change_of_it_breaks_the_chain(self, ledger, store):  # noqa: F811
        rows = [listed(), listed(), served()]
        for row in rows:
            await ledger.record(row)
        assert [await ledger.get(row.id) for row in rows] == rows
        assert (await ledger.verify()).faults == ()
        forged = (await store.db["served"].find_one({"seq": 1}))["listing"] + b" "
        await store.db["served"].update_one({"seq": 2}, {"$set": {"listing": forged}})
        await store.db["served"].update_one({"seq": 1}, {"$unset": {"listing": ""}})
        await store.db["served"].update_one({"seq": 3}, {"$set": {"listing": forged}})
        assert [fault.seq for fault in (await ledger.verify()).faults] == [1, 2, 3]
