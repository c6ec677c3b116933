"""A small schema of its own: serving knows nothing of customers."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from graphql import GraphQLSchema, build_schema
from starlette.types import ASGIApp

from hub.errors import InvalidInput, Unauthenticated
from hub.serving.documents import Documents
from hub.serving.http import graphql_endpoint
from hub.serving.limits import Limits

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
type Subscription { ticks: Int }
"""
BODY_LIMIT = 20_000


def small_schema() -> GraphQLSchema:
    """Return the schema with its resolvers."""
    schema = build_schema(SDL)

    def refused(_root: Any, _info: Any) -> str:
        raise InvalidInput("choose another", path=("name", 0), code="CHOOSE")

    def broken(_root: Any, _info: Any) -> str:
        raise RuntimeError("the secret is 42")

    async def slow(_root: Any, _info: Any) -> str:
        await asyncio.sleep(30)
        return "never"

    async def ticks(_root: Any, _info: Any) -> AsyncIterator[int]:
        yield 1

    query = schema.query_type.fields
    query["hello"].resolve = lambda _root, info, name: f"hello {name} from {info.context['caller']}"
    query["refused"].resolve = refused
    query["broken"].resolve = broken
    query["unfit"].resolve = lambda _root, _info: "the secret is 43"
    query["slow"].resolve = slow
    query["tree"].resolve = lambda _root, _info: {"name": "root", "items": [], "plain": []}
    query["items"].resolve = lambda _root, _info, first: [{"name": str(n)} for n in range(first)]
    schema.mutation_type.fields["change"].resolve = lambda _root, _info: "changed"
    schema.subscription_type.fields["ticks"].subscribe = ticks
    return schema


@dataclass
class Door:
    """A client of the endpoint, and what came through to the context."""

    app: ASGIApp
    client: httpx.AsyncClient
    documents: Documents
    asked: list[Mapping[str, str]] = field(default_factory=list)

    async def post(self, query: str | None = None, **request: Any) -> httpx.Response:
        if query is not None:
            request["json"] = {"query": query, **request.pop("json", {})}
        headers = {"Accept": "application/graphql-response+json", **request.pop("headers", {})}
        return await self.client.post("/graphql", headers=headers, **request)

    async def code(self, query: str, **request: Any) -> str:
        """Return the code of the first error."""
        return (await self.post(query, **request)).json()["errors"][0]["extensions"]["code"]


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    schema = small_schema()
    documents = Documents(schema, Limits())
    asked: list[Mapping[str, str]] = []

    async def context(headers: Mapping[str, str]) -> dict[str, str]:
        asked.append(headers)
        if headers.get("authorization") == "Bearer wrong":
            raise Unauthenticated("this key is unknown")
        return {"caller": headers.get("authorization", "nobody")}

    app = graphql_endpoint(schema, documents, context, deadline=0.3, body_limit=BODY_LIMIT)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hub") as client:
        yield Door(app, client, documents, asked)
