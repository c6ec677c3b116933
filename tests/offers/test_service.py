import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from hub.catalogue.intake import parse_entry
from hub.errors import Conflict, InvalidInput, NotFound
from hub.kit.ids import new_code, normal_code
from hub.offers.model import Account, GrantState
from hub.offers.service import OfferService
from tests.builders import NOW
from tests.offers.rooms import customer, gbp, make_offer, open_till

ADA, BOB = customer("prf_ada"), customer("prf_bob")


@pytest.fixture
async def till(store, clock):
    made = await open_till(store, clock)
    await made.know(ADA, BOB)
    yield made
    await made.offers.close()
    assert await made.offers.audit() == ()


async def refused(call, kind, code, till):
    before = await till.dump()
    with pytest.raises(kind) as refusal:
        await call
    assert refusal.value.kind == code
    assert await till.dump() == before
    return refusal.value


class TestIssuing:
    async def test_a_grant_keeps_the_offer_as_it_was_promised(self, till):
        await till.define(make_offer(amount_off=gbp("5"), valid_until=NOW + timedelta(days=9), lasts_days=3))
        made = await till.offers.grant(ADA, "tenth", channel="EMAIL")
        assert (made.state, made.channel, made.profile_id) == (GrantState.ISSUED, "EMAIL", "prf_ada")
        assert made.expires_at == NOW + timedelta(days=3)
        await till.define(make_offer(amount_off=gbp("1"), terms="Less.", version=2))
        kept = await till.offers.get(code=made.code.lower())
        assert kept == made
        assert kept.offer.amount_off == gbp("5")
        await till.store.db["offers"].delete_many({})
        standing = await till.offers.standing(ADA, (), NOW)
        assert standing.live == {"tenth": made}

    async def test_what_a_customer_holds_is_what_they_are_promised_again(self, till):
        await till.define(offer := make_offer(per_person=1, amount_off=gbp("5")))
        first = await till.offers.promise(ADA, [offer], channel="EMAIL", at=NOW)
        again = await till.offers.promise(ADA, [offer], channel="WEB", at=NOW + timedelta(hours=1))
        assert first == again
        assert first["tenth"].channel == "EMAIL"

    async def test_one_key_issues_once_and_for_one_call(self, till):
        await till.define(make_offer(), make_offer("other"))
        first = await till.offers.grant(ADA, "tenth", channel="WEB", key="k1")
        assert await till.offers.grant(ADA, "tenth", channel="WEB", key="k1") == first
        await refused(till.offers.grant(BOB, "tenth", channel="WEB", key="k1"), Conflict, "KEY_USED", till)
        await refused(till.offers.grant(ADA, "other", channel="WEB", key="k1"), Conflict, "KEY_USED", till)
        assert (await till.offers.grant(ADA, "tenth", channel="WEB")).id != first.id
        await refused(
            till.offers.grant(ADA, "tenth", channel="WEB", key=" "), InvalidInput, "INVALID_INPUT", till
        )

    async def test_what_cannot_be_issued_says_why_and_changes_nothing(self, till):
        await till.define(
            make_offer("once", per_person=1),
            make_offer("spent", most_grants=0),
            make_offer("dear", amount_off=gbp("5"), budget=gbp("4.99")),
            make_offer("over", valid_until=NOW),
            make_offer("gold", audience={"tier": "gold"}),
        )
        await till.offers.grant(ADA, "once", channel="WEB")
        for key, kind, code in (
            ("nothing", NotFound, "UNKNOWN_OFFER"),
            ("once", Conflict, "PER_PERSON"),
            ("spent", Conflict, "BUDGET_SPENT"),
            ("dear", Conflict, "BUDGET_SPENT"),
            ("over", Conflict, "OFFER_NOT_VALID"),
            ("gold", Conflict, "NOT_ELIGIBLE"),
        ):
            call = till.offers.grant(ADA, key, channel="WEB")
            await refused(call, kind, code, till)
        gold = customer("prf_ada", tier="gold")
        assert (await till.offers.grant(gold, "gold", channel="WEB")).state is GrantState.ISSUED

    @pytest.mark.parametrize(
        ("value", "wanted"),
        [(True, "true"), (False, "false"), (5, "5"), (5.0, "5"), (2.5, "2.5"), ("5", "5")],
    )
    async def test_an_audience_is_asked_for_as_json_writes_it(self, till, value, wanted):
        await till.define(make_offer("theirs", audience={"club": wanted}))
        member = customer("prf_ada", club=value)
        assert (await till.offers.grant(member, "theirs", channel="WEB")).state is GrantState.ISSUED
        for other in (customer("prf_bob"), customer("prf_cy", club="None"), customer("prf_di", club=7)):
            await refused(till.offers.grant(other, "theirs", channel="WEB"), Conflict, "NOT_ELIGIBLE", till)

    async def test_what_the_brand_may_not_say_any_more_is_granted_by_nobody(self, till):
        await till.define(make_offer())
        careful = OfferService(till.store, till.clock, lambda _: "forbidden_word")
        await refused(careful.grant(ADA, "tenth", channel="WEB"), Conflict, "OFFER_NOT_VALID", till)
        assert await careful.promise(ADA, [make_offer()], channel="WEB", at=NOW) == {}
        held = await till.offers.grant(ADA, "tenth", channel="WEB")
        assert (await careful.redeem(code=held.code)).state is GrantState.REDEEMED

    async def test_a_household_shares_its_cap(self, till):
        await till.define(make_offer(per_household=1))
        ada, bob = customer("prf_ada", household_id="h1"), customer("prf_bob", household_id="h1")
        await till.offers.grant(ada, "tenth", channel="WEB")
        await refused(till.offers.grant(bob, "tenth", channel="WEB"), Conflict, "PER_HOUSEHOLD", till)
        standing = await till.offers.standing(bob, [make_offer(per_household=1)], NOW)
        assert standing.closed == {"tenth": "per_household"}
        elsewhere = customer("prf_cy", household_id="h2")
        await till.offers.grant(elsewhere, "tenth", channel="WEB")

    async def test_many_at_once_stop_at_the_budget_and_share_transactions(self, till):
        await till.define(offer := make_offer(amount_off=gbp("5"), budget=gbp("52"), per_person=1))
        crowd = [customer(f"prf_{n}") for n in range(40)]
        results = await asyncio.gather(
            *(till.offers.promise(each, [offer], channel="WEB", at=NOW) for each in (*crowd, *crowd))
        )
        assert sum(bool(result) for result in results) >= 10
        assert len({result["tenth"].id for result in results if result}) == 10
        assert till.offers.issuer.transactions <= 3
        standing = await till.offers.standing(customer("prf_late"), [offer], NOW)
        assert standing.closed == {"tenth": "budget_spent"}

    async def test_processes_beside_each_other_stop_at_the_same_budget(self, till):
        await till.define(offer := make_offer(most_grants=7, per_person=1))
        others = [await open_till(till.store, till.clock) for _ in range(4)]
        await asyncio.gather(
            *(
                other.offers.promise(customer(f"prf_{n % 15}"), [offer], channel="WEB", at=NOW)
                for n in range(30)
                for other in (others[n % 4],)
            )
        )
        grants = await till.store.db["grants"].find({}).to_list()
        assert len(grants) == 7
        assert len({grant["profile_id"] for grant in grants}) == 7


