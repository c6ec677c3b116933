"""GraphQL over HTTP, by the specification of that name, as one ASGI application.

    POST /graphql   application/json in; application/graphql-response+json or application/json out
    GET  /graphql   queries only

A request that cannot be executed (malformed, does not validate, too large a question) gets 400 and no
`data` in application/graphql-response+json; in application/json, which proxies and old clients know,
200 if at least it was a well-formed request. One that was executed gets 200, errors of fields beside
their data. The context is made after the document has been checked, so that nonsense costs no look
at the store.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    execute,
    subscribe,
)
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.errors import NotAvailable, TooLarge, TuttiError, Unauthenticated, Unavailable
from hub.kit.deadline import within
from hub.serving.body import BodyLimit, BodyTooLarge
from hub.serving.documents import Documents, Prepared, is_mutation, is_subscription
from hub.serving.masking import as_entry, log, refused
from hub.serving.plans import PlannedExecutor, Reader
from hub.serving.requests import (
    JSON,
    RESPONSE_JSON,
    BadRequest,
    GraphQLRequest,
    MethodRefused,
    answer_type,
    read_request,
)

# An experience is a serving, with a row of its own in the ledger: a copy that a cache gave out would be
# one that nobody wrote down. And whoever shares the browser must not find another's page.
HEADERS = {"Cache-Control": "private, no-store", "Vary": "Accept, Authorization, X-Tutti-Customer"}

ContextFactory = Callable[[Mapping[str, str]], Awaitable[Any]]


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
    """Executes requests on one schema.

    Args:
        schema: the executable schema.
        documents: prepares and remembers documents.
        context: makes a request's context out of its headers; what it raises of `TuttiError` is answered with its status.
        deadline: seconds after which a request is given up.
        reader: tells which fields only read, so that plans can be compiled for them; None: no plans.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        documents: Documents,
        context: ContextFactory,
        *,
        deadline: float,
        reader: Reader | None = None,
    ) -> None:
        self._schema = schema
        self._documents = documents
        self._context = context
        self._deadline = deadline
        self._reader = reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        media_type = JSON
        try:
            media_type = answer_type(request.headers.get("accept", ""))
            reply = await self._answer(request)
        except BodyTooLarge:
            raise
        except TuttiError as error:
            reply = _refusal(error)
        except Exception:  # noqa: BLE001 - whatever it is, the client gets a GraphQL answer
            log.exception("unexpected error in a request")
            reply = _refusal(
                TuttiError("the hub made a mistake; it is logged under this request's X-Request-Id")
            )
        await spell(reply, media_type)(scope, receive, send)

    async def _answer(self, request: Request) -> Reply:
        asked = await read_request(request)
        prepared = self._documents.prepare(asked.query)
        if prepared.document is None:
            return _request_errors(prepared.errors)
        try:
            operation = prepared.operation(asked.operation_name)
        except GraphQLError as error:
            return _request_errors([error])
        if request.method == "GET" and is_mutation(operation):
            raise MethodRefused("a mutation is sent by POST")
        refusal = self._documents.check_price(prepared, operation, asked.variables)
        if refusal is not None:
            return _request_errors([refusal])
        try:
            result = await within(self._deadline, self._in_context(request, asked, prepared, operation))
        except TimeoutError:
            raise Unavailable(
                "this took too long and was given up; ask for less, or again later", code="DEADLINE_EXCEEDED"
            ) from None
        return _executed(result)

    async def _in_context(
        self, request: Request, asked: GraphQLRequest, prepared: Prepared, operation: OperationDefinitionNode
    ) -> ExecutionResult:
        return await self._execute(asked, prepared, operation, await self._context(request.headers))

    async def _execute(
        self,
        asked: GraphQLRequest,
        prepared: Prepared,
        operation: OperationDefinitionNode,
        context: Any,
    ) -> ExecutionResult:
        assert prepared.document is not None
        arguments: dict[str, Any] = {
            "context_value": context,
            "variable_values": dict(asked.variables),
            "operation_name": asked.operation_name,
        }
        if is_subscription(operation):
            return await self._subscribe(prepared, arguments)
        if self._reader is not None:
            arguments |= {"executor_class": PlannedExecutor, "plans": prepared.plans, "reader": self._reader}
        result = execute(self._schema, prepared.document, max_coercion_errors=5, **arguments)
        return await result if inspect.isawaitable(result) else result

    async def _subscribe(self, prepared: Prepared, arguments: dict[str, Any]) -> ExecutionResult:
        assert prepared.document is not None
        begun = subscribe(self._schema, prepared.document, **arguments)
        stream = await begun if inspect.isawaitable(begun) else begun
        if isinstance(stream, ExecutionResult):
            return stream
        # One response cannot carry a stream; but what refuses to begin says so in its first event.
        try:
            async for event in stream:
                if event.errors:
                    return event
                break
        except Exception as error:  # noqa: BLE001 - a source that fails is told as a field's error is
            return ExecutionResult(None, [GraphQLError(str(error), original_error=error)])
        fault = NotAvailable("subscriptions are not served over this transport")
        return ExecutionResult(None, [GraphQLError(fault.message, original_error=fault)])


def graphql_endpoint(
    schema: GraphQLSchema,
    documents: Documents,
    context: ContextFactory,
    *,
    deadline: float,
    body_limit: int,
    reader: Reader | None = None,
) -> ASGIApp:
    """Return the whole application: the endpoint behind its body limit."""
    endpoint = GraphQLEndpoint(schema, documents, context, deadline=deadline, reader=reader)
    too_large = spell(_refusal(TooLarge(f"a request's body may have {body_limit} bytes")), JSON)
    return BodyLimit(endpoint, body_limit, too_large)


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


def _request_errors(errors: Any) -> Reply:
    return Reply(400, [as_entry(error) for error in errors])


def _executed(result: ExecutionResult) -> Reply:
    errors = [as_entry(error) for error in result.errors or ()]
    # Errors without a path are of the request: variables that could not be coerced, a subscription
    # that did not begin.
    if result.data is None and all(error.path is None for error in result.errors or ()):
        return Reply(400, errors)
    return Reply(200, errors, data=result.data, executed=True)


def spell(reply: Reply, media_type: str) -> Response:
    """Return the HTTP response for a reply in one of the two media types."""
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


__all__ = ["JSON", "RESPONSE_JSON", "ContextFactory", "GraphQLEndpoint", "graphql_endpoint", "spell"]
