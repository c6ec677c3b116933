"""GraphQL over HTTP, by the specification of that name, as one ASGI application.

    POST /graphql   application/json in; application/graphql-response+json or application/json out
    GET  /graphql   queries and subscriptions only
    either          text/event-stream out, for a client that prefers it and for every subscription (sse.py)

A request that cannot be executed (malformed, does not validate, too large a question) gets 400 and no
`data` in application/graphql-response+json; in application/json, which proxies and old clients know,
200 if at least it was a well-formed request. One that was executed gets 200, errors of fields beside
their data. A subscription asked for by a client that takes no stream gets 406 and is told how to ask.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import ExecutionResult
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.errors import TooLarge, TuttiError, Unauthenticated, Unavailable
from hub.serving.body import BodyLimit, BodyTooLarge
from hub.serving.documents import is_mutation
from hub.serving.execution import Execution, NotExecutable, Operation, content_of, was_executed
from hub.serving.masking import MASKED, as_entry, log, refused
from hub.serving.requests import (
    EVENT_STREAM,
    JSON,
    RESPONSE_JSON,
    BadRequest,
    MethodRefused,
    StreamNeeded,
    answer_type,
    read_request,
    takes_stream,
)
from hub.serving.sse import EventStream

# An experience is a serving, with a row of its own in the ledger: a copy that a cache gave out would be
# one that nobody wrote down. And whoever shares the browser must not find another's page.
HEADERS = {"Cache-Control": "private, no-store", "Vary": "Accept, Authorization, X-Tutti-Customer"}


@dataclass(frozen=True, slots=True)
class Reply:
    """A response before it is spelled: `well_formed` tells whether there was a request in it at all."""

    status: int
    errors: list[dict[str, Any]] = field(default_factory=list)
    data: Mapping[str, Any] | None = None
    executed: bool = False
    well_formed: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)


class GraphQLEndpoint:
    """Answers HTTP requests by `execution`; `closing` is set when the hub stops, and cuts streams off."""

    def __init__(self, execution: Execution, closing: asyncio.Event) -> None:
        self._execution = execution
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        media_type = JSON
        try:
            media_type = answer_type(request.headers.get("accept", ""))
            answer = await self._answer(request, media_type)
        except BodyTooLarge:
            raise
        except TuttiError as error:
            answer = spell(_refusal(error), media_type)
        except Exception:  # noqa: BLE001 - whatever it is, the client gets a GraphQL answer
            log.exception("unexpected error in a request")
            answer = spell(_refusal(TuttiError(MASKED)), media_type)
        await answer(scope, receive, send)

    async def _answer(self, request: Request, media_type: str) -> ASGIApp:
        asked = await read_request(request)
        try:
            operation = self._execution.check(asked)
        except NotExecutable as refusal:
            if media_type == EVENT_STREAM:
                return self._as_stream(_only({"errors": refusal.entries}))
            return spell(Reply(400, refusal.entries), media_type)
        if request.method == "GET" and is_mutation(operation.node):
            raise MethodRefused("a mutation is sent by POST")
        if operation.streams:
            return await self._stream(request, operation)
        if media_type == EVENT_STREAM:
            return self._as_stream(_only(await self._execution.once(operation, request.headers, content_of)))
        return await self._execution.once(
            operation, request.headers, lambda result: spell(_executed(result), media_type)
        )

    async def _stream(self, request: Request, operation: Operation) -> ASGIApp:
        if not takes_stream(request.headers.get("accept", "")):
            raise StreamNeeded(
                f"a subscription is answered by a stream: send it with `Accept: {EVENT_STREAM}`, or over a "
                "WebSocket of subprotocol graphql-transport-ws at this address"
            )
        await self._execution.authenticate(request.headers)  # a refused key is told by its status
        return self._as_stream(self._execution.stream(operation, request.headers))

    def _as_stream(self, contents: AsyncGenerator[Mapping[str, Any], None]) -> ASGIApp:
        return EventStream(contents, HEADERS, self._closing)


async def _only(content: Mapping[str, Any]) -> AsyncGenerator[Mapping[str, Any], None]:
    yield content


def graphql_endpoint(execution: Execution, closing: asyncio.Event, *, body_limit: int) -> ASGIApp:
    """Return the whole application for HTTP: the endpoint behind its body limit."""
    too_large = spell(_refusal(TooLarge(f"a request's body may have {body_limit} bytes")), JSON)
    return BodyLimit(GraphQLEndpoint(execution, closing), body_limit, too_large)


def _refusal(error: TuttiError) -> Reply:
    headers: dict[str, str] = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="tutti", Basic realm="tutti"'
    if isinstance(error, Unavailable):
        headers["Retry-After"] = "1"
    if isinstance(error, MethodRefused):
        headers["Allow"] = "GET, POST"
    if isinstance(error, TooLarge):
        headers["Connection"] = "close"  # the rest of the body is not waited for
    return Reply(error.status, [refused(error)], well_formed=False, headers=headers)


def _executed(result: ExecutionResult) -> Reply:
    errors = [as_entry(error) for error in result.errors or ()]
    if not was_executed(result):
        return Reply(400, errors)
    return Reply(200, errors, data=result.data, executed=True)


def spell(reply: Reply, media_type: str) -> Response:
    """Return the HTTP response for a reply in JSON, of the type that the client prefers of the two."""
    if media_type == EVENT_STREAM:
        media_type = JSON
    content: dict[str, Any] = {}
    if reply.errors:
        content["errors"] = reply.errors
    if reply.executed:
        content["data"] = reply.data
    status = reply.status
    if media_type == JSON and status == BadRequest.status and reply.well_formed:
        status = 200
    return Response(
        orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY),
        status,
        headers={**reply.headers, **HEADERS, "Content-Type": f"{media_type}; charset=utf-8"},
    )


__all__ = ["JSON", "RESPONSE_JSON", "GraphQLEndpoint", "graphql_endpoint", "spell"]