class TestMergedCustomers:
    async def test_the_cap_is_counted_over_former_ids_even_by_a_caller_who_does_not_know(self, till):
        await till.define(make_offer(per_person=1))
        held = await till.offers.grant(BOB, "tenth", channel="WEB")
        merged = await till.link(BOB, ADA)
        for stale in (ADA, BOB, merged):
            await refused(till.offers.grant(stale, "tenth", channel="WEB"), Conflict, "PER_PERSON", till)
        assert (await till.offers.standing(merged, [], NOW)).live == {"tenth": held}
        assert (await till.offers.redeem(code=held.code, profile=ADA)).state is GrantState.REDEEMED

    async def test_a_merge_that_is_only_noted_counts_already(self, till):
        await till.define(make_offer(per_person=1))
        await till.offers.grant(BOB, "tenth", channel="WEB")
        await till.store.db["profiles"].update_one({"_id": "prf_bob"}, {"$set": {"merged_into": "prf_ada"}})
        await refused(till.offers.grant(ADA, "tenth", channel="WEB"), Conflict, "PER_PERSON", till)

    async def test_who_turns_out_to_hold_two_uses_one(self, till):
        await till.define(make_offer(per_person=1))
        one = await till.offers.grant(ADA, "tenth", channel="WEB")
        two = await till.offers.grant(BOB, "tenth", channel="EMAIL")
        merged = await till.link(BOB, ADA)
        await till.offers.redeem(grant_id=one.id)
        await refused(till.offers.redeem(grant_id=two.id), Conflict, "PER_PERSON", till)
        assert (await till.offers.standing(merged, [], NOW)).live == {}
        await till.unlink(BOB, ADA)
        assert (await till.offers.redeem(grant_id=two.id, profile=BOB)).state is GrantState.REDEEMED


