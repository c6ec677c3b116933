"""`/v1/*`: events over HTTP, as Segment's own clients send them.

    POST /v1/identify|track|page|screen|group|alias     one message
    POST /v1/batch                                      {"batch": [...], "sentAt", "context"}
    POST /v1/import                                     the same for history: `sentAt` is not read as clock skew

`Sec-GPC: 1` (Global Privacy Control) marks every message of its request: none is a sign of interest.

The write key is the Basic user name (or a Bearer key). A browser's `sendBeacon`, which can set no header, says
it as `writeKey` in the body, as Segment's own script does. 200 {"success": true, "accepted", "duplicates",
"rejected": [...]} means that what was accepted is durable. Nothing acceptable at all is a 400 problem.
"""

import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.auth.model import Caller, Scope
from hub.errors import Forbidden, InvalidInput, TooLarge, TuttiError
from hub.events import gpc
from hub.events.model import EventType, Receipt, Rejection
from hub.events.service import IngestService
from hub.web.problems import MEDIA_TYPE, problem

Authenticate = Callable[[Mapping[str, str]], Awaitable[Caller]]

WRITE_KEY = "writeKey"
INFLATION = 8  # how many times the body limit a compressed body may be when unpacked
MOST_REJECTIONS_TOLD = 100


def routes(
    ingest: IngestService,
    authenticate: Authenticate,
    *,
    body_limit: int = 524_288,
    batch_limit: int = 2_000,
) -> list[Route]:
    """Return the routes.

    Args:
        ingest: takes the messages.
        authenticate: tells from a request's headers who is asking.
        body_limit: largest body in bytes as it is sent.
        batch_limit: most messages in one batch.
    """
    endpoint = _Ingest(ingest, authenticate, body_limit, batch_limit)
    single = [
        Route(f"/v1/{kind.value}", endpoint.one(kind), methods=["POST"], name=f"ingest-{kind.value}")
        for kind in EventType
    ]
    return [
        *single,
        Route("/v1/batch", endpoint.many(historical=False), methods=["POST"], name="ingest-batch"),
        Route("/v1/import", endpoint.many(historical=True), methods=["POST"], name="ingest-import"),
    ]


