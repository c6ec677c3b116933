"""`tutti offers`: the books on paper."""

import csv
import io

import pytest
from typer.testing import CliRunner

from hub.cli import app
from hub.kit.clock import FixedClock
from tests.builders import NOW
from tests.offers.rooms import customer, gbp, make_offer, open_till


@pytest.fixture
async def till(store, settings, monkeypatch):
    monkeypatch.setenv("TUTTI_MONGODB_URI", settings.mongodb_uri.get_secret_value())
    monkeypatch.setenv("TUTTI_DATABASE", settings.database)
    made = await open_till(store, FixedClock(NOW))
    await made.define(make_offer(amount_off=gbp("3.90"), lasts_days=1))
    for name in ("prf_a", "prf_b"):
        await made.know(customer(name))
        await made.offers.grant(customer(name), "tenth", channel="WEB")
    return made


def tutti(*words):
    return CliRunner().invoke(app, ["offers", *words])


async def test_the_report_prints_the_sums_of_the_entries(till):
    import asyncio

    held = (await till.offers.grants_of(customer("prf_a")))[0]
    await till.offers.redeem(grant_id=held.id)
    done = await asyncio.to_thread(tutti, "report", "--csv")
    assert done.exit_code == 0, done.output
    told = {
        row["account"]: (row["grants"], row["amount"]) for row in csv.DictReader(io.StringIO(done.stdout))
    }
    assert told == {
        "offered": ("-2", "-7.80"),
        "granted": ("1", "3.90"),
        "redeemed": ("1", "3.90"),
    }
    plain = await asyncio.to_thread(tutti, "report")
    assert "tenth" in plain.stdout
    assert "The books balance" in plain.stderr
    over = await asyncio.to_thread(tutti, "expire")  # the machine's clock is far ahead of the till's
    assert over.stdout == "expired 1 grant\n"


async def test_books_that_do_not_agree_are_told_and_fail(till):
    import asyncio

    await till.store.db["offer_counters"].update_one({}, {"$inc": {"units": 1}})
    done = await asyncio.to_thread(tutti, "report")
    assert done.exit_code == 1
    assert "does not agree: tenth: the counter says 3 and the entries 2" in done.stderr
