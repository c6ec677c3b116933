"""A small schema of its own: serving knows nothing of customers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from graphql import GraphQLSchema, build_schema
from starlette.types import ASGIApp

from hub.errors import InvalidInput, Unauthenticated, Unavailable
from hub.serving.documents import Documents
from hub.serving.execution import Execution
from hub.serving.http import graphql_endpoint
from hub.serving.limits import Limits
from hub.serving.sockets import Sockets
from hub.web.graphql import GraphQLApp
from tests.live import served

SDL = """
type Query {
  hello(name: String! = "world"): String
  refused: String
  broken: String
  unfit: Int
  slow: String
  tree: Tree
  items(first: Int! = 20): [Tree!]!
}
type Tree { name: String! tree: Tree items(first: Int! = 20): [Tree!]! plain: [Tree!]! }
type Mutation { change: String }
type Subscription { ticks(most: Int! = 3): Int told: Tree refusing: Int failing: Int slow: Slow }
type Slow { slow: String }
"""
BODY_LIMIT = 20_000


def small_schema(sources: list[str] | None = None) -> GraphQLSchema:
    """Return the schema with its resolvers; `sources` hears of each source that opens and closes."""
    schema = build_schema(SDL)

    def refused(_root: Any, _info: Any) -> str:
        raise InvalidInput("choose another", path=("name", 0), code="CHOOSE")

    def broken(_root: Any, _info: Any) -> str:
        raise RuntimeError("the secret is 42")

    async def slow(_root: Any, _info: Any) -> str:
        await asyncio.sleep(30)
        return "never"

    query = schema.query_type.fields
    query["hello"].resolve = lambda _root, info, name: f"hello {name} from {info.context['caller']}"
    query["refused"].resolve = refused
    query["broken"].resolve = broken
    query["unfit"].resolve = lambda _root, _info: "the secret is 43"
    query["slow"].resolve = slow
    query["tree"].resolve = lambda _root, _info: {"name": "root", "items": [], "plain": []}
    query["items"].resolve = lambda _root, _info, first: [{"name": str(n)} for n in range(first)]
    schema.mutation_type.fields["change"].resolve = lambda _root, _info: "changed"
    schema.type_map["Slow"].fields["slow"].resolve = slow
    _put_sources(schema, [] if sources is None else sources)
    return schema


def _put_sources(schema: GraphQLSchema, sources: list[str]) -> None:
    async def ticks(_root: Any, _info: Any, most: int) -> AsyncIterator[int]:
        for n in range(most):
            yield n

    async def told(_root: Any, info: Any) -> AsyncIterator[Any]:
        sources.append("opened")
        try:
            while True:
                yield {"name": await info.context["news"].get()}
        finally:
            sources.append("closed")

    async def refusing(_root: Any, _info: Any) -> AsyncIterator[int]:
        raise InvalidInput("there is nobody", path=("by",), code="NOBODY")
        yield 1

    async def failing(_root: Any, _info: Any) -> AsyncIterator[int]:
        yield 1
        raise RuntimeError("the secret is 44")

    async def slowly(_root: Any, _info: Any) -> AsyncIterator[Any]:
        yield {}

    subscription = schema.subscription_type.fields
    for name, source in (("ticks", ticks), ("told", told), ("refusing", refusing), ("failing", failing)):
        subscription[name].subscribe = source
        subscription[name].resolve = lambda event, _info, **_arguments: event
    subscription["slow"].subscribe = slowly
    subscription["slow"].resolve = lambda event, _info: event


@dataclass
class Door:
    """A client of the endpoint, and what came through to the context."""

    app: ASGIApp
    client: httpx.AsyncClient
    documents: Documents
    closing: asyncio.Event
    sources: list[str]
    news: asyncio.Queue[str]
    revoked: set[str]
    asked: list[Mapping[str, str]] = field(default_factory=list)

    async def post(self, query: str | None = None, **request: Any) -> httpx.Response:
        if query is not None:
            request["json"] = {"query": query, **request.pop("json", {})}
        headers = {"Accept": "application/graphql-response+json", **request.pop("headers", {})}
        return await self.client.post("/graphql", headers=headers, **request)

    async def code(self, query: str, **request: Any) -> str:
        """Return the code of the first error."""
        return (await self.post(query, **request)).json()["errors"][0]["extensions"]["code"]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what comes soon."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
async def url(door: Door) -> AsyncIterator[str]:
    """Where the door is over a socket."""
    async with served(door.app) as base:
        yield f"{base}/graphql"


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    sources: list[str] = []
    schema = small_schema(sources)
    news: asyncio.Queue[str] = asyncio.Queue()
    revoked: set[str] = set()
    documents = Documents(schema, Limits())
    asked: list[Mapping[str, str]] = []

    async def context(headers: Mapping[str, str]) -> dict[str, str]:
        asked.append(headers)
        caller = headers.get("authorization", "nobody")
        if caller == "Bearer wrong" or caller in revoked:
            raise Unauthenticated("this key is unknown")
        if caller == "Bearer unknowable":
            raise Unavailable("the store does not answer")
        return {"caller": f"{caller}{headers.get('x-tutti-customer', '')}", "news": news}

    closing = asyncio.Event()
    execution = Execution(schema, documents, context, deadline=0.3)
    app = GraphQLApp(
        graphql_endpoint(execution, closing, body_limit=BODY_LIMIT),
        Sockets(execution, message_limit=BODY_LIMIT, origins=["https://shop.example"]),
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hub") as client:
        yield Door(app, client, documents, closing, sources, news, revoked, asked)
