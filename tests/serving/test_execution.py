"""What an answer waited for is let go: with the caller who gave up, and after the answer."""

import asyncio

import pytest
from graphql import build_schema

from hub.errors import Unavailable
from hub.kit.leaving import Leaving
from hub.serving.documents import Documents
from hub.serving.execution import Execution, content_of
from hub.serving.limits import Limits
from hub.serving.requests import GraphQLRequest


class Asked:
    """One request to a schema whose `page` waits for a write, and whose `never` nobody lives to see."""

    def __init__(self, written):
        self.leaving, self.told = Leaving(), []
        schema = build_schema("type Query { page: String never: String }")
        schema.query_type.fields["page"].resolve = self._page
        schema.query_type.fields["never"].resolve = lambda _root, _info: asyncio.Event().wait()
        documents = Documents(schema, Limits())
        self._execution = Execution(
            schema, documents, self._context, deadline=0.3, leaving=lambda context: context
        )
        self._written = written

    async def _context(self, _headers):
        return self.leaving

    async def _page(self, _root, info):
        return await info.context.after("page", self._write(), "a page", lambda: "another")

    async def _write(self):
        self.told.append("begun")
        try:
            await self._written.wait()
        except asyncio.CancelledError:
            self.told.append("given up")
            raise
        self.told.append("written")

    async def answer(self, query):
        operation = self._execution.check(GraphQLRequest(query, None, {}))
        return await self._execution.once(operation, {}, content_of)


@pytest.fixture
def written():
    return asyncio.Event()


async def test_an_answer_leaves_after_its_write_and_holds_nothing_of_it(written):
    asked = Asked(written)
    written.set()
    assert await asked.answer("{ page }") == {"data": {"page": "a page"}}
    assert asked.told == ["begun", "written"]
    assert asked.leaving.made("page") is None


@pytest.mark.parametrize("query", ["{ page never }", "{ page }"], ids=["being completed", "complete"])
async def test_who_is_not_answered_in_time_takes_the_write_along(written, query):
    asked = Asked(written)
    with pytest.raises(Unavailable) as refusal:
        await asked.answer(query)
    assert refusal.value.kind == "DEADLINE_EXCEEDED"
    await asyncio.sleep(0.01)
    assert asked.told == ["begun", "given up"]
