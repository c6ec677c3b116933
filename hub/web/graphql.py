"""`/graphql`: the schema, served."""

import asyncio
from collections.abc import Callable

from graphql import (
    ASTValidationRule,
    GraphQLBoolean,
    GraphQLField,
    GraphQLFloat,
    GraphQLInt,
    GraphQLSchema,
    GraphQLString,
    get_named_type,
)
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry import Schema
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.types.field import StrawberryField

from hub.config import Settings
from hub.serving.documents import Documents
from hub.serving.execution import ContextFactory, Execution
from hub.serving.http import graphql_endpoint
from hub.serving.limits import Limits
from hub.serving.plans import Attribute, Derived
from hub.serving.sockets import Sockets
from schema.base import READ, Asking

OnErasure = Callable[[Callable[[], None]], None]
PLAIN = {
    GraphQLInt,
    GraphQLFloat,
    GraphQLString,
    GraphQLBoolean,
}  # arguments that Strawberry hands on as they are
RULES: tuple[type[ASTValidationRule], ...] = (MaybeNullValidationRule, OneOfInputValidationRule)


def core_schema(schema: Schema) -> GraphQLSchema:
    """Return graphql-core's schema under Strawberry's, which has no public name there.

    Executing on it directly leaves out Strawberry's extensions (we use none) and parses and validates
    each document once instead of once a request.
    """
    return schema._schema  # noqa: SLF001


def read_of(definition: GraphQLField, _name: str) -> Attribute | Derived | None:
    """Return how a field is read where that is all it does: an attribute, or `schema.base.field(at_once=True)`."""
    ours = definition.extensions.get("strawberry-definition")
    if not isinstance(ours, StrawberryField):
        return None
    if ours.is_basic_field:
        return Attribute(ours.python_name)
    read = ours.metadata.get(READ)
    if read is None or not all(get_named_type(given.type) in PLAIN for given in definition.args.values()):
        return None
    takes = {
        name: given.extensions["strawberry-definition"].python_name for name, given in definition.args.items()
    }
    return Derived(read.method, read.asks, takes)


class GraphQLApp:
    """What is at `/graphql`. A class's instance is taken by Starlette as an ASGI application, and handed every method."""

    def __init__(self, http: ASGIApp, sockets: ASGIApp) -> None:
        self._http = http
        self._sockets = sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._sockets if scope["type"] == "websocket" else self._http)(scope, receive, send)


def graphql_app(
    schema: Schema,
    context_factory: ContextFactory,
    settings: Settings,
    on_erasure: OnErasure | None = None,
    closing: asyncio.Event | None = None,
) -> GraphQLApp:
    """Return the ASGI application that serves a schema over HTTP and WebSockets.

    Args:
        schema: what `schema.schema.build` returned.
        context_factory: makes the `resolvers.context.Context` of a request out of its headers.
        settings: `deadline`, `body_limit` and `origins` hold here.
        on_erasure: is told how to empty the cache of documents, since clients may write ids into them.
        closing: set when the hub stops, so that streams end; None: they are never told to.
    """
    core = core_schema(schema)
    documents = Documents(core, Limits(), RULES)
    if on_erasure is not None:
        on_erasure(documents.forget)
    execution = Execution(
        core,
        documents,
        context_factory,
        deadline=settings.deadline,
        reader=read_of,
        asking=Asking,
        leaving=lambda context: context.leaving,
    )
    http = graphql_endpoint(execution, closing or asyncio.Event(), body_limit=settings.body_limit)
    sockets = Sockets(execution, message_limit=settings.body_limit, origins=settings.allowed_origins)

    return GraphQLApp(http, sockets)


def graphql_routes(
    schema: Schema,
    context_factory: ContextFactory,
    settings: Settings,
    on_erasure: OnErasure | None = None,
    closing: asyncio.Event | None = None,
) -> list[BaseRoute]:
    """Return `/graphql` for both; arguments as of `graphql_app`."""
    app = graphql_app(schema, context_factory, settings, on_erasure, closing)
    return [Route("/graphql", app, include_in_schema=False), WebSocketRoute("/graphql", app)]
