"""Choosing for somebody else: the giver's profile has no part in it, and none of it stays in the profile."""

from datetime import timedelta
from decimal import Decimal

import orjson
import pytest

from hub.channels.recipients import WORDS_UNREAD
from hub.consent.recipient import Recipient
from hub.decisions.choices import between, parse_choice
from hub.errors import InvalidInput, Unavailable
from tests.channels.house import CONTENTS
from tests.channels.hub import open_hub

GIFT = "gift_for_a_friend"


@pytest.fixture
async def hub(store, clock, settings):
    return await open_hub(store, clock, settings)


def order(key, **given):
    return {
        "type": "track", "event": "Order Completed",
        "properties": {"order_id": key, "products": [{"product_id": key, "quantity": 1, **given}]},
    }  # fmt: skip


async def ranked(hub, scenario=GIFT, **given):
    found = await hub.assemble(scenario=scenario, preview=True, **given)
    return found.decision, [content.key for content in found.decision.ranking.contents]


PRODUCTS = [c for c in CONTENTS if c.price is not None]


@pytest.mark.mongod
class TestForSomebodyElse:
    async def test_the_giver_has_no_part(self, hub):
        stranger, before = await ranked(hub)
        for content in PRODUCTS[:3]:
            await hub.send(order(content.key))
            await hub.send(
                {"type": "track", "event": "Product Added", "properties": {"product_id": content.key}}
            )
        hub.clock.instant += timedelta(days=1)  # the visit is over
        decision, after = await ranked(hub)
        assert after == before
        assert (decision.moment.key, stranger.moment.key) == ("gift", "gift")
        assert not {r.rule for r in decision.removed} & {
            "bought_once",
            "still_lasting",
            "not_yet_run_out",
            "in_cart",
        }

    async def test_what_was_said_of_them_leads_and_is_told(self, hub):
        target = PRODUCTS[-1]
        word = target.title
        decision, keys = await ranked(hub, recipient=Recipient(words=f"{word}, not {PRODUCTS[0].title}"))
        assert keys.index(target.key) < keys.index(PRODUCTS[0].key)
        item = decision.ranking.first(len(keys))[keys.index(target.key)]
        assert item.why.sentence == f"Because you said '{word.lower()}'"

    async def test_what_would_suit_leads_too(self, hub):
        target = PRODUCTS[-1].key
        _, keys = await ranked(hub, recipient=Recipient(like=(target, "there-is-no-such-thing")))
        assert keys[0] == target

    async def test_a_budget_is_kept_to(self, hub):
        prices = sorted(c.price.amount for c in PRODUCTS)
        least, most = prices[1], prices[-2]
        decision, keys = await ranked(hub, chosen=(between(least, most, beforehand=True),))
        found = {c.key: c.price.amount for c in PRODUCTS}
        assert keys
        assert all(least <= found[key] <= most for key in keys)
        assert "not_asked_for" in {r.rule for r in decision.removed}

    async def test_what_the_giver_hid_stays_hidden(self, hub):
        key = PRODUCTS[0].key
        await hub.send(
            {"type": "track", "event": "Feedback Given", "properties": {"kind": "HIDE", "content_key": key}}
        )
        assert key not in (await ranked(hub))[1]

    async def test_serving_touches_the_ledger_and_not_the_profile(self, hub):
        await hub.send(order(PRODUCTS[0].key))
        before = await hub.store.db["profiles"].find({}).to_list()
        served = await hub.assemble(scenario=GIFT, recipient=Recipient(words="roses"))
        assert await hub.store.db["profiles"].find({}).to_list() == before
        assert served.served_id is not None
        assert served.decision.profile_id == before[0]["_id"]

    async def test_in_any_scenario_when_asked(self, hub):
        await hub.send(order(PRODUCTS[0].key))
        decision, _ = await ranked(hub, scenario="home", recipient=Recipient(words="roses"))
        assert decision.moment.key == "gift"

    async def test_words_that_cannot_be_read_in_time_have_no_part_and_it_is_said(self, hub, monkeypatch):
        async def gone(*_args, **_given):
            raise Unavailable("no encoder")

        monkeypatch.setattr(hub.experiences._words, "vectors", gone)
        decision, keys = await ranked(hub, recipient=Recipient(words="roses"))
        assert keys
        assert decision.degraded == WORDS_UNREAD

    async def test_what_is_bought_for_them_closes_and_wakes_nothing(self, hub):
        before = (await ranked(hub, scenario="home"))[1]
        for content in PRODUCTS:
            await hub.send(order(content.key, gift=True))
        decision, after = await ranked(hub, scenario="home")
        assert set(after) == set(before)
        assert decision.moment.key != "just_bought"
        assert "suppression" not in {r.gate for r in decision.removed}

    def test_too_many_words_are_refused(self):
        with pytest.raises(InvalidInput) as refusal:
            Recipient(words="x" * 501).check(("recipient",))
        assert (refusal.value.kind, refusal.value.path) == ("TOO_LONG", ("recipient", "words"))
        with pytest.raises(InvalidInput):
            Recipient(like=("a",) * 11).check(("recipient",))


@pytest.mark.mongod
class TestGuided:
    async def test_what_was_asked_and_answered_is_in_the_ledger(self, hub):
        first = await hub.assemble(scenario="guided_choice")
        question = first.decision.question
        answer = question.options[0].key
        second = await hub.assemble(scenario="guided_choice", chosen=(parse_choice(answer),))
        rows = [orjson.loads((await hub.ledger.get(each.served_id)).body) for each in (first, second)]
        assert rows[0]["question"]["text"] == question.text
        assert "chosen" not in rows[0]
        assert rows[1]["chosen"] == [answer]
        assert Decimal(rows[1]["ranked"]) <= rows[0]["ranked"]
