"""What an answer waits for: begun at once, awaited last, given up with its caller."""

import asyncio
from asyncio import Event
from weakref import ref

import pytest

from hub.errors import Unavailable
from hub.kit.leaving import Departure, Leaving


def work(gate, told, fault=None):
    async def doing():
        told.append("begun")
        await gate.wait()
        if fault is not None:
            raise fault
        told.append("done")

    return doing()


@pytest.fixture
def gate():
    return asyncio.Event()


async def test_what_was_made_is_there_before_the_work_is_done_and_settles_after_it(gate):
    leaving, told = Leaving(), []
    assert await Departure(leaving, "page").after(work(gate, told), "a page", lambda: "another") == "a page"
    assert told == ["begun"]
    settling = asyncio.create_task(leaving.settled())
    await asyncio.sleep(0.01)
    assert not settling.done()
    gate.set()
    assert await settling
    assert (told, leaving.made("page")) == (["begun", "done"], "a page")


async def test_where_the_work_could_not_be_done_something_else_leaves(gate):
    leaving = Leaving()
    await leaving.after("page", work(gate, [], Unavailable("away")), "a page", lambda: "another")
    await leaving.after("desk", work(gate, []), "a desk", lambda: "another")
    gate.set()
    assert not await leaving.settled()
    assert (leaving.made("page"), leaving.made("desk")) == ("another", "a desk")
    assert await leaving.settled()  # nothing is begun any more


async def test_a_fault_meets_whoever_asks_for_what_it_is_of(gate):
    leaving = Leaving()
    await leaving.after("page", work(gate, [], ZeroDivisionError()), "a page", lambda: "another")
    gate.set()
    assert not await leaving.settled()
    with pytest.raises(ZeroDivisionError):
        leaving.made("page")


@pytest.mark.parametrize("while_settling", [True, False])
async def test_who_gives_up_takes_the_work_along(gate, while_settling):
    leaving, told = Leaving(), []
    for name in ("page", "desk"):
        await leaving.after(name, work(gate, told), name, lambda: "another")
    if while_settling:
        settling = asyncio.create_task(leaving.settled())
        await asyncio.sleep(0)
        settling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await settling
    else:
        leaving.drop()
    gate.set()
    await asyncio.sleep(0.01)
    assert told == ["begun", "begun"]


async def test_when_somebody_was_answered_nothing_of_it_is_held(gate):
    leaving, page = Leaving(), Event()
    await leaving.after("page", work(gate, []), page, Event)
    gate.set()
    assert await leaving.settled()
    held = ref(page)
    del page
    assert held() is leaving.made("page")
    leaving.drop()
    assert held() is None  # no need of the garbage collector