class _Ingest:
    def __init__(
        self, ingest: IngestService, authenticate: Authenticate, body_limit: int, batch_limit: int
    ) -> None:
        self._ingest = ingest
        self._authenticate = authenticate
        self._body_limit = body_limit
        self._batch_limit = batch_limit

    def one(self, kind: EventType) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint that takes single messages of a kind."""

        async def endpoint(request: Request) -> Response:
            try:
                caller, body = await self._read(request)
                message = {**body, "type": kind.value}
                if gpc.signalled(request.headers):
                    message = gpc.marked(message)
                receipt = await self._ingest.record([message], source=caller.key_name)
            except TuttiError as error:
                return problem(error)
            if receipt.rejected:
                fault = receipt.rejected[0]
                return problem(InvalidInput(fault.message, path=fault.path, code=fault.code))
            return _accepted(receipt)

        return endpoint

    def many(self, *, historical: bool) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint that takes batches; of history, if so."""

        async def endpoint(request: Request) -> Response:
            try:
                caller, body = await self._read(request)
                messages = self._messages(body, historical=historical)
                if gpc.signalled(request.headers):
                    messages = [gpc.marked(message) for message in messages]
                receipt = await self._ingest.record(messages, source=caller.key_name)
            except TuttiError as error:
                return problem(error)
            if receipt.rejected and not receipt.accepted and not receipt.duplicates:
                return _all_rejected(receipt)
            return _accepted(receipt)

        return endpoint

    async def _read(self, request: Request) -> tuple[Caller, dict[str, Any]]:
        by_header = "authorization" in request.headers
        caller = _may_ingest(await self._authenticate(request.headers)) if by_header else None
        raw = await self._body(request)
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise InvalidInput(f"the body is not JSON: {error}", code="MALFORMED_JSON") from None
        if not isinstance(body, dict):
            raise InvalidInput("the body is a JSON object")
        key = body.pop(WRITE_KEY, None)
        if caller is None:
            caller = _may_ingest(await self._authenticate(keyed(request.headers, key)))
        return caller, body

    async def _body(self, request: Request) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > self._body_limit:
                raise TooLarge(f"a body has at most {self._body_limit} bytes; send smaller batches")
            parts.append(part)
        raw = b"".join(parts)
        encoding = request.headers.get("content-encoding", "identity").strip().lower()
        if encoding in {"", "identity"}:
            return raw
        if encoding not in {"gzip", "x-gzip"}:
            raise InvalidInput("a body is sent plain or with Content-Encoding: gzip", code="UNKNOWN_ENCODING")
        return self._inflated(raw)

    def _inflated(self, raw: bytes) -> bytes:
        most = self._body_limit * INFLATION
        inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            plain = inflater.decompress(raw, most)
        except zlib.error:
            raise InvalidInput("the body is not gzip", code="MALFORMED_GZIP") from None
        if inflater.unconsumed_tail:
            raise TooLarge(f"a body has at most {most} bytes when unpacked; send smaller batches")
        if not inflater.eof:
            raise InvalidInput("the gzip body ends too early", code="MALFORMED_GZIP")
        return plain

    def _messages(self, body: Mapping[str, Any], *, historical: bool) -> list[Any]:
        batch = body.get("batch")
        if not isinstance(batch, list):
            raise InvalidInput("a batch is a list of messages", path=("batch",))
        if len(batch) > self._batch_limit:
            raise TooLarge(f"a batch has at most {self._batch_limit} messages", path=("batch",))
        context = body.get("context")
        shared = context if isinstance(context, dict) else {}
        sent_at = body.get("sentAt")
        return [_completed(message, shared, sent_at, historical=historical) for message in batch]


def keyed(headers: Mapping[str, str], key: Any) -> Mapping[str, str]:
    """Return headers that carry a key which came in the body."""
    return {**headers, "authorization": f"Bearer {key}"} if isinstance(key, str) else headers


def _may_ingest(caller: Caller) -> Caller:
    if caller.scope not in {Scope.INGEST, Scope.ADMIN}:
        raise Forbidden("recording events takes a key with the scope `ingest`")
    return caller


def _completed(message: Any, context: Mapping[str, Any], sent_at: Any, *, historical: bool) -> Any:
    """Return a message with what its batch says for all; what is no object is left for ingest to refuse."""
    if not isinstance(message, dict):
        return message
    completed = dict(message)
    if historical:
        completed.pop("sentAt", None)
    elif sent_at is not None:
        completed.setdefault("sentAt", sent_at)
    own = completed.get("context")
    if context and (own is None or isinstance(own, dict)):
        completed["context"] = {**context, **(own or {})}
    return completed


def _accepted(receipt: Receipt) -> Response:
    return JSONResponse(
        {
            "success": True,
            "accepted": receipt.accepted,
            "duplicates": receipt.duplicates,
            "rejected": _told(receipt.rejected),
        }
    )


def _all_rejected(receipt: Receipt) -> Response:
    fault = receipt.rejected[0]
    document = InvalidInput(
        f"none of the {len(receipt.rejected)} messages can be taken; the first: {fault.message}",
        path=("batch", fault.index, *fault.path),
        code=fault.code,
    ).as_problem()
    document["rejected"] = _told(receipt.rejected)
    return JSONResponse(document, status_code=400, media_type=MEDIA_TYPE)


def _told(rejected: Sequence[Rejection]) -> list[dict[str, Any]]:
    return [
        {
            "index": one.index,
            "code": one.code,
            "message": one.message,
            "path": ["batch", one.index, *one.path],
        }
        for one in rejected[:MOST_REJECTIONS_TOLD]
    ]