class TestRedeeming:
    @pytest.fixture
    async def held(self, till):
        await till.define(make_offer(amount_off=gbp("5"), lasts_days=3))
        return await till.offers.grant(ADA, "tenth", channel="EMAIL")

    async def test_it_is_used_once_and_the_same_key_is_answered_alike(self, till, held):
        used = await till.offers.redeem(code=held.code, profile=ADA, key="r1", order_id="o1")
        assert (used.state, used.redeemed_at, used.order_id) == (GrantState.REDEEMED, NOW, "o1")
        before = await till.dump()
        assert await till.offers.redeem(code=held.code, key="r1") == used
        assert await till.dump() == before
        for again in ({"key": None}, {"key": "r2"}):
            await refused(till.offers.redeem(code=held.code, **again), Conflict, "ALREADY_REDEEMED", till)
        other = await till.offers.grant(BOB, "tenth", channel="WEB")
        await refused(till.offers.redeem(grant_id=other.id, key="r1"), Conflict, "KEY_USED", till)
        call = till.offers.redeem(code=held.code, key="r1", order_id="o2")
        await refused(call, Conflict, "KEY_USED", till)

    async def test_what_is_wrong_is_said_and_changes_nothing(self, till, held):
        await refused(till.offers.redeem(code=held.code, profile=BOB), InvalidInput, "GRANT_OF_ANOTHER", till)
        await refused(till.offers.redeem(code="NOPE-NOPE"), NotFound, "UNKNOWN_GRANT", till)
        await refused(till.offers.redeem(), InvalidInput, "GRANT_MISSING", till)
        await refused(till.offers.redeem(grant_id="a", code="b"), InvalidInput, "GRANT_MISSING", till)
        for order in ("", "o" * 201):
            call = till.offers.redeem(code=held.code, order_id=order)
            await refused(call, InvalidInput, "INVALID_INPUT", till)
        call = till.offers.reverse(held.id, reason="r" * 1_001)
        await refused(call, InvalidInput, "TOO_LONG", till)
        till.clock.instant = NOW + timedelta(days=3)
        await refused(till.offers.redeem(code=held.code), Conflict, "GRANT_EXPIRED", till)

    async def test_two_at_the_same_moment_use_it_once(self, till, held):
        results = await asyncio.gather(
            *(till.offers.redeem(code=held.code) for _ in range(6)), return_exceptions=True
        )
        assert sum(not isinstance(result, Exception) for result in results) == 1
        assert {r.kind for r in results if isinstance(r, Conflict)} == {"ALREADY_REDEEMED"}

    async def test_offers_that_do_not_go_together_are_not_used_in_one_order(self, till):
        await till.define(
            make_offer("alone", exclusive=True),
            make_offer("a", stack_group="g"),
            make_offer("b", stack_group="g"),
            make_offer("c"),
        )
        held = {key: await till.offers.grant(ADA, key, channel="WEB") for key in ("alone", "a", "b", "c")}
        await till.offers.redeem(grant_id=held["a"].id, order_id="o1")
        for key in ("alone", "b"):
            await refused(
                till.offers.redeem(grant_id=held[key].id, order_id="o1"), Conflict, "NOT_TOGETHER", till
            )
        await till.offers.redeem(grant_id=held["c"].id, order_id="o1")
        await till.offers.redeem(grant_id=held["alone"].id, order_id="o2")
        await refused(
            till.offers.redeem(grant_id=held["b"].id, order_id="o2"), Conflict, "NOT_TOGETHER", till
        )


class TestReversing:
    async def test_the_budget_has_it_again_and_the_cap_has_not(self, till):
        await till.define(make_offer(amount_off=gbp("5"), budget=gbp("5"), per_person=1))
        held = await till.offers.grant(ADA, "tenth", channel="WEB")
        await till.offers.redeem(grant_id=held.id)
        await refused(till.offers.grant(BOB, "tenth", channel="WEB"), Conflict, "BUDGET_SPENT", till)
        back = await till.offers.reverse(held.id, reason="returned")
        assert (back.state, back.reason) == (GrantState.REVERSED, "returned")
        before = await till.dump()
        assert await till.offers.reverse(held.id) == back
        assert await till.dump() == before
        await refused(till.offers.redeem(grant_id=held.id), Conflict, "GRANT_REVERSED", till)
        await refused(till.offers.grant(ADA, "tenth", channel="WEB"), Conflict, "PER_PERSON", till)
        await till.offers.grant(BOB, "tenth", channel="WEB")

    async def test_an_unknown_or_ended_grant_is_not_reversed(self, till):
        await till.define(make_offer(lasts_days=1))
        held = await till.offers.grant(ADA, "tenth", channel="WEB")
        await refused(till.offers.reverse("grt_nothing"), NotFound, "UNKNOWN_GRANT", till)
        till.clock.instant = NOW + timedelta(days=2)
        await refused(till.offers.reverse(held.id), Conflict, "GRANT_EXPIRED", till)


class TestExpiry:
    async def test_what_has_ended_is_posted_once_and_its_worth_is_in_the_budget_again(self, till):
        await till.define(make_offer(amount_off=gbp("5"), budget=gbp("10"), lasts_days=1))
        for who in (ADA, BOB):
            await till.offers.grant(who, "tenth", channel="WEB")
        till.clock.instant = NOW + timedelta(days=1)
        shown = await till.offers.grants_of(ADA)
        assert [grant.state for grant in shown] == [GrantState.EXPIRED]
        other = await open_till(till.store, till.clock)
        assert sum(await asyncio.gather(till.offers.expire(), other.offers.expire())) == 2
        assert await till.offers.expire() == 0
        await till.offers.grant(ADA, "tenth", channel="WEB")


class TestBooks:
    async def test_the_report_is_the_sum_of_the_entries(self, till):
        await till.define(make_offer(amount_off=gbp("3.90")), make_offer("counted", percent_off=Decimal(10)))
        one = await till.offers.grant(ADA, "tenth", channel="WEB")
        two = await till.offers.grant(BOB, "tenth", channel="WEB")
        await till.offers.grant(BOB, "tenth", channel="WEB")
        await till.offers.grant(ADA, "counted", channel="WEB")
        await till.offers.redeem(grant_id=one.id)
        await till.offers.redeem(grant_id=two.id)
        await till.offers.reverse(two.id)
        report = await till.offers.report()
        assert report.balanced
        told = {(b.offer_key, b.account): (b.units, b.amount) for b in report.balances if b.units}
        assert told == {
            ("counted", Account.OFFERED): (-1, 0),
            ("counted", Account.GRANTED): (1, 0),
            ("tenth", Account.OFFERED): (-3, Decimal("-11.70")),
            ("tenth", Account.GRANTED): (1, Decimal("3.90")),
            ("tenth", Account.REDEEMED): (1, Decimal("3.90")),
            ("tenth", Account.REVERSED): (1, Decimal("3.90")),
        }

    async def test_the_audit_finds_what_was_tampered_with(self, till):
        await till.define(make_offer(amount_off=gbp("5")))
        held = await till.offers.grant(ADA, "tenth", channel="WEB")
        entries = till.store.db["offer_entries"]
        removed = await entries.find_one({"grant_id": held.id, "account": "granted"})
        await entries.delete_one({"_id": removed["_id"]})
        assert len(await till.offers.audit()) >= 2
        await entries.insert_one(removed)
        await till.store.db["offer_counters"].update_one({"_id": "tenth"}, {"$inc": {"units": 1}})
        assert await till.offers.audit() == ("tenth: the counter says 2 and the entries 1",)
        await till.store.db["offer_counters"].update_one({"_id": "tenth"}, {"$inc": {"units": -1}})


class TestDefinitions:
    ROW = {"key": "o", "title": "O", "terms": "T", "amount_off": {"amount": "5", "currency": "GBP"}}  # noqa: RUF012

    @pytest.mark.parametrize(
        ("given", "path"),
        [
            ({"budget": {"amount": "-1", "currency": "GBP"}}, ("budget", "amount")),
            ({"most_grants": -1}, ("most_grants",)),
            ({"per_person": -1}, ("per_person",)),
            ({"per_household": 1.5}, ("per_household",)),
            ({"lasts_days": 0}, ("lasts_days",)),
            ({"budget": {"amount": "9", "currency": "EUR"}}, ()),
        ],
    )
    def test_an_impossible_limit_is_refused_where_it_stands(self, given, path):
        with pytest.raises(InvalidInput) as refusal:
            parse_entry("offers", {**self.ROW, **given})
        assert refusal.value.path == path

    def test_a_good_one_is_taken(self):
        offer = parse_entry("offers", {**self.ROW, "budget": {"amount": "50", "currency": "GBP"}})
        assert offer.worth == gbp("5")
        assert offer.limited
        assert not replace(offer, budget=None).limited


def test_a_code_is_found_however_it_is_typed():
    for _ in range(50):
        code = new_code()
        assert normal_code(code) == code
        assert normal_code(f" {code.lower().replace('-', ' ').replace('0', 'o').replace('1', 'l')} ") == code
